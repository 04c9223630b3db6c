//! Turns: when a core gets one, what it finds, and what becomes of what it asked for.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use runtime::{Crash, Inputs, Turn};
use stdx::Instant;

use crate::event::{Event, EventKind, NodeId, Place};
use crate::network::link::add;
use crate::node::NodeState;
use crate::{Fault, World};

/// Idle turns after which a core is slowed down, so that waiting for another core by turning round and round
/// does not fill the heap.
const PATIENCE: u32 = 64;

/// Nanoseconds to which it is slowed down at most.
const SLOWEST_TURN: u64 = 1_000_000;

impl World {
    /// Something waits for a core: it gets a turn once the event at hand is dealt with.
    pub(crate) fn kick(&mut self, place: Place) {
        self.kicked.push(place);
    }

    pub(crate) fn run_kicked(&mut self) {
        while let Some(place) = self.kicked.pop() {
            self.turn_or_schedule(place);
        }
    }

    /// Gives a core its turn now if it is free, else when it is.
    fn turn_or_schedule(&mut self, place: Place) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let running = node.state == NodeState::Running;
        let monotonic = node.clock.monotonic(now);
        let Some(seat) = node.seat(place) else {
            return;
        };
        let due = seat.deadline.is_some_and(|deadline| deadline <= monotonic);
        if !running || seat.finished || seat.turn_at.is_some() || !(seat.has_news() || due) {
            return;
        }
        if seat.busy_until > now {
            self.schedule_turn(place, now);
        } else {
            self.turn(place);
        }
    }

    /// Schedules a turn for `at`, or when the core is free.
    pub(crate) fn schedule_turn(&mut self, place: Place, at: Instant) {
        let Some(seat) = self.seat(place) else {
            return;
        };
        let at = at.max(seat.busy_until);
        seat.turn_at = Some(at);
        self.heap.push(at, Event::Turn(place));
    }

    pub(crate) fn turn_due(&mut self, place: Place) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let running = node.state == NodeState::Running;
        let Some(seat) = node.seat(place) else {
            return;
        };
        if seat.turn_at != Some(now) {
            return;
        }
        seat.turn_at = None;
        if !running {
            return;
        }
        if seat.busy_until > now {
            self.schedule_turn(place, now);
        } else if self.happens(place, EventKind::Turn, 0) {
            self.turn(place);
        }
    }

    pub(crate) fn alarm_due(&mut self, place: Place) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let monotonic = node.clock.monotonic(now);
        let Some(seat) = node.seat(place) else {
            return;
        };
        if seat.alarm_at != Some(now) {
            return;
        }
        seat.alarm_at = None;
        let Some(deadline) = seat.deadline else {
            return;
        };
        if deadline > monotonic {
            self.arm_alarm(place);
        } else if self.happens(place, EventKind::Alarm, deadline.as_nanos()) {
            self.kick(place);
        }
    }

    /// Sees to it that an alarm comes by the core's deadline. One that comes earlier is armed again then: most
    /// deadlines move on before they come, and the heap is not to fill with them.
    fn arm_alarm(&mut self, place: Place) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let clock = node.clock.clone();
        let Some(seat) = node.seat(place) else {
            return;
        };
        let Some(deadline) = seat.deadline else {
            return;
        };
        let at = clock.when(deadline).max(now);
        if seat.alarm_at.is_none_or(|armed| armed > at) {
            seat.alarm_at = Some(at);
            self.heap.push(at, Event::Alarm(place));
        }
    }

    /// The clock's rate changed.
    pub(crate) fn rearm_alarms(&mut self, node: NodeId) {
        let places: Vec<Place> = self
            .node(node)
            .seats
            .iter()
            .map(|seat| seat.place)
            .collect();
        for place in places {
            self.arm_alarm(place);
        }
    }

    /// One turn of a core.
    fn turn(&mut self, place: Place) {
        // What an earlier turn's wishes dropped is not this core's to announce.
        self.announce_loose_drops();
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let (monotonic, wall) = (node.clock.monotonic(now), node.clock.wall(now));
        let Some(seat) = node.seat(place) else {
            return;
        };
        let due = seat.deadline.is_some_and(|deadline| deadline <= monotonic);
        let news = seat.has_news() || due;
        seat.deadline = None;
        let inputs = Inputs {
            now: monotonic,
            wall,
            completions: &mut seat.completions,
            messages: &seat.messages.arrived,
            returns: &seat.returns.arrived,
        };
        let core = &mut seat.core;
        let turn = catch_unwind(AssertUnwindSafe(|| core.turn(inputs)));
        match turn {
            Ok(turn) => {
                seat.messages.taken();
                seat.returns.taken();
                self.after_turn(place, turn, news);
            }
            Err(payload) => match payload.downcast::<Crash>() {
                Ok(crash) => self.crashed(place, crash.0),
                Err(payload) => resume_unwind(payload),
            },
        }
    }

    fn after_turn(&mut self, place: Place, turn: Turn, news: bool) {
        self.work(place);
        self.carry_out(place);
        match turn {
            Turn::Ready => {
                self.count_idle_turn(place, news);
                let now = self.now();
                self.schedule_turn(place, now);
            }
            Turn::Deadline(deadline) => {
                if let Some(seat) = self.seat(place) {
                    seat.deadline = Some(deadline);
                    seat.idle_turns = 0;
                }
                self.arm_alarm(place);
            }
            Turn::Idle => {
                if let Some(seat) = self.seat(place) {
                    seat.idle_turns = 0;
                }
            }
            Turn::Finished => self.core_finished(place),
        }
    }

    /// Lets the turn take its time, and the core stall.
    fn work(&mut self, place: Place) {
        let now = self.now();
        let node = &mut self.nodes[place.node.index()];
        let pace = node.config.pace;
        let Some(seat) = node.seat(place) else {
            return;
        };
        seat.busy_until = add(now, pace.turn.draw(&mut seat.pace).max(1));
        if pace.stall.hits(&mut seat.stalls) {
            let stall = pace.stall_time.draw(&mut seat.stalls);
            seat.busy_until = add(seat.busy_until, stall);
            self.coverage.hit(Fault::CoreStall);
        }
    }

    /// A core that has tasks ready and learns nothing new, turn after turn, waits for something by asking again
    /// and again: it is slowed down, and at last it is a livelock.
    fn count_idle_turn(&mut self, place: Place, news: bool) {
        let limit = self.config.idle_turns_max;
        let description = self.seed;
        let Some(seat) = self.seat(place) else {
            return;
        };
        seat.idle_turns = if news { 0 } else { seat.idle_turns + 1 };
        let idle = seat.idle_turns;
        if idle > PATIENCE {
            let slow = 1_000_u64 << (idle / PATIENCE).min(10);
            seat.busy_until = add(seat.busy_until, slow.min(SLOWEST_TURN));
        }
        assert!(
            idle < limit,
            "livelock: node {} core {} ran {idle} turns without news; tasks: {}; seed {description}",
            place.node,
            place.core,
            seat.core.task_count(),
        );
    }
}

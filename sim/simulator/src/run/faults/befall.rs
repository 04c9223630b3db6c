//! What each fault does to the world, at its time.

use runtime::CoreId;
use stdx::Duration;
use world::{Crash, DiskFault, Fault, NodeId, World};

use super::{Schedule, Step};
use crate::run::brokers::Broker;
use crate::run::media::{self, Misdirection};
use crate::scenario::FaultKind;

/// Bytes that a full disk has: none beyond what is used.
const NO_ROOM: u64 = 0;

impl Schedule {
    /// Carries a fault out, and plans its end. False when it cannot happen now.
    pub(super) fn happens(
        &mut self,
        kind: FaultKind,
        world: &mut World,
        broker: &mut Broker,
        clients: NodeId,
    ) -> bool {
        match kind {
            FaultKind::PowerCut { .. }
            | FaultKind::ProcessCrash { .. }
            | FaultKind::PowerCutAtEvent { .. }
            | FaultKind::Restart { .. }
            | FaultKind::Pause { .. }
            | FaultKind::StallCore { .. } => self.befalls_process(kind, world, broker),
            FaultKind::Cut { .. }
            | FaultKind::CutOneWay { .. }
            | FaultKind::Reset
            | FaultKind::StallLink { .. } => {
                self.befalls_network(kind, world, broker.node(), clients)
            }
            FaultKind::BitRot { draw } | FaultKind::Unreadable { draw } => {
                media::damage(world, broker.node(), kind, draw, &mut self.rotten)
            }
            FaultKind::MisdirectedWrite if self.misdirection.is_some() => false,
            FaultKind::MisdirectedWrite => {
                self.misdirection = Some(Misdirection::default());
                true
            }
            FaultKind::SyncError
            | FaultKind::WriteError
            | FaultKind::DirectorySyncError
            | FaultKind::ClockDrift { .. }
            | FaultKind::NoSpace { .. }
            | FaultKind::DiskStall { .. }
            | FaultKind::ClockStep { .. }
            | FaultKind::ClockFreeze { .. } => {
                self.befalls_machine(kind, world, broker);
                true
            }
        }
    }

    /// What happens to the broker's process. False when it needs one that runs and there is none.
    fn befalls_process(&mut self, kind: FaultKind, world: &mut World, broker: &mut Broker) -> bool {
        let node = broker.node();
        let up = broker.is_up(world);
        let later = |millis: u64| world.now() + Duration::from_millis(millis);
        match kind {
            FaultKind::PowerCut { down } => {
                self.add(later(down), Step::Start);
                world.power_cut(node);
            }
            FaultKind::ProcessCrash { down } if up => {
                self.add(later(down), Step::Start);
                world.kill(node);
            }
            FaultKind::PowerCutAtEvent { events, down } if self.armed.is_none() => {
                self.armed = Some((down, world.hits(Fault::CrashPoint)));
                world.crash_after_events(node, events, Crash::PowerCut);
            }
            FaultKind::Restart { down } if up => broker.stop(down),
            FaultKind::Pause { millis } if up => {
                self.add(later(millis), Step::Resume);
                world.pause(node);
            }
            FaultKind::StallCore { core, millis } if up => {
                let core = CoreId::new(core % broker.cores());
                world.stall_core(node, core, Duration::from_millis(millis));
            }
            _ => return false,
        }
        true
    }

    /// What happens to the bytes between broker and clients. False when there are no connections to reset.
    fn befalls_network(
        &mut self,
        kind: FaultKind,
        world: &mut World,
        node: NodeId,
        clients: NodeId,
    ) -> bool {
        let later = |millis: u64| world.now() + Duration::from_millis(millis);
        match kind {
            FaultKind::Cut { millis } => {
                self.add(later(millis), Step::Join);
                world.cut_both(node, clients);
            }
            FaultKind::CutOneWay { to_broker, millis } => {
                self.add(later(millis), Step::Join);
                let (source, target) = if to_broker {
                    (clients, node)
                } else {
                    (node, clients)
                };
                world.cut(source, target);
            }
            FaultKind::Reset => return world.reset_streams(node, clients) > 0,
            FaultKind::StallLink { millis } => {
                world.stall_link(node, clients, Duration::from_millis(millis));
                world.stall_link(clients, node, Duration::from_millis(millis));
            }
            _ => unreachable!("not of the network"),
        }
        true
    }

    /// What happens to the disk and the clock of the broker's machine.
    fn befalls_machine(&mut self, kind: FaultKind, world: &mut World, broker: &mut Broker) {
        let node = broker.node();
        let later = |millis: u64| world.now() + Duration::from_millis(millis);
        match kind {
            FaultKind::SyncError => {
                broker.may_end_itself();
                world.fail_next(node, DiskFault::SyncError);
            }
            FaultKind::WriteError => {
                broker.may_end_itself();
                world.fail_next(node, DiskFault::WriteError);
            }
            FaultKind::DirectorySyncError => {
                broker.may_end_itself();
                broker.may_refuse_to_start();
                world.fail_next(node, DiskFault::DirectorySyncError);
            }
            FaultKind::ClockDrift { ppm } => world.set_drift(node, ppm),
            FaultKind::NoSpace { millis } => {
                self.add(later(millis), Step::Room);
                broker.may_refuse_to_start();
                world.set_quota(node, NO_ROOM);
            }
            FaultKind::DiskStall { millis } => {
                world.stall_disk(node, Duration::from_millis(millis));
            }
            FaultKind::ClockStep { millis } => {
                let by = Duration::from_millis(millis.unsigned_abs());
                if millis < 0 {
                    world.step_clock_back(node, by);
                } else {
                    world.step_clock_forward(node, by);
                }
            }
            FaultKind::ClockFreeze { millis } => {
                self.add(later(millis), Step::Thaw);
                world.freeze_clock(node);
            }
            _ => unreachable!("not of the machine"),
        }
    }
}

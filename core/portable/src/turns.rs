//! The loop of one core.

use core::future::{Future, poll_fn};
use core::pin::pin;
use std::rc::Rc;
use std::sync::Arc;

use runtime::passive::Waiting;
use runtime::record::Tape;
use runtime::{Core, CoreConfig, Driver, Environment, Inputs, Links, Main, Turn};
use stdx::Duration;

use crate::arrivals::Arrivals;
use crate::clock::Clock;
use crate::driver::PortableDriver;
use crate::environment::PortableEnvironment;
use crate::node::Node;

/// What a core's thread starts with.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) node: Arc<Node>,
    pub(crate) config: CoreConfig,
    pub(crate) links: Links,
    pub(crate) tape: Option<Tape>,
}

/// Takes turns until the core is finished, or the node failed. Runs inside the reactor of the core's thread, to
/// the end: destructors of what the core still had may use it.
pub(crate) async fn turns(seat: Seat, environment: PortableEnvironment, main: Main) {
    let Seat {
        node,
        config,
        links,
        tape,
    } = seat;
    let arrivals = Arc::clone(node.arrivals(config.id));
    let driver = Rc::new(PortableDriver::new(Arc::clone(&node), config.id));
    let ground = Rc::clone(&driver) as Rc<dyn Driver>;
    let environment = Rc::new(environment) as Rc<dyn Environment>;
    let mut core = match tape {
        Some(tape) => Core::recorded(config, links, ground, environment, tape.recorder(config.id)),
        None => Core::new(config, links, ground, environment),
    };
    core.start(&main);
    drop(main);
    let runtime = core.runtime();
    let mut waiting = Waiting::default();
    let mut completions = Vec::new();
    while !node.alarm.is_raised() {
        driver.advance(&runtime);
        // The look at what waits comes before the turn gets its number in a recording, so that what it counts was
        // sent by turns with smaller numbers.
        core.sample_waiting(&mut waiting);
        driver.take_completions(&mut completions);
        let turn = core.turn(Inputs {
            now: node.clock.now(),
            wall: Clock::wall(),
            completions: &mut completions,
            messages: &waiting.messages,
            returns: &waiting.returns,
        });
        // What the turn submitted is tried at once: most sends, and receives behind a busy peer, end here.
        let landed = driver.advance(&runtime);
        match turn {
            Turn::Finished => break,
            // The reactor gets its look between any two turns, so that busy tasks do not hide the sockets.
            Turn::Deadline(_) | Turn::Idle if !landed => wait(&arrivals, &node.clock, turn).await,
            Turn::Ready | Turn::Deadline(_) | Turn::Idle => tokio::task::yield_now().await,
        }
    }
    drop(runtime);
    drop(core);
    // Memory of other cores that went home with this core's end was announced to nobody.
    node.ring_all();
}

/// Waits for the bell, or for the deadline of `turn`. The reactor gets its look even if neither needs waiting for:
/// under steady mail the bell rings before every wait, and the sockets would be forgotten.
async fn wait(arrivals: &Arrivals, clock: &Clock, turn: Turn) {
    let mut parked = false;
    let mut rung = pin!(arrivals.rung());
    let rung = poll_fn(|context| {
        let polled = rung.as_mut().poll(context);
        parked |= polled.is_pending();
        polled
    });
    match clock.sleep(turn) {
        None => rung.await,
        Some(Duration::ZERO) => {}
        Some(sleep) => {
            // Either is a reason for a turn.
            tokio::time::timeout(sleep, rung).await.ok();
        }
    }
    if !parked {
        tokio::task::yield_now().await;
    }
}

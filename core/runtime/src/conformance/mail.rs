//! Messages between cores.

use core::net::SocketAddr;

use stdx::Duration;

use super::files::{CREATE, pieces};
use super::sockets::pair;
use super::{Ground, on_cores};
use crate::buffer::Frozen;
use crate::core_id::CoreId;
use crate::handle::Runtime;
use crate::port::{CallPort, Port};
use crate::task::{Cancelled, Class};

const NUMBERS: Port<(u16, u32)> = Port::new(9101, "numbers", 4);
const DONE: Port<()> = Port::new(9102, "done", 64);
const SQUARES: CallPort<u64, u64> = CallPort::new(9103, "squares", 2);
const MEMORY: Port<Frozen> = Port::new(9104, "memory", 64);

/// Keeps every core until all have said that they are done: a core that ended takes no mail.
pub(super) async fn all_done(runtime: &Runtime) {
    let inbox = runtime.inbox(DONE);
    for core in 0..runtime.cores() {
        runtime.send(CoreId::new(core), DONE, ()).await;
    }
    for _ in 0..runtime.cores() {
        inbox.recv().await;
    }
    // The last credit and reply are on their way.
    runtime.sleep(Duration::from_millis(5)).await;
}

/// Each sender's messages arrive in the order in which it sent them, also those to itself.
pub fn messages_of_a_pair_stay_in_order(ground: &dyn Ground) {
    exchange(ground, 3, 500);
}

/// Every core sends far more than rings and credits hold, to all others at once, and takes in meanwhile.
pub fn full_outboxes_both_ways_do_not_stop_anyone(ground: &dyn Ground) {
    exchange(ground, 2, 5_000);
}

fn exchange(ground: &dyn Ground, cores: u16, count: u32) {
    on_cores(ground, cores, move |runtime| {
        Box::pin(async move {
            let scope = runtime.scope("senders");
            for target in 0..cores {
                let sender = runtime.clone();
                drop(scope.spawn(Class::Produce, "sender", async move {
                    for number in 0..count {
                        let message = (sender.core().number(), number);
                        sender.send(CoreId::new(target), NUMBERS, message).await;
                    }
                }));
            }
            let inbox = runtime.inbox(NUMBERS);
            let mut next = vec![0; usize::from(cores)];
            for _ in 0..count * u32::from(cores) {
                let (source, (named, number)) = inbox.recv().await;
                assert_eq!(source.number(), named);
                assert_eq!(number, next[source.index()], "from core {source}");
                next[source.index()] += 1;
            }
            scope.join().await.expect("no sender panics");
            all_done(&runtime).await;
        })
    });
}

/// A call gets its own answer, and hears when there will be none.
pub fn calls_are_answered_and_dropped_calls_are_told(ground: &dyn Ground) {
    on_cores(ground, 2, |runtime| {
        Box::pin(async move {
            let calls = runtime.calls(SQUARES);
            let scope = runtime.scope("server");
            drop(scope.spawn(Class::Produce, "server", async move {
                loop {
                    let (_, number, reply) = calls.recv().await;
                    if number != 13 {
                        reply.send(number * number);
                    }
                }
            }));
            for number in 0..100 {
                let target = CoreId::new(u16::try_from(number % 2).expect("one of two"));
                let answer = runtime.call(target, SQUARES, number).await;
                let expected = if number == 13 {
                    Err(Cancelled)
                } else {
                    Ok(number * number)
                };
                assert_eq!(answer, expected);
            }
            all_done(&runtime).await;
        })
    });
}

/// Memory dropped on another core returns to the core that gave it out, with its lease.
pub fn memory_comes_home_from_another_core(ground: &dyn Ground) {
    on_cores(ground, 2, |runtime| {
        Box::pin(async move {
            if runtime.core() == CoreId::ZERO {
                let budget = runtime.budget("test", 10_000);
                for round in 0..20_u8 {
                    let mut buffer = runtime.buffer(4000);
                    buffer.attach(budget.reserve(4000).await);
                    buffer.extend_from_slice(&[round; 100]);
                    runtime.send(CoreId::new(1), MEMORY, buffer.freeze()).await;
                }
                // Only when all of it is home can the whole be reserved.
                drop(budget.reserve(10_000).await);
            } else {
                let inbox = runtime.inbox(MEMORY);
                for round in 0..20 {
                    let (_, memory) = inbox.recv().await;
                    assert!(memory.iter().all(|&byte| byte == round));
                }
            }
            all_done(&runtime).await;
        })
    });
}

/// A run that uses all kinds of input: files, sockets, timers, mail, memory coming home, draws, jobs.
pub(super) async fn everything_at_once(runtime: Runtime, directory: String, address: SocketAddr) {
    let core = runtime.core().number();
    let other = CoreId::new(1 - core);
    let file = runtime
        .open(&format!("{directory}/{core}"), CREATE)
        .await
        .expect("made");
    let inbox = runtime.inbox(MEMORY);
    for round in 0..10_u64 {
        let mut buffer = runtime.buffer(100);
        buffer.extend_from_slice(&runtime.random().to_le_bytes());
        let bytes = buffer.freeze();
        file.write_at_sync(round * 8, [bytes.clone()].into_iter().collect())
            .await
            .expect("written");
        runtime.send(other, MEMORY, bytes).await;
        let (_, theirs) = inbox.recv().await;
        let sum = runtime
            .offload(Duration::from_micros(10), {
                let copy = theirs.to_vec();
                move || copy.iter().map(|&byte| u64::from(byte)).sum::<u64>()
            })
            .await
            .expect("the job runs");
        runtime.note(1, sum);
        runtime
            .sleep(Duration::from_micros(runtime.random() % 500))
            .await;
    }
    let (client, server) = pair(&runtime, address).await;
    let (_receive, mut send) = client.split();
    send.send(pieces(&[b"some", b"bytes"]))
        .await
        .expect("healthy");
    let (mut receive, _send) = server.split();
    let buffer = receive
        .receive_exact(4, runtime.buffer(4))
        .await
        .expect("sent");
    assert_eq!(buffer.as_slice(), b"some");
    let rest = receive.receive(100).await.expect("sent");
    runtime.note(2, rest.len() as u64);
    all_done(&runtime).await;
}

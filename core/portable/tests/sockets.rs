//! Sockets of this ground, beyond what the suite asks of every ground.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::num::NonZeroU16;
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use portable::{Config, PortableError, run};
use runtime::{CallPort, Class, CoreId, Crash, Handover, IoErrorKind, LocalFuture, Port, Runtime};

const STREAMS: Port<Handover> = Port::new(1, "streams", 4);
const ECHOES: CallPort<u64, u64> = CallPort::new(2, "echoes", 64);

fn node(
    cores: u16,
    main: impl Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
) -> Result<(), PortableError> {
    let mut config = Config::new(NonZeroU16::new(cores).expect("a node has cores"));
    config.crash = |why| panic_any(Crash(why.to_owned()));
    run(config, Arc::new(main))
}

#[test]
fn both_families_listen_at_one_port() {
    let ended = node(1, |runtime| {
        Box::pin(async move {
            let six = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0));
            let Ok(six) = runtime.listen(six, 8).await else {
                // This machine has no version 6.
                return;
            };
            let four = SocketAddr::from((Ipv4Addr::UNSPECIFIED, six.address().port()));
            let four = runtime.listen(four, 8).await.unwrap();
            let taken = runtime.listen(four.address(), 8).await.map(drop);
            assert_eq!(taken.unwrap_err().kind(), IoErrorKind::AddressInUse);
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
}

/// The stream goes on to another core before the first one used it: it is with no reactor then.
#[test]
fn a_stream_may_pass_through_a_core_that_does_not_use_it() {
    let ended = node(3, |runtime| {
        Box::pin(async move {
            match runtime.core().number() {
                0 => {
                    let listener = runtime.listen(loopback(), 8).await.unwrap();
                    let client = runtime.connect(listener.address()).await.unwrap();
                    let server = listener.accept().await.unwrap();
                    runtime
                        .send(CoreId::new(1), STREAMS, server.hand_over())
                        .await;
                    let (mut receiver, mut sender) = client.split();
                    sender
                        .send([b"over two cores".to_vec().into()].into_iter().collect())
                        .await
                        .unwrap();
                    let echo = receiver
                        .receive_exact(14, runtime.buffer(14))
                        .await
                        .unwrap();
                    assert_eq!(echo.as_slice(), b"over two cores");
                    drop((receiver, sender));
                }
                1 => {
                    let (_, handover) = runtime.inbox(STREAMS).recv().await;
                    let passing = runtime.adopt(handover).hand_over();
                    runtime.send(CoreId::new(2), STREAMS, passing).await;
                }
                _ => {
                    let (_, handover) = runtime.inbox(STREAMS).recv().await;
                    let (mut receiver, mut sender) = runtime.adopt(handover).split();
                    loop {
                        let bytes = receiver.receive(5).await.unwrap();
                        if bytes.is_empty() {
                            return;
                        }
                        sender
                            .send([bytes.freeze()].into_iter().collect())
                            .await
                            .unwrap();
                    }
                }
            }
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
}

/// Two cores that call each other without a pause ring each other's bells before every wait.
#[test]
fn steady_mail_does_not_hide_the_sockets() {
    let exchanged = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&exchanged);
    let ended = node(2, move |runtime| {
        let exchanged = Arc::clone(&exchanged);
        Box::pin(async move {
            let calls = runtime.calls(ECHOES);
            drop(
                runtime
                    .root()
                    .spawn(Class::Consensus, "answers", async move {
                        loop {
                            let (_, number, reply) = calls.recv().await;
                            reply.send(number);
                        }
                    }),
            );
            let other = CoreId::new(1 - runtime.core().number());
            for _ in 0..8 {
                drop(
                    runtime
                        .root()
                        .spawn(Class::Consensus, "asks", ask(runtime.clone(), other)),
                );
            }
            let listener = runtime.listen(loopback(), 8).await.unwrap();
            let client = runtime.connect(listener.address()).await.unwrap();
            let server = listener.accept().await.unwrap();
            let ((mut ours, mut to_them), (mut theirs, mut to_us)) =
                (client.split(), server.split());
            for round in 0..50_u8 {
                to_them
                    .send([vec![round].into()].into_iter().collect())
                    .await
                    .unwrap();
                let request = theirs.receive(10).await.unwrap();
                to_us
                    .send([request.freeze()].into_iter().collect())
                    .await
                    .unwrap();
                assert_eq!(ours.receive(10).await.unwrap().as_slice(), [round]);
                exchanged.fetch_add(1, Ordering::Relaxed);
            }
        })
    });
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(seen.load(Ordering::Relaxed), 100);
}

async fn ask(runtime: Runtime, other: CoreId) {
    let mut number = 0;
    while runtime.call(other, ECHOES, number).await.is_ok() {
        number += 1;
    }
}

fn loopback() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
}

//! Connections.

use core::net::SocketAddr;

use stdx::Duration;

use super::files::pieces;
use super::{Ground, on_cores, on_one_core};
use crate::core_id::CoreId;
use crate::error::IoErrorKind;
use crate::handle::Runtime;
use crate::operation::ShutdownSide;
use crate::port::Port;
use crate::race::{Either, race};
use crate::socket::{Handover, Stream};
use crate::task::Class;

/// Two ends of one connection.
pub(super) async fn pair(runtime: &Runtime, address: SocketAddr) -> (Stream, Stream) {
    let listener = runtime.listen(address, 16).await.expect("a free port");
    let target = listener.address();
    let scope = runtime.scope("pair");
    let connector = runtime.clone();
    let connecting = scope.spawn(Class::Produce, "connect", async move {
        connector.connect(target).await
    });
    let accepted = listener.accept().await.expect("somebody connects");
    let connected = connecting.await.expect("not cancelled").expect("connected");
    assert_eq!(accepted.peer(), connected.local());
    assert_eq!(accepted.local(), connected.peer());
    (connected, accepted)
}

/// Whatever the pieces of sending and receiving, the bytes are the same in the same order.
pub fn bytes_come_back_in_order(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let (client, server) = pair(&runtime, address).await;
            let (mut receive, mut send) = server.split();
            let scope = runtime.scope("echo");
            drop(scope.spawn(Class::Fetch, "echo", async move {
                loop {
                    let buffer = receive.receive(1000).await.expect("healthy");
                    assert!(buffer.len() <= 1000);
                    if buffer.is_empty() {
                        break;
                    }
                    send.send([buffer.freeze()].into_iter().collect())
                        .await
                        .expect("healthy");
                }
                send.shutdown(ShutdownSide::Send).await.expect("healthy");
            }));
            let bytes: Vec<u8> = (0..100_000_u32)
                .map(|n| u8::try_from(n % 251).expect("small"))
                .collect();
            let (mut receive, mut send) = client.split();
            let sent = bytes.clone();
            drop(scope.spawn(Class::Fetch, "send", async move {
                let (first, rest) = sent.split_at(10);
                send.send(pieces(&[first, rest])).await.expect("healthy");
                send.shutdown(ShutdownSide::Send).await.expect("healthy");
            }));
            let buffer = runtime.buffer(bytes.len());
            let all = receive
                .receive_exact(bytes.len(), buffer)
                .await
                .expect("all come back");
            assert!(all.as_slice() == bytes);
            assert!(receive.receive(10).await.expect("healthy").is_empty());
            scope.join().await.expect("no panic");
        })
    });
}

/// A peer that closed is an empty receive, and the end of what should have been more.
pub fn the_end_of_a_stream_is_an_empty_receive(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let (client, server) = pair(&runtime, address).await;
            let (_, mut send) = client.split();
            send.send(pieces(&[b"abc"])).await.expect("healthy");
            drop(send);
            let (mut receive, _send) = server.split();
            let buffer = receive
                .receive_exact(3, runtime.buffer(3))
                .await
                .expect("sent before the end");
            assert_eq!(buffer.as_slice(), b"abc");
            assert!(
                receive
                    .receive(100)
                    .await
                    .expect("the end is no error")
                    .is_empty()
            );
            let result = receive.receive_exact(1, runtime.buffer(1)).await;
            assert_eq!(
                result.expect_err("nothing more").kind(),
                IoErrorKind::UnexpectedEnd
            );
        })
    });
}

/// A port on which nobody listens any more refuses.
pub fn nobody_listening_refuses(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let listener = runtime.listen(address, 16).await.expect("a free port");
            let target = listener.address();
            drop(listener);
            runtime.sleep(Duration::from_millis(5)).await;
            let result = runtime.connect(target).await;
            assert_eq!(
                result.expect_err("refused").kind(),
                IoErrorKind::ConnectionRefused
            );
        })
    });
}

/// Two listeners cannot have one port; a port whose listener went is free again.
pub fn a_port_is_taken_once(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let listener = runtime.listen(address, 16).await.expect("a free port");
            let taken = listener.address();
            let result = runtime.listen(taken, 16).await;
            assert_eq!(result.expect_err("taken").kind(), IoErrorKind::AddressInUse);
            drop(listener);
            for _ in 0..100 {
                if runtime.listen(taken, 16).await.is_ok() {
                    return;
                }
                runtime.sleep(Duration::from_millis(1)).await;
            }
            panic!("the port was not freed");
        })
    });
}

/// What nobody reads fills the way and then stops the sender; once read, all of it is there.
pub fn a_slow_reader_holds_the_sender_back(ground: &dyn Ground) {
    const BYTES: usize = 32 << 20;
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let (client, server) = pair(&runtime, address).await;
            let (_keep, mut send) = client.split();
            let scope = runtime.scope("sender");
            let sending = scope.spawn(Class::Fetch, "send", async move {
                let chunk = crate::Frozen::from(vec![9; 1 << 20]);
                for _ in 0..BYTES >> 20 {
                    send.send([chunk.clone()].into_iter().collect())
                        .await
                        .expect("healthy");
                }
                send.shutdown(ShutdownSide::Send).await.expect("healthy");
            });
            let mut sending = core::pin::pin!(sending);
            let early = race(sending.as_mut(), runtime.sleep(Duration::from_millis(20))).await;
            assert_eq!(early, Either::Right(()), "nobody read, and all was sent");
            let (mut receive, _keep) = server.split();
            let mut received = 0;
            loop {
                let buffer = receive.receive(256 << 10).await.expect("healthy");
                if buffer.is_empty() {
                    break;
                }
                assert!(buffer.as_slice().iter().all(|&byte| byte == 9));
                received += buffer.len();
            }
            assert_eq!(received, BYTES);
            sending.await.expect("not cancelled");
        })
    });
}

/// A connection that an abandoned accept took is closed, not left hanging.
pub fn an_abandoned_accept_keeps_nobody_waiting(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let listener = runtime.listen(address, 16).await.expect("a free port");
            let gave_up = race(listener.accept(), runtime.sleep(Duration::from_millis(2))).await;
            assert!(matches!(gave_up, Either::Right(())));
            let target = listener.address();
            let client = runtime
                .connect(target)
                .await
                .expect("the listener is there");
            let served = race(listener.accept(), runtime.sleep(Duration::from_secs(5))).await;
            if let Either::Left(server) = served {
                let server = server.expect("accepted");
                assert_eq!(server.peer(), client.local());
                return;
            }
            // The abandoned accept won the race to this connection: then it must have closed it.
            let (mut receive, _send) = client.split();
            let end = runtime
                .timeout(Duration::from_secs(5), receive.receive(1))
                .await;
            let end = end.expect("a connection without an owner is closed");
            assert!(end.is_err() || end.is_ok_and(|buffer| buffer.is_empty()));
        })
    });
}

/// Receives given up on, many times over, leave the connection usable for the next one.
pub fn an_abandoned_receive_lets_go(ground: &dyn Ground) {
    let address = ground.loopback();
    on_one_core(ground, move |runtime| {
        Box::pin(async move {
            let (client, server) = pair(&runtime, address).await;
            let (mut receive, _send) = server.split();
            for _ in 0..20 {
                let early = race(
                    receive.receive(100),
                    runtime.sleep(Duration::from_micros(200)),
                )
                .await;
                assert!(matches!(early, Either::Right(())));
            }
            // Long after the last of them was cancelled: nothing competes for the bytes any more.
            runtime.sleep(Duration::from_millis(20)).await;
            let (_receive, mut send) = client.split();
            send.send(pieces(&[b"late"])).await.expect("healthy");
            let buffer = receive
                .receive_exact(4, runtime.buffer(4))
                .await
                .expect("nobody took it");
            assert_eq!(buffer.as_slice(), b"late");
        })
    });
}

/// A connection accepted on one core is served by another.
pub fn a_connection_moves_to_another_core(ground: &dyn Ground) {
    const HANDOVERS: Port<Handover> = Port::new(9001, "handovers", 8);
    let address = ground.loopback();
    on_cores(ground, 2, move |runtime| {
        Box::pin(async move {
            if runtime.core() == CoreId::ZERO {
                let (client, server) = pair(&runtime, address).await;
                runtime
                    .send(CoreId::new(1), HANDOVERS, server.hand_over())
                    .await;
                let (mut receive, mut send) = client.split();
                send.send(pieces(&[b"ping"])).await.expect("healthy");
                let buffer = receive
                    .receive_exact(4, runtime.buffer(4))
                    .await
                    .expect("answered");
                assert_eq!(buffer.as_slice(), b"pong");
                assert!(
                    receive
                        .receive(1)
                        .await
                        .expect("closed by the other core")
                        .is_empty()
                );
                return;
            }
            let inbox = runtime.inbox(HANDOVERS);
            let (source, handover) = inbox.recv().await;
            assert_eq!(source, CoreId::ZERO);
            let (mut receive, mut send) = runtime.adopt(handover).split();
            let buffer = receive
                .receive_exact(4, runtime.buffer(4))
                .await
                .expect("asked");
            assert_eq!(buffer.as_slice(), b"ping");
            send.send(pieces(&[b"po", b"ng"])).await.expect("healthy");
        })
    });
}

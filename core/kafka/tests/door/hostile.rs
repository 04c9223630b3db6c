//! Strangers: garbage, impossible sizes, other protocols, the half-hearted and the slow.

use client::{Acks, RawConnection};
use kafka::{Closed, Config, Foreign};
use stdx::{Duration, Prng};

use crate::ground::{Seen, Setup, run, run_seed};
use crate::versions::batch;

async fn say(seen: &Seen, bytes: &[u8]) -> Result<Closed, String> {
    let before = seen.ended().len();
    let mut raw = seen.raw().await;
    raw.send(bytes).await.unwrap();
    let closed = seen.next_ended(before).await;
    drop(raw);
    closed
}

#[test]
fn impossible_sizes_and_other_protocols_are_named() {
    run(Setup::default(), |seen: Seen| async move {
        let size = |size: i32| size.to_be_bytes();
        assert_eq!(say(&seen, &size(-1)).await, Ok(Closed::FrameSize(-1)));
        assert_eq!(say(&seen, &size(3)).await, Ok(Closed::FrameSize(3)));
        assert_eq!(
            say(&seen, b"GET / HTTP/1.1\r\n").await,
            Ok(Closed::Foreign(Foreign::Http))
        );
        assert_eq!(
            say(&seen, &[22, 3, 1, 2, 0]).await,
            Ok(Closed::Foreign(Foreign::Tls))
        );
        let refused = say(&seen, &size(i32::MAX)).await;
        assert_eq!(refused, Ok(Closed::FrameSize(i32::MAX)));
        let large = [&size(50 << 20)[..], &[0, 3, 0, 9]].concat();
        let refused = say(&seen, &large).await;
        assert!(
            matches!(refused, Ok(Closed::FrameTooLarge { .. })),
            "{refused:?}"
        );
        let unknown = [&size(100)[..], &[0x55, 0x55, 0, 9]].concat();
        assert_eq!(say(&seen, &unknown).await, Ok(Closed::UnknownApi(0x5555)));
        // None of it was given memory.
        assert_eq!(seen.peaks().0, 0);
    });
}

#[test]
fn garbage_ends_its_connection_and_no_other() {
    for seed in 0..20 {
        run_seed(seed, Setup::default(), |seen: Seen| async move {
            let client = seen.connect().await;
            let topic = client.create_topic("t", 1, 1, &[]).await.unwrap();
            let mut prng = Prng::from_seed(seen.runtime.random());
            for round in 0..30_i64 {
                let before = seen.ended().len();
                let mut raw = seen.raw().await;
                raw.send(&garbage(&mut prng)).await.unwrap();
                raw.finish().await.unwrap();
                drain(&mut raw).await;
                let closed = seen.next_ended(before).await;
                assert!(closed.is_ok(), "a panic of ours: {closed:?}");
                let produced = client.produce(&topic, 0, batch(&["v"]), Acks::All).await;
                assert_eq!(produced.unwrap().unwrap().base_offset, round);
            }
        });
    }
}

/// Frames that look right at first: a size that fits, an API that is served, and anything behind.
fn garbage(prng: &mut Prng) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..prng.between(1, 4) {
        let mut body = vec![0; prng.index(300) + 4];
        prng.fill(&mut body);
        let key = *prng.choose(&[0_u8, 1, 2, 3, 18, 19]);
        let version = u8::try_from(prng.below(19)).unwrap();
        let tame = prng.chance(1, 2);
        if tame {
            // Small numbers reach deeper into a decoder.
            for byte in &mut body {
                *byte %= 4;
            }
        }
        let size = i32::try_from(body.len() + 4).unwrap();
        bytes.extend_from_slice(&size.to_be_bytes());
        bytes.extend_from_slice(&[0, key, 0, version]);
        bytes.extend_from_slice(&body);
    }
    bytes
}

async fn drain(raw: &mut RawConnection) {
    while let Ok(received) = raw.receive(4096).await {
        if received.is_empty() {
            return;
        }
    }
}

#[test]
fn a_frame_that_stops_half_way_is_given_up_and_gives_its_memory_back() {
    let config = Config {
        frame_timeout: Duration::from_secs(5),
        ..Config::default()
    };
    let setup = Setup {
        config,
        ..Setup::default()
    };
    run(setup, |seen: Seen| async move {
        let began = seen.runtime.now();
        // A head alone, then silence; and a part of a head, then silence.
        let half = [0, 0, 4, 0, 0, 0, 0, 9, 1, 2, 3];
        assert_eq!(say(&seen, &half).await, Ok(Closed::FrameTimeout));
        assert_eq!(say(&seen, &half[..3]).await, Ok(Closed::FrameTimeout));
        let waited = seen.runtime.now().since(began);
        assert!(waited >= Duration::from_secs(10), "{waited:?}");
        assert!(waited < Duration::from_secs(13), "{waited:?}");
    });
}

#[test]
fn an_end_within_a_frame_is_told_from_one_between_frames() {
    run(Setup::default(), |seen: Seen| async move {
        for (bytes, closed) in [
            (&[][..], Closed::EndOfStream),
            (&[0, 0, 4][..], Closed::CutOff),
            (&[0, 0, 4, 0, 0, 0, 0, 9, 1][..], Closed::CutOff),
        ] {
            let before = seen.ended().len();
            let mut raw = seen.raw().await;
            raw.send(bytes).await.unwrap();
            raw.finish().await.unwrap();
            assert_eq!(seen.next_ended(before).await, Ok(closed), "{bytes:?}");
        }
    });
}

#[test]
fn an_idle_connection_is_closed_and_a_waiting_one_is_not() {
    let config = Config {
        idle_timeout: Duration::from_mins(1),
        ..Config::default()
    };
    let setup = Setup {
        config,
        ..Setup::default()
    };
    run(setup, |seen: Seen| async move {
        let idle = seen.raw().await;
        let began = seen.runtime.now();
        assert_eq!(seen.next_ended(0).await, Ok(Closed::Idle));
        let waited = seen.runtime.now().since(began);
        assert!(waited >= Duration::from_mins(1), "{waited:?}");
        drop(idle);
    });
}

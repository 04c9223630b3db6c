//! Brokers that do not keep to the protocol: every call ends with the right error, and nothing panics.
#![expect(clippy::unwrap_used, reason = "a test ends where it must not go on")]

use core::net::SocketAddr;

use client::{Client, ClientError, Options};
use protocol::{ErrorCode, MetadataRequest};
use runtime::{Frozen, Runtime, Stream};
use stdx::{Duration, Prng};

const PORT: u16 = 9092;

/// An answer to the question for versions, in the layout of version 0: Metadata up to version 1.
const VERSIONS: &[u8] = &[0, 0, 0, 16, 0, 0, 0, 0, 0, 35, 0, 0, 0, 1, 0, 3, 0, 0, 0, 1];

/// Takes one connection, reads whatever comes, and says `script` piece by piece.
async fn broker(runtime: Runtime, script: Vec<Vec<u8>>) {
    let listener = runtime
        .listen(SocketAddr::from(([0, 0, 0, 0], PORT)), 8)
        .await
        .unwrap();
    let stream: Stream = listener.accept().await.unwrap();
    let (mut receive, mut send) = stream.split();
    for piece in script {
        receive.receive(4096).await.unwrap();
        let piece = Frozen::from(piece);
        send.send(core::iter::once(piece).collect()).await.unwrap();
    }
    // Silent from here on, until the client goes.
    while receive
        .receive(4096)
        .await
        .is_ok_and(|received| !received.is_empty())
    {}
}

/// What one call for metadata ends with, after a broker that says `script`.
fn call(script: Vec<Vec<u8>>) -> Result<(), ClientError> {
    world::block_on(7, move |runtime| async move {
        let (own, class) = (runtime.clone(), runtime::Class::Fetch);
        let broker = runtime.root().spawn(class, "broker", broker(own, script));
        runtime.sleep(Duration::from_millis(10)).await;
        let options = Options {
            request_timeout: Duration::from_secs(3),
            response_bytes_max: 1 << 20,
            ..Options::default()
        };
        let address = SocketAddr::from(([127, 0, 0, 1], PORT));
        let result = match Client::connect(&runtime, address, options).await {
            Ok(client) => client.call(MetadataRequest::default()).await.map(drop),
            Err(error) => Err(error),
        };
        broker.await.unwrap();
        result
    })
}

fn answers(second: &[u8]) -> Result<(), ClientError> {
    call(vec![VERSIONS.to_vec(), second.to_vec()])
}

#[test]
fn an_answer_in_order_is_taken() {
    // Correlation id 1, no brokers, controller 0, no topics.
    let answer = [0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(answers(&answer), Ok(()));
}

#[test]
fn answers_that_cannot_be_are_named() {
    let out_of_order = ClientError::OutOfOrder {
        expected: Some(1),
        received: 9,
    };
    assert_eq!(answers(&[0, 0, 0, 4, 0, 0, 0, 9]), Err(out_of_order));
    assert_eq!(answers(&[0xff; 4]), Err(ClientError::ResponseSize(-1)));
    assert_eq!(answers(&[0, 0, 0, 3]), Err(ClientError::ResponseSize(3)));
    let huge = i32::MAX.to_be_bytes();
    assert_eq!(answers(&huge), Err(ClientError::ResponseSize(i32::MAX)));
    let cut = answers(&[0, 0, 0, 6, 0, 0, 0, 1, 0, 0]);
    assert!(matches!(cut, Err(ClientError::Decode(_))), "{cut:?}");
}

#[test]
fn silence_ends_with_the_request_time() {
    let silent = call(vec![VERSIONS.to_vec()]);
    assert_eq!(silent, Err(ClientError::TimedOut));
    assert!(ClientError::TimedOut.is_indeterminate());
    // A part of an answer is no answer.
    assert_eq!(answers(&[0, 0, 0, 20, 0, 0]), Err(ClientError::TimedOut));
}

#[test]
fn garbage_ends_with_an_error() {
    let mut prng = Prng::from_seed(11);
    for _ in 0..200 {
        let mut body = vec![0; prng.index(200) + 8];
        prng.fill(&mut body);
        let size = u32::try_from(body.len() - 4).unwrap();
        body[..4].copy_from_slice(&size.to_be_bytes());
        if prng.chance(3, 4) {
            body[4..8].copy_from_slice(&[0, 0, 0, 1]);
        }
        let code = answers(&body).err().and_then(|error| error.code());
        assert_ne!(code, Some(ErrorCode::None));
    }
}

//! Our bytes against those of Kafka's own codec, version 4.4.0. `golden/README.md` says where they come from.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]

use protocol::random::{Random, Visitor, each_message};
use protocol::{Decode, Decoder, Message, body};
use std::collections::BTreeMap;
use stdx::Prng;

const GOLDEN: &str = include_str!("golden/kafka-4.4.0.hex");

/// Bodies by API key, side and version, in the order of the file.
type Golden = BTreeMap<(i16, bool, i16), Vec<Vec<u8>>>;

fn golden() -> Golden {
    let mut golden = Golden::new();
    for line in GOLDEN.lines() {
        let words: Vec<_> = line.split(' ').collect();
        let [key, side, version, hex] = words[..] else {
            panic!("four words: {line}")
        };
        let bytes = hex.trim_matches('-').as_bytes().chunks(2).map(|pair| {
            let digits = str::from_utf8(pair).unwrap();
            u8::from_str_radix(digits, 16).unwrap()
        });
        let place = (
            key.parse().unwrap(),
            side == "request",
            version.parse().unwrap(),
        );
        golden.entry(place).or_default().push(bytes.collect());
    }
    golden
}

struct Compare(Golden);

impl Visitor for Compare {
    fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            let place = (M::KEY.number(), M::NAME.ends_with("Request"), version);
            let bodies = self.0.remove(&place).unwrap_or_default();
            assert!(
                !bodies.is_empty(),
                "{} {version} has no golden bytes",
                M::NAME
            );
            for (seed, bytes) in (0..).zip(bodies) {
                let message = M::random(&mut Prng::labelled(seed, M::NAME), version);
                let budget = bytes.len() * M::memory_bound(version);
                let read = M::decode(&mut Decoder::new(&bytes, budget), version);
                assert_eq!(read.as_ref(), Ok(&message), "{} {version}", M::NAME);
                assert_eq!(
                    body(message, version).unwrap().concat(),
                    bytes,
                    "{} {version}",
                    M::NAME
                );
            }
        }
    }
}

#[test]
fn we_write_what_kafka_writes() {
    let mut compare = Compare(golden());
    each_message(&mut compare);
    assert!(
        compare.0.is_empty(),
        "no message for {:?}",
        compare.0.keys()
    );
}

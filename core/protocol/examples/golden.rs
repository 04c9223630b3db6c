//! Prints the messages of `tests/golden`, as hexadecimal text, for Kafka's own codec to read and write again.
//!
//! One line a message: API key, side, version, body.

#![expect(clippy::print_stdout, reason = "what it prints is what it is for")]

use protocol::random::{Random, Visitor, each_message};
use protocol::{Decode, Message, body};
use stdx::Prng;

/// Messages of each version.
const SEEDS: u64 = 2;

struct Print;

impl Visitor for Print {
    fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
        let side = if M::NAME.ends_with("Request") {
            "request"
        } else {
            "response"
        };
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            for seed in 0..SEEDS {
                let message = M::random(&mut Prng::labelled(seed, M::NAME), version);
                let body = body(message, version)
                    .expect("random messages can be said")
                    .concat();
                print!("{} {side} {version} ", M::KEY.number());
                for byte in &body {
                    print!("{byte:02x}");
                }
                println!("{}", if body.is_empty() { "-" } else { "" });
            }
        }
    }
}

fn main() {
    each_message(&mut Print);
}

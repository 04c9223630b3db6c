//! Hostile bodies against the bound of each message: no panic, and never more memory than was charged.
//!
//! This file is a process of its own with one test, since its allocator counts everything.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is not as it must be"
)]
#![expect(
    unsafe_code,
    reason = "a global allocator that counts cannot be written without"
)]

use protocol::random::{Random, Visitor, each_message};
use protocol::{Decode, Decoder, Message, RequestHeader, body, fetch, produce};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use stdx::Prng;

/// The system's allocator, with the bytes that are out and the most that ever were.
struct Counting;

static OUT: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let out = OUT.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(out, Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`, which is that of the system's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        OUT.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`, and the pointer is the system's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that were out at once while `act` ran, above those before it.
fn peak_of(act: impl FnOnce()) -> usize {
    let before = OUT.load(Relaxed);
    PEAK.store(before, Relaxed);
    act();
    PEAK.load(Relaxed) - before
}

/// Changes `bytes` in one of the ways that find mistakes.
fn mutate(prng: &mut Prng, bytes: &mut Vec<u8>) {
    let at = prng.index(bytes.len() + 1);
    let left = u64::try_from(bytes.len() - at).unwrap();
    match prng.below(8) {
        0 => bytes.truncate(at),
        1 => bytes.extend((0..prng.below(64)).map(|value| u8::try_from(value % 3).unwrap())),
        2 => overwrite(bytes, at, &[0x7f, 0xff, 0xff, 0xff]),
        3 => overwrite(bytes, at, &[0xff, 0xff, 0xff, 0xff, 0x0f]),
        // Counts just at and above what the bytes left can hold, in both forms of length.
        4 => {
            let count = u32::try_from(left / prng.between(1, 64) + prng.below(3)).unwrap();
            overwrite(bytes, at, &count.to_be_bytes());
        }
        5 => {
            let count = u8::try_from((left / prng.between(1, 32) + 1).min(0x7f)).unwrap();
            overwrite(bytes, at, &[count]);
        }
        6 => {
            let [byte, ..] = prng.next_u64().to_be_bytes();
            overwrite(bytes, at, &[byte]);
        }
        _ => {
            let mut noise = [0; 16];
            prng.fill(&mut noise);
            overwrite(bytes, at, &noise);
        }
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    for (byte, new) in bytes[at..].iter_mut().zip(with) {
        *byte = *new;
    }
}

struct Attack {
    prng: Prng,
    /// Bodies that were decoded, and those of them that were refused.
    bodies: u32,
    refused: u32,
    /// The largest share of its bound that a body took, in percent.
    share_max: usize,
}

impl Attack {
    fn decode<M: Message + Decode>(&mut self, version: i16, bytes: &[u8]) {
        let charged = bytes.len() * M::memory_bound(version);
        let mut refused = false;
        let peak = peak_of(|| {
            refused = M::decode(&mut Decoder::new(bytes, charged), version).is_err();
        });
        assert!(
            peak <= charged,
            "{} {version}: {peak} bytes of memory, {charged} charged, for {bytes:02x?}",
            M::NAME
        );
        self.bodies += 1;
        self.refused += u32::from(refused);
        self.share_max = self.share_max.max(peak * 100 / charged.max(1));
    }
}

impl Visitor for Attack {
    fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self) {
        for version in M::MIN_VERSION..=M::MAX_VERSION {
            for _ in 0..400 {
                let message = M::random(&mut self.prng, version);
                let mut bytes = body(message, version).unwrap().concat();
                self.decode::<M>(version, &bytes);
                for _ in 0..self.prng.between(1, 4) {
                    mutate(&mut self.prng, &mut bytes);
                    self.decode::<M>(version, &bytes);
                }
            }
            // Uniform bodies: as many of the smallest elements as fit.
            for byte in [0, 1, 2, 3, 0x7f, 0x80, 0xff] {
                for length in [1, 7, 100, 4_000] {
                    self.decode::<M>(version, &vec![byte; length]);
                }
            }
        }
    }
}

/// The borrowed readers allocate nothing at all.
fn attack_views(prng: &mut Prng) {
    for round in 0..20_000 {
        let version = i16::try_from(3 + round % 16).unwrap();
        let mut bytes = match version {
            3 => vec![0; 40],
            4..=13 if round % 2 == 0 => {
                let request = protocol::ProduceRequest::<Vec<u8>>::random(prng, version);
                body(request, version).unwrap().concat()
            }
            _ => {
                let response = protocol::FetchResponse::<Vec<u8>>::random(prng, version);
                body(response, version).unwrap().concat()
            }
        };
        mutate(prng, &mut bytes);
        let peak = peak_of(|| {
            if let Ok(view) = produce::RequestView::parse(&bytes, 0, version) {
                assert!(view.topics().flat_map(|topic| topic.partitions()).count() <= bytes.len());
            }
            if let Ok(view) = fetch::ResponseView::parse(&bytes, 0, version) {
                assert!(view.topics().flat_map(|topic| topic.partitions()).count() <= bytes.len());
                assert!(view.node_endpoints().count() <= bytes.len());
            }
            if let Ok((_header, body)) = RequestHeader::peek(&bytes) {
                assert!(body <= bytes.len());
            }
        });
        assert_eq!(peak, 0);
    }
}

#[test]
fn hostile_bytes_never_panic_and_never_take_more_memory_than_was_charged() {
    let mut attack = Attack {
        prng: Prng::labelled(1, "hostile"),
        bodies: 0,
        refused: 0,
        share_max: 0,
    };
    each_message(&mut attack);
    attack_views(&mut attack.prng);
    // The attack is worth its name only where bodies are refused, and the bound only where it is approached.
    assert!(
        attack.refused * 4 > attack.bodies,
        "{} of {}",
        attack.refused,
        attack.bodies
    );
    assert!(attack.share_max > 80, "{} percent", attack.share_max);
    println!(
        "{} bodies, {} refused, at most {} percent of the bound",
        attack.bodies, attack.refused, attack.share_max
    );
}

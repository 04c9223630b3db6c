//! Random messages of every version, for tests of this room and of those above it (feature `testing`).
//!
//! Only what a version can say is drawn, so each message survives being written and read in that version.

mod messages;

use crate::message::{Decode, Message};
use crate::uuid::Uuid;
use stdx::Prng;

pub use messages::each_message;

/// A message, or a part of one, that can be drawn.
pub trait Random {
    /// One that `version` can say.
    fn random(prng: &mut Prng, version: i16) -> Self;
}

/// Something to be done with every message, to be handed to [`each_message`].
pub trait Visitor {
    /// Does it with one.
    fn visit<M: Message<Records: AsRef<[u8]>> + Decode + Random>(&mut self);
}

/// A value of fixed length that can be drawn.
trait Scalar {
    fn draw(prng: &mut Prng) -> Self;
}

macro_rules! integers {
    ($($integer:ident)*) => {
        $(impl Scalar for $integer {
            /// The edges often, any value otherwise.
            fn draw(prng: &mut Prng) -> Self {
                match prng.below(8) {
                    0 => 0,
                    1 => $integer::MAX,
                    2 => $integer::MIN,
                    3 => 1,
                    _ => {
                        let mut bytes = [0; size_of::<$integer>()];
                        prng.fill(&mut bytes);
                        $integer::from_be_bytes(bytes)
                    }
                }
            }
        })*
    };
}

integers!(i8 i16 u16 i32 u32 i64);

impl Scalar for f64 {
    /// Never a number that differs from itself.
    fn draw(prng: &mut Prng) -> Self {
        f64::from(i32::draw(prng)) / 8.0
    }
}

impl Scalar for bool {
    fn draw(prng: &mut Prng) -> Self {
        prng.chance(1, 2)
    }
}

impl Scalar for Uuid {
    fn draw(prng: &mut Prng) -> Self {
        let mut bytes = [0; 16];
        prng.fill(&mut bytes);
        Self(bytes)
    }
}

fn scalar<T: Scalar>(prng: &mut Prng) -> T {
    T::draw(prng)
}

fn often(prng: &mut Prng) -> bool {
    prng.chance(1, 2)
}

/// Text, now and then long enough for two bytes of length, of letters of one to four bytes.
fn string(prng: &mut Prng) -> String {
    let length = if prng.chance(1, 16) {
        prng.index(300)
    } else {
        prng.index(12)
    };
    let letters = ['a', 'Z', '0', '.', '\u{e4}', '\u{20ac}', '\u{1f426}'];
    (0..length).map(|_| *prng.choose(&letters)).collect()
}

fn bytes(prng: &mut Prng) -> Vec<u8> {
    let length = if prng.chance(1, 16) {
        prng.index(300)
    } else {
        prng.index(12)
    };
    let mut bytes = vec![0; length];
    prng.fill(&mut bytes);
    bytes
}

/// Null a quarter of the times that it is allowed.
fn nullable<T>(prng: &mut Prng, allowed: bool, draw: impl FnOnce(&mut Prng) -> T) -> Option<T> {
    if allowed && prng.chance(1, 4) {
        None
    } else {
        Some(draw(prng))
    }
}

fn vec<T>(prng: &mut Prng, mut draw: impl FnMut(&mut Prng) -> T) -> Vec<T> {
    let length = prng.index(4);
    (0..length).map(|_| draw(prng)).collect()
}

fn nullable_vec<T>(
    prng: &mut Prng,
    allowed: bool,
    draw: impl FnMut(&mut Prng) -> T,
) -> Option<Vec<T>> {
    nullable(prng, allowed, |prng| vec(prng, draw))
}

//! Strangers, drawn.

use stdx::Prng;

use super::is_measured;
use crate::scenario::{Profile, StrangerKind, StrangerShape};

/// Half of the runs have some.
pub(super) fn strangers(
    prng: &mut Prng,
    profile: Profile,
    safety_millis: u64,
) -> Vec<StrangerShape> {
    if is_measured(profile) || prng.chance(1, 2) {
        return Vec::new();
    }
    (0..prng.between(1, 3))
        .map(|_| {
            let kind = StrangerKind::draw(prng);
            // Now and then more at once than wait to be let in.
            let many = kind == StrangerKind::Silent && prng.chance(1, 4);
            StrangerShape {
                kind,
                connections: if many {
                    1_500
                } else {
                    *prng.choose(&[1, 1, 3, 3, 20, 20, 200])
                },
                from_millis: prng.below(safety_millis),
            }
        })
        .collect()
}

//! The seeded generator. Its sequence is part of what a scenario file means, so it is written here, where no
//! package update can change it: xoshiro256++ seeded by splitmix64 [xoshiro 2018].

/// A small, fast generator that is a value: copy it and the copy goes on alike. Not for secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prng {
    state: [u64; 4],
}

impl Prng {
    /// The generator that `seed` names.
    pub fn from_seed(seed: u64) -> Self {
        let mut mix = seed;
        let state = core::array::from_fn(|_| splitmix(&mut mix));
        Self { state }
    }

    /// An independent stream of the same seed. Draws of one label never move another label's draws, so a fault
    /// can be taken out of a run while the rest of it stays as it was.
    pub fn labelled(seed: u64, label: &str) -> Self {
        // FNV-1a: the label only needs to be spread, splitmix does the rest.
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in label.bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        let mut mix = seed;
        Self::from_seed(splitmix(&mut mix) ^ hash)
    }

    /// The next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        let [s0, s1, s2, s3] = self.state;
        let result = s0.wrapping_add(s3).rotate_left(23).wrapping_add(s0);
        let mut state = [s0, s1, s2 ^ s0, s3 ^ s1];
        state[1] ^= state[2];
        state[0] ^= state[3];
        state[2] ^= s1 << 17;
        state[3] = state[3].rotate_left(45);
        self.state = state;
        result
    }

    /// A number below `end`, each as likely as the next to within 2^-64 of it.
    ///
    /// # Panics
    /// When `end` is zero: there is no such number.
    pub fn below(&mut self, end: u64) -> u64 {
        assert!(end > 0);
        let wide = u128::from(self.next_u64()) * u128::from(end);
        u64::try_from(wide >> 64).expect("a product of two 64-bit numbers, shifted by 64")
    }

    /// An index of a sequence of `length` items.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a usize")
    }

    /// A number of `start..=end`.
    pub fn between(&mut self, start: u64, end: u64) -> u64 {
        assert!(start <= end);
        match (end - start).checked_add(1) {
            Some(span) => start + self.below(span),
            None => self.next_u64(),
        }
    }

    /// True `numerator` times out of `denominator`.
    pub fn chance(&mut self, numerator: u64, denominator: u64) -> bool {
        self.below(denominator) < numerator
    }

    /// One of `items`.
    pub fn choose<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.index(items.len())]
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// One step of splitmix64.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs of the authors' C for state {1, 2, 3, 4}: the sequence must never change.
    #[test]
    fn the_sequence_is_the_published_one() {
        let mut prng = Prng {
            state: [1, 2, 3, 4],
        };
        let drawn: Vec<u64> = (0..4).map(|_| prng.next_u64()).collect();
        assert_eq!(
            drawn,
            [
                41_943_041,
                58_720_359,
                3_588_806_011_781_223,
                3_591_011_842_654_386
            ]
        );
    }

    #[test]
    fn splitmix_is_the_published_one() {
        let mut state = 1_234_567;
        assert_eq!(splitmix(&mut state), 6_457_827_717_110_365_317);
        assert_eq!(splitmix(&mut state), 3_203_168_211_198_807_973);
    }

    #[test]
    fn streams_of_two_labels_differ_and_of_one_label_agree() {
        let draw = |label| Prng::labelled(7, label).next_u64();
        assert_ne!(draw("disk/0"), draw("disk/1"));
        assert_eq!(draw("disk/0"), draw("disk/0"));
        assert_ne!(draw("disk/0"), Prng::labelled(8, "disk/0").next_u64());
    }

    #[test]
    fn below_reaches_every_number_and_none_other() {
        let mut prng = Prng::from_seed(1);
        let mut seen = [0_u32; 7];
        for _ in 0..7_000 {
            seen[prng.index(7)] += 1;
        }
        assert!(
            seen.iter().all(|&count| (800..1_200).contains(&count)),
            "{seen:?}"
        );
        assert_eq!(prng.between(3, 3), 3);
        prng.between(0, u64::MAX);
    }

    #[test]
    fn fill_covers_odd_lengths() {
        let mut bytes = [0_u8; 13];
        Prng::from_seed(2).fill(&mut bytes);
        assert!(bytes[8..].iter().any(|&byte| byte != 0));
    }
}

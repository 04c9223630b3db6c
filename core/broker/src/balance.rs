//! How many connections each core has.

use runtime::CoreId;

/// Connections by core, those on their way included. Owned by core 0.
#[derive(Debug)]
pub(crate) struct Balance {
    open: Vec<usize>,
    connections_max: usize,
}

impl Balance {
    pub(crate) fn new(cores: u16, connections_max: usize) -> Self {
        Self {
            open: vec![0; usize::from(cores)],
            connections_max,
        }
    }

    /// The core for one more connection: the one with the fewest, the first of several. None when there are enough
    /// connections.
    pub(crate) fn place(&mut self) -> Option<CoreId> {
        if self.open.iter().sum::<usize>() >= self.connections_max {
            return None;
        }
        let (core, open) = (0_u16..)
            .zip(&mut self.open)
            .min_by_key(|(_, open)| **open)?;
        *open += 1;
        Some(CoreId::new(core))
    }

    /// `count` connections of `core` are over.
    pub(crate) fn end(&mut self, core: CoreId, count: usize) {
        let open = &mut self.open[core.index()];
        *open = open
            .checked_sub(count)
            .expect("a connection ends once, after it was placed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_core_with_the_fewest_gets_the_next() {
        let mut balance = Balance::new(3, 7);
        let mut place = || balance.place().map(CoreId::number);
        let placed: Vec<_> = (0..6).map(|_| place().unwrap()).collect();
        assert_eq!(placed, [0, 1, 2, 0, 1, 2]);
        balance.end(CoreId::new(1), 2);
        assert_eq!(balance.place(), Some(CoreId::new(1)));
        assert_eq!(balance.place(), Some(CoreId::new(1)));
        assert_eq!(balance.place(), Some(CoreId::ZERO));
        assert_eq!(balance.place(), None, "seven are enough");
        balance.end(CoreId::new(2), 1);
        assert_eq!(balance.place(), Some(CoreId::new(2)));
    }
}

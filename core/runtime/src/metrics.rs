//! Counters and histograms of one core: plain numbers without atomics, read by the core itself.

use core::cell::{Cell, RefCell};
use core::fmt;
use std::collections::BTreeMap;
use std::rc::Rc;

use stdx::Duration;

/// A number that only grows.
#[derive(Clone, Debug, Default)]
pub struct Counter(Rc<Cell<u64>>);

impl Counter {
    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0.set(self.0.get() + count);
    }

    /// The sum so far.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

/// A number that goes up and down.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Rc<Cell<i64>>);

impl Gauge {
    /// Adds `count`, which may be negative.
    pub fn add(&self, count: i64) {
        self.0.set(self.0.get() + count);
    }

    /// The number now.
    pub fn get(&self) -> i64 {
        self.0.get()
    }
}

/// Sub-buckets per power of two: a value is known to an eighth.
const SUBS: usize = 8;
const BUCKETS: usize = 62 * SUBS;

/// How often values of each size occurred, in log-linear buckets: exact below 8, to an eighth above.
#[derive(Clone)]
pub struct Histogram(Rc<RefCell<Buckets>>);

struct Buckets {
    counts: Box<[u64]>,
    count: u64,
    sum: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self(Rc::new(RefCell::new(Buckets {
            counts: vec![0; BUCKETS].into_boxed_slice(),
            count: 0,
            sum: 0,
            max: 0,
        })))
    }
}

impl Histogram {
    /// Counts one value.
    pub fn record(&self, value: u64) {
        let mut buckets = self.0.borrow_mut();
        buckets.counts[bucket_of(value)] += 1;
        buckets.count += 1;
        buckets.sum = buckets.sum.saturating_add(value);
        buckets.max = buckets.max.max(value);
    }

    /// Counts one duration, in microseconds.
    pub fn record_micros(&self, duration: Duration) {
        self.record(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.0.borrow().count
    }

    /// Their sum.
    pub fn sum(&self) -> u64 {
        self.0.borrow().sum
    }

    /// The largest.
    pub fn max(&self) -> u64 {
        self.0.borrow().max
    }

    /// A value that `per_mille` thousandths of the values do not exceed, rounded up to its bucket's edge.
    pub fn quantile(&self, per_mille: u64) -> u64 {
        let buckets = self.0.borrow();
        let rank = (buckets.count * per_mille).div_ceil(1000);
        let mut seen = 0;
        for (bucket, &count) in buckets.counts.iter().enumerate() {
            seen += count;
            if seen >= rank && count > 0 {
                return upper_edge(bucket).min(buckets.max);
            }
        }
        buckets.max
    }
}

impl fmt::Debug for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Histogram(n {}, p50 {}, p99 {}, max {})",
            self.count(),
            self.quantile(500),
            self.quantile(990),
            self.max()
        )
    }
}

fn bucket_of(value: u64) -> usize {
    if value < SUBS as u64 {
        return usize::try_from(value).expect("below eight");
    }
    let exponent = value.ilog2() as usize;
    let sub = usize::try_from(value >> (exponent - 3) & 7).expect("three bits");
    (exponent - 2) * SUBS + sub
}

/// The largest value of a bucket.
fn upper_edge(bucket: usize) -> u64 {
    if bucket < SUBS {
        return bucket as u64;
    }
    let exponent = bucket / SUBS + 2;
    let sub = (bucket % SUBS) as u64;
    let width = 1_u64 << (exponent - 3);
    (8 + sub)
        .checked_mul(width)
        .map_or(u64::MAX, |low| low.saturating_add(width - 1))
}

/// One named instrument.
#[derive(Clone, Debug)]
pub enum Instrument {
    /// A counter.
    Counter(Counter),
    /// A gauge.
    Gauge(Gauge),
    /// A histogram.
    Histogram(Histogram),
}

/// The instruments of one core, by name, each with a sentence that says what it counts.
#[derive(Debug, Default)]
pub struct Metrics {
    instruments: RefCell<BTreeMap<&'static str, (&'static str, Instrument)>>,
}

impl Metrics {
    /// The counter of this name, made when it is first asked for.
    ///
    /// # Panics
    /// When the name belongs to another kind of instrument.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        match self.instrument(name, help, || Instrument::Counter(Counter::default())) {
            Instrument::Counter(counter) => counter,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// The gauge of this name, made when it is first asked for.
    ///
    /// # Panics
    /// When the name belongs to another kind of instrument.
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        match self.instrument(name, help, || Instrument::Gauge(Gauge::default())) {
            Instrument::Gauge(gauge) => gauge,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// The histogram of this name, made when it is first asked for.
    ///
    /// # Panics
    /// When the name belongs to another kind of instrument.
    pub fn histogram(&self, name: &'static str, help: &'static str) -> Histogram {
        match self.instrument(name, help, || Instrument::Histogram(Histogram::default())) {
            Instrument::Histogram(histogram) => histogram,
            other => panic!("{name} is {other:?}"),
        }
    }

    /// All of them, by name: name, help, instrument.
    pub fn all(&self) -> Vec<(&'static str, &'static str, Instrument)> {
        let instruments = self.instruments.borrow();
        instruments
            .iter()
            .map(|(name, (help, instrument))| (*name, *help, instrument.clone()))
            .collect()
    }

    fn instrument(
        &self,
        name: &'static str,
        help: &'static str,
        make: impl FnOnce() -> Instrument,
    ) -> Instrument {
        let mut instruments = self.instruments.borrow_mut();
        instruments
            .entry(name)
            .or_insert_with(|| (help, make()))
            .1
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_cover_every_value_and_edges_enclose_it() {
        for value in (0..200).chain([1_000, 65_535, 1 << 40, u64::MAX - 1, u64::MAX]) {
            let bucket = bucket_of(value);
            assert!(bucket < BUCKETS, "{value}");
            assert!(upper_edge(bucket) >= value, "{value}");
            assert!(bucket == 0 || upper_edge(bucket - 1) < value, "{value}");
        }
    }

    #[test]
    fn quantiles_are_within_an_eighth() {
        let histogram = Histogram::default();
        (1..=1000).for_each(|value| histogram.record(value));
        let median = histogram.quantile(500);
        assert!((500..=563).contains(&median), "{median}");
        assert_eq!(histogram.quantile(1000), 1000);
        assert_eq!(histogram.sum(), 500_500);
    }

    #[test]
    fn an_instrument_is_made_once() {
        let metrics = Metrics::default();
        metrics.counter("a", "counts").add(2);
        assert_eq!(metrics.counter("a", "counts").get(), 2);
        assert_eq!(metrics.all().len(), 1);
    }
}

//! What the clients know: what they sent, what they were told, what they saw. The oracles judge by it.
//!
//! Every batch has an identity of its own, written into the key of each of its records, and contents that follow
//! from the identity; so whoever reads it knows which batch it is, and whether it is whole.

use std::collections::BTreeMap;

use records::{BatchBuilder, BatchView, NewRecord, Record};
use stdx::Prng;

/// A partition by its topic's name. The simulator never uses a name twice.
pub type Place = (String, i32);

/// The identity of a batch that a client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BatchId(pub u64);

/// What was promised for a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// It was refused: it is nowhere.
    Refused,
    /// Nothing was heard of it, or nothing was asked.
    None,
    /// It was appended (`acks=1`).
    Appended,
    /// It was committed (`acks=all`).
    Committed,
}

/// A batch on its way.
#[derive(Clone, Debug)]
pub struct Sent {
    /// To where.
    pub place: Place,
    /// Records in it.
    pub records: u32,
    /// Bytes of each value, at most.
    pub value_bytes_max: u32,
    /// What was heard of it.
    pub promise: Promise,
    /// The offset that the broker named.
    pub base_offset: Option<i64>,
}

/// A batch as somebody read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Which batch, by its records' keys.
    pub batch: BatchId,
    /// The offset after its last record.
    pub end_offset: i64,
    /// The epoch of its leader.
    pub epoch: i32,
    /// Its bytes, folded.
    pub digest: u64,
}

/// What is known of one partition.
#[derive(Clone, Debug, Default)]
pub struct PartitionHistory {
    /// Batches read, by base offset.
    pub seen: BTreeMap<i64, Seen>,
    /// Where each batch was read.
    pub places: BTreeMap<BatchId, i64>,
    /// Batches acknowledged, by the offset named.
    pub acknowledged: BTreeMap<i64, BatchId>,
    /// The largest high watermark that anyone was told.
    pub high_watermark: i64,
    /// The latest epoch that anyone was told of.
    pub epoch: i32,
    /// Where epochs ended that were over when that was asked.
    pub epoch_ends: BTreeMap<i32, i64>,
}

/// All that the clients know.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Batches sent, by identity.
    pub sent: BTreeMap<BatchId, Sent>,
    /// What is known of each partition.
    pub partitions: BTreeMap<Place, PartitionHistory>,
    /// Requests answered, by kind.
    pub answered: BTreeMap<&'static str, u64>,
    /// Requests that failed, by kind and reason.
    pub failed: BTreeMap<(&'static str, String), u64>,
    next: u64,
}

impl Ledger {
    /// Notes a batch that is about to be sent.
    pub fn send(&mut self, place: &Place, records: u32, value_bytes_max: u32) -> BatchId {
        let id = BatchId(self.next);
        self.next += 1;
        let sent = Sent {
            place: place.clone(),
            records,
            value_bytes_max,
            promise: Promise::None,
            base_offset: None,
        };
        self.sent.insert(id, sent);
        id
    }

    /// The partition's history, made when it is first asked for.
    pub fn partition(&mut self, place: &Place) -> &mut PartitionHistory {
        self.partitions.entry(place.clone()).or_default()
    }

    /// Counts an answer.
    pub fn count_answer(&mut self, kind: &'static str) {
        *self.answered.entry(kind).or_default() += 1;
    }

    /// Counts a failure.
    pub fn count_failure(&mut self, kind: &'static str, reason: String) {
        *self.failed.entry((kind, reason)).or_default() += 1;
    }
}

/// The bytes of a batch: they follow from its identity.
pub fn batch_bytes(id: BatchId, records: u32, value_bytes_max: u32, timestamp: i64) -> Vec<u8> {
    let mut builder = BatchBuilder::new();
    for number in 0..records {
        let (key, value) = record_contents(id, number, value_bytes_max);
        builder.push(&NewRecord {
            timestamp: timestamp + i64::from(number),
            key: Some(&key),
            value: Some(&value),
            headers: &[],
        });
    }
    builder.finish()
}

fn record_contents(id: BatchId, number: u32, value_bytes_max: u32) -> ([u8; 12], Vec<u8>) {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&id.0.to_le_bytes());
    key[8..].copy_from_slice(&number.to_le_bytes());
    let mut prng = Prng::from_seed(id.0 << 20 ^ u64::from(number));
    let mut value = vec![0; prng.index(value_bytes_max as usize + 1)];
    prng.fill(&mut value);
    (key, value)
}

/// Which batch these are the records of, if they are what was sent; else what is wrong with them.
pub fn recognise(ledger: &Ledger, place: &Place, batch: &BatchView<'_>) -> Result<BatchId, String> {
    batch
        .check_stored()
        .map_err(|error| format!("the batch is damaged: {error}"))?;
    let records = batch
        .records()
        .map_err(|error| format!("no records: {error}"))?;
    let records: Vec<Record<'_>> = records
        .collect::<Result<_, _>>()
        .map_err(|error| format!("a record cannot be read: {error}"))?;
    let first = records.first().ok_or("the batch is empty")?;
    let id = first
        .key
        .and_then(|key| key.first_chunk().copied())
        .map(u64::from_le_bytes);
    let id = BatchId(id.ok_or("a record that nobody sent: its key is too short")?);
    let sent = ledger
        .sent
        .get(&id)
        .ok_or_else(|| format!("batch {} that nobody sent", id.0))?;
    if sent.place != *place {
        return Err(format!("batch {} was sent to {:?}", id.0, sent.place));
    }
    if records.len() != sent.records as usize {
        return Err(format!(
            "batch {} has {} records, {} were sent",
            id.0,
            records.len(),
            sent.records
        ));
    }
    for (number, record) in (0..).zip(&records) {
        let (key, value) = record_contents(id, number, sent.value_bytes_max);
        if record.key != Some(&key) || record.value != Some(&value) {
            return Err(format!(
                "record {number} of batch {} is not what was sent",
                id.0
            ));
        }
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_recognised_and_a_changed_one_is_not() {
        let mut ledger = Ledger::default();
        let place = ("t".to_owned(), 0);
        let id = ledger.send(&place, 3, 50);
        let bytes = batch_bytes(id, 3, 50, 1_000);
        let (batch, rest) = BatchView::split(&bytes).expect("whole");
        assert!(rest.is_empty());
        assert_eq!(recognise(&ledger, &place, &batch), Ok(id));
        let elsewhere = ("t".to_owned(), 1);
        assert!(recognise(&ledger, &elsewhere, &batch).is_err());
        let other = batch_bytes(BatchId(77), 3, 50, 1_000);
        let (batch, _) = BatchView::split(&other).expect("whole");
        assert!(recognise(&ledger, &place, &batch).is_err());
    }
}

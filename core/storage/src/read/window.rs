//! What a read takes out of a piece of a segment: whole batches, their frames' headers left out, every byte
//! verified. Pure: bytes in, ranges out.

use core::ops::Range;

use model::Offset;
use records::Batches;
use stdx::crc32c;

use crate::frame::{FrameHeader, HEADER_BYTES};
use crate::gather::SHARE_FROM_BYTES;
use crate::group::Group;

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// The partition whose frames these must be.
    pub group: Group,
    /// The first offset wanted.
    pub offset: Offset,
    /// Nothing at or above this is taken.
    pub upto: Offset,
    /// Bytes of batches to take at most.
    pub bytes_max: usize,
    /// Take the first batch whatever its size.
    pub at_least_one: bool,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where the batches lie in the window, in order.
    pub runs: Vec<Range<usize>>,
    /// Bytes of all runs.
    pub bytes: usize,
    /// The offset after the last batch that was taken.
    pub offset: Offset,
    /// How far into the window frames were passed: the next one begins there, maybe beyond the window.
    pub passed: u64,
    /// Why it ended.
    pub end: End,
}

/// Why a window ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All that was asked for, or that fits.
    Full,
    /// The next frame is not whole in the window; it needs this many bytes.
    Cut(u64),
    /// What lies there is not the frame that belongs there.
    Damaged(String),
}

impl Found {
    fn nothing(offset: Offset) -> Self {
        Self {
            runs: Vec::new(),
            bytes: 0,
            offset,
            passed: 0,
            end: End::Full,
        }
    }
}

/// Takes batches out of `window`, which begins with a frame. Batches of small frames are moved together within it,
/// over the headers between them: a gather list has a bounded length, and an entry costs more than a short copy.
pub fn take(window: &mut [u8], ask: &Ask) -> Found {
    let mut found = Found::nothing(ask.offset);
    found.end = loop {
        match step(window, ask, &mut found) {
            Ok(()) => {}
            Err(end) => break end,
        }
    };
    found
}

/// Passes one frame.
fn step(window: &mut [u8], ask: &Ask, found: &mut Found) -> Result<(), End> {
    if found.offset >= ask.upto
        || ask.bytes_max <= found.bytes && !(ask.at_least_one && found.bytes == 0)
    {
        return Err(End::Full);
    }
    let at = usize::try_from(found.passed).unwrap_or(usize::MAX);
    let frame = window
        .get_mut(at..)
        .filter(|frame| frame.len() >= HEADER_BYTES);
    let Some(frame) = frame else {
        return Err(End::Cut(HEADER_BYTES as u64));
    };
    let header = FrameHeader::decode(frame).map_err(|error| End::Damaged(error.to_string()))?;
    if header.group != ask.group {
        return Err(End::Damaged(format!(
            "a frame of another partition, {}",
            header.group
        )));
    }
    if header.base_offset > found.offset {
        return Err(End::Damaged(format!(
            "the next frame begins with offset {}",
            header.base_offset
        )));
    }
    let frame_bytes = header.frame_bytes();
    if header.end_offset() <= found.offset {
        found.passed += frame_bytes;
        return Ok(());
    }
    let body = HEADER_BYTES..HEADER_BYTES + header.body_bytes as usize;
    let Some(bytes) = frame.get(body.clone()) else {
        return Err(End::Cut(frame_bytes));
    };
    if crc32c(bytes) != header.body_crc {
        return Err(End::Damaged(format!(
            "the batches of frame {} do not fit their checksum",
            header.index
        )));
    }
    let (taken, next_offset) = choose(bytes, &header, ask, found)?;
    if taken.is_empty() {
        return Err(End::Full);
    }
    found.bytes += taken.len();
    found.offset = next_offset;
    place(
        window,
        at + body.start + taken.start..at + body.start + taken.end,
        &mut found.runs,
    );
    if next_offset < header.end_offset() {
        return Err(End::Full);
    }
    found.passed += frame_bytes;
    Ok(())
}

/// The part of a body that is taken, and the offset behind it.
fn choose(
    body: &[u8],
    header: &FrameHeader,
    ask: &Ask,
    found: &Found,
) -> Result<(Range<usize>, Offset), End> {
    let left = ask.bytes_max.saturating_sub(found.bytes);
    let whole =
        header.base_offset == found.offset && header.end_offset() <= ask.upto && body.len() <= left;
    if whole {
        return Ok((0..body.len(), header.end_offset()));
    }
    let (mut start, mut end, mut offset) = (None, 0, found.offset);
    let mut behind = 0;
    for batch in Batches::new(body) {
        let batch = batch
            .map_err(|error| End::Damaged(format!("a batch of frame {}: {error}", header.index)))?;
        let at = behind;
        behind += batch.len();
        if batch.end_offset() <= offset.0 {
            continue;
        }
        let first = start.is_none() && found.bytes == 0 && ask.at_least_one;
        let bytes = behind - start.unwrap_or(at);
        if batch.end_offset() > ask.upto.0 || bytes > left && !first {
            break;
        }
        start.get_or_insert(at);
        (end, offset) = (behind, Offset(batch.end_offset()));
    }
    Ok((start.unwrap_or(end)..end, offset))
}

/// Notes a run, moved to the end of the one before it when it is small.
fn place(window: &mut [u8], run: Range<usize>, runs: &mut Vec<Range<usize>>) {
    match runs.last_mut() {
        Some(last) if run.len() < SHARE_FROM_BYTES => {
            let bytes = run.len();
            window.copy_within(run, last.end);
            last.end += bytes;
        }
        _ => runs.push(run),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Frames, GROUP};
    use proptest::prelude::*;

    fn ask(offset: i64) -> Ask {
        Ask {
            group: GROUP,
            offset: Offset(offset),
            upto: Offset(1 << 40),
            bytes_max: 1 << 30,
            at_least_one: true,
        }
    }

    /// Offsets of the records in what was found.
    fn offsets(window: &[u8], found: &Found) -> Vec<i64> {
        let batches = found
            .runs
            .iter()
            .flat_map(|run| Batches::new(&window[run.clone()]));
        batches
            .flat_map(|batch| {
                batch
                    .unwrap()
                    .records()
                    .unwrap()
                    .map(|record| record.unwrap().offset)
            })
            .collect()
    }

    #[test]
    fn small_frames_become_one_run_and_large_ones_stay_where_they_are() {
        let frames = Frames::new()
            .data(&[1], 10)
            .noop()
            .data(&[2, 1], 10)
            .data(&[1], 5_000)
            .data(&[1], 10);
        let mut window = frames.bytes.clone();
        let found = take(&mut window, &ask(0));
        assert_eq!(offsets(&window, &found), [0, 1, 2, 3, 4, 5]);
        assert_eq!(found.runs.len(), 2);
        assert_eq!(
            (found.passed, found.end),
            (frames.bytes.len() as u64, End::Cut(64))
        );
    }

    #[test]
    fn a_read_begins_with_the_batch_that_has_the_offset() {
        let frames = Frames::new().data(&[3, 3], 10).data(&[3], 10);
        let first_of = |offset| {
            let mut window = frames.bytes.clone();
            let found = take(&mut window, &ask(offset));
            offsets(&window, &found).first().copied()
        };
        assert_eq!(
            [0, 2, 3, 5, 6, 8].map(first_of),
            [0, 0, 3, 3, 6, 6].map(Some)
        );
        assert_eq!(first_of(9), None);
    }

    #[test]
    fn bytes_max_cuts_between_batches_and_the_first_may_exceed_it() {
        let frames = Frames::new().data(&[1, 1, 1], 10);
        let batch = frames.headers[0].body_bytes as usize / 3;
        for (bytes_max, at_least_one, records) in [
            (0, false, 0),
            (1, false, 0),
            (1, true, 1),
            (batch, false, 1),
            (2 * batch - 1, true, 1),
            (3 * batch, false, 3),
        ] {
            let mut window = frames.bytes.clone();
            let found = take(
                &mut window,
                &Ask {
                    bytes_max,
                    at_least_one,
                    ..ask(0)
                },
            );
            assert_eq!(
                offsets(&window, &found).len(),
                records,
                "{bytes_max} {at_least_one}"
            );
            assert_eq!(found.offset, Offset(i64::try_from(records).unwrap()));
        }
    }

    #[test]
    fn damage_is_named_and_what_is_before_it_is_given() {
        let frames = Frames::new().data(&[1], 10).data(&[1], 10);
        let second = frames.position(1);
        for at in [second, second + HEADER_BYTES + 70] {
            let mut window = frames.bytes.clone();
            window[at] ^= 1;
            let found = take(&mut window, &ask(0));
            assert_eq!(offsets(&window, &found), [0]);
            assert!(matches!(found.end, End::Damaged(_)), "{:?}", found.end);
            assert_eq!(found.passed, second as u64);
        }
        let mut elsewhere = frames.bytes.clone();
        let found = take(
            &mut elsewhere,
            &Ask {
                group: Group(1),
                ..ask(0)
            },
        );
        assert!(matches!(found.end, End::Damaged(_)));
    }

    #[test]
    fn nothing_at_or_above_the_bound_is_taken() {
        let frames = Frames::new().data(&[1, 1], 10).data(&[1], 10);
        for upto in 0..4 {
            let mut window = frames.bytes.clone();
            let found = take(
                &mut window,
                &Ask {
                    upto: Offset(upto),
                    ..ask(0)
                },
            );
            assert_eq!(offsets(&window, &found), (0..upto).collect::<Vec<_>>());
        }
    }

    proptest! {
        /// A window that ends anywhere and goes on where it was told to gives all batches once.
        #[test]
        fn windows_of_any_size_add_up(
            shapes in proptest::collection::vec((proptest::collection::vec(1_usize..4, 0..4), 1_usize..3_000), 1..12),
            start in 0_i64..10, window_bytes in 64_usize..5_000,
        ) {
            let frames = shapes.iter().fold(Frames::new(), |frames, (records, value_bytes)| {
                if records.is_empty() { frames.noop() } else { frames.data(records, *value_bytes) }
            });
            let end = frames.end_offset().0;
            let (mut position, mut ask, mut seen, mut needed) = (0, ask(start), Vec::new(), 0);
            while position < frames.bytes.len() {
                let bytes = window_bytes.max(needed).min(frames.bytes.len() - position);
                let mut window = frames.bytes[position..position + bytes].to_vec();
                let found = take(&mut window, &ask);
                seen.extend(offsets(&window, &found));
                ask.offset = found.offset;
                position += usize::try_from(found.passed).unwrap();
                match found.end {
                    End::Cut(bytes) => needed = usize::try_from(bytes).unwrap(),
                    End::Full | End::Damaged(_) => prop_assert!(false, "{:?}", found.end),
                }
            }
            prop_assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1));
            prop_assert_eq!(seen.last().copied(), (start < end).then_some(end - 1));
            prop_assert!(seen.first().is_none_or(|&first| first <= start && start - first < 4));
        }

        #[test]
        fn any_bytes_are_taken_without_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), offset in 0_i64..9) {
            take(&mut bytes, &ask(offset));
        }
    }
}

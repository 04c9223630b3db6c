//! From one segment to the next: the full one gets its footer, and a file without frames is begun.

use std::rc::Rc;

use runtime::{File, IoErrorKind};
use stdx::mutant;

use super::{NO_SPACE_PAUSE, enter_no_space, leave_no_space, stop};
use crate::footer::IndexPlace;
use crate::log::{Inner, State, WriterState};
use crate::marks;
use crate::open_segment::Segment;
use crate::seal;
use crate::segment::SegmentHeader;

/// Begins the next segment.
pub(super) async fn roll(inner: &Rc<Inner>) {
    seal(inner).await;
    let header = {
        let state = &mut *inner.state.borrow_mut();
        let frame = state.queue.front().expect("a roll makes room for a frame");
        let (base_index, base_offset) = (frame.index, frame.base_offset);
        let (group, prev_origin) = (inner.config.group, state.prev_origin);
        // Its file stays open for whoever reads it now; later readers open it again.
        state.active().file = None;
        SegmentHeader {
            group,
            base_index,
            base_offset,
            prev_origin,
            nonce: inner.runtime.random(),
        }
    };
    loop {
        match Segment::create(&inner.runtime, &inner.config.directory, header).await {
            Ok(segment) => {
                marks::ROLLED.hit();
                let mut state = inner.state.borrow_mut();
                let sealed = state.active();
                let keeps = sealed.footer.is_some() && sealed.index.is_some();
                let sealed = sealed.header.base_index;
                state.segments.push(segment);
                if keeps {
                    state.keep_index(sealed);
                }
                break;
            }
            // Out of room, or of descriptors: both pass, and nothing was written.
            Err(error)
                if [IoErrorKind::NoSpace, IoErrorKind::TooManyOpenFiles]
                    .contains(&error.kind()) =>
            {
                enter_no_space(inner);
                inner.runtime.sleep(NO_SPACE_PAUSE).await;
            }
            Err(error) => stop(inner, "begin a segment in", error),
        }
    }
    leave_no_space(inner);
}

/// Makes the footer of the full segment durable: without it the next start would read all frames. One that an earlier life
/// left is there, and may not be durable.
async fn seal(inner: &Rc<Inner>) {
    let footer = footer(&mut inner.state.borrow_mut());
    let Some((file, position, footer, place)) = footer else {
        let sealed = inner.state.borrow_mut().active().file.clone();
        let synced = match sealed {
            Some(file) => file.sync().await,
            None => Ok(()),
        };
        return match synced {
            Err(error) if error.kind() != IoErrorKind::NoSpace => {
                stop(inner, "sync a footer in", error)
            }
            // Without room it may be lost, and then the frames are read.
            _ => (),
        };
    };
    loop {
        match seal::write(&file, position, footer.clone(), true).await {
            Ok(()) => break,
            Err(error) if error.kind() == IoErrorKind::NoSpace => {
                enter_no_space(inner);
                inner.runtime.sleep(NO_SPACE_PAUSE).await;
            }
            Err(error) => stop(inner, "write a footer in", error),
        }
    }
    leave_no_space(inner);
    inner.state.borrow_mut().active().footer = Some(place);
}

/// A footer on its way: the file, the place in it, the bytes, and where the index will be.
type Unwritten = (File, u64, Vec<u8>, IndexPlace);

/// The footer of the segment that is written, if it wants one; everything in it is durable.
fn footer(state: &mut State) -> Option<Unwritten> {
    assert!(state.writes.is_empty() || mutant!(S13));
    let (last, origin) = (state.flushed.index, state.prev_origin);
    let State {
        segments, epochs, ..
    } = state;
    let active = segments.last_mut()?;
    if active.footer.is_some() {
        return None;
    }
    let file = active.file.clone()?;
    let (bytes, place) = seal::footer_of(active, epochs, (last, origin))?;
    Some((file, active.bytes, bytes, place))
}

/// Cuts the footer off that an earlier life left behind the last frame: another frame comes there. It need not be durable
/// before that frame is: the sync that makes that one durable does both.
pub(super) async fn unseal(inner: &Rc<Inner>) {
    let base_index = inner.state.borrow_mut().active().header.base_index;
    let (file, bytes) = loop {
        // It is added to from now on.
        if let Err(error) = inner.load_index(base_index).await {
            stop(inner, "read an index in", error.error);
        }
        let state = &mut *inner.state.borrow_mut();
        let active = state.active();
        if active.index.is_none() {
            // Others read so many that it was let go again.
            continue;
        }
        // From here on it is not let go.
        active.footer = None;
        let file = active.file.clone();
        let file = file.expect("the last segment is open for writing");
        let bytes = active.bytes;
        state.indexes.retain(|kept| *kept != base_index);
        break (file, bytes);
    };
    if !mutant!(S07)
        && let Err(error) = file.truncate(bytes).await
    {
        stop(inner, "cut a footer off in", error);
    }
    marks::SEGMENT_UNSEALED.hit();
}

/// Ends the writer. It leaves a footer, so that the next start reads no frame; whether that comes to be on the disk does not
/// matter.
pub(super) async fn end(inner: &Rc<Inner>) {
    let fenced = inner.state.borrow().fences.refusal().is_some();
    let footer = (!fenced)
        .then(|| footer(&mut inner.state.borrow_mut()))
        .flatten();
    if let Some((file, position, footer, place)) = footer
        && seal::write(&file, position, footer, false).await.is_ok()
    {
        marks::CLOSED_WITH_FOOTER.hit();
        let mut state = inner.state.borrow_mut();
        state.active().footer = Some(place);
    }
    inner.state.borrow_mut().writer = WriterState::Ended;
    inner.moved.notify();
}

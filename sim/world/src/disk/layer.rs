//! One layer of a file: its pages and its length.

use super::change::Change;
use super::{FILE_BYTES_MAX, SECTOR_BYTES};

/// Bytes of a page, the unit in which space is counted.
pub(crate) const PAGE: usize = 4096;

type PageBytes = [u8; PAGE];

#[derive(Clone, Debug, Default)]
enum Page {
    /// Takes no space, reads as zeroes.
    #[default]
    Hole,
    /// Takes space, reads as zeroes.
    Reserved,
    Data(Box<PageBytes>),
}

/// Pages and a length. What lies beyond the length is zero.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layer {
    pages: Vec<Page>,
    length: u64,
    /// Pages that take space.
    taken: u64,
}

fn page_of(offset: u64) -> usize {
    usize::try_from(offset / PAGE as u64).expect("files are below the limit")
}

fn within_page(offset: u64) -> usize {
    usize::try_from(offset % PAGE as u64).expect("below a page")
}

impl Layer {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Pages that take space.
    pub(crate) fn taken(&self) -> u64 {
        self.taken
    }

    /// Fills `out` from `offset` on, as far as the file goes, and says how far that was.
    pub(crate) fn read(&self, offset: u64, out: &mut [u8]) -> usize {
        let left = self.length.saturating_sub(offset);
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let mut done = 0;
        while done < count {
            let at = offset + done as u64;
            let start = within_page(at);
            let part = (PAGE - start).min(count - done);
            match self.pages.get(page_of(at)) {
                Some(Page::Data(bytes)) => {
                    out[done..done + part].copy_from_slice(&bytes[start..start + part]);
                }
                _ => out[done..done + part].fill(0),
            }
            done += part;
        }
        count
    }

    /// All its bytes.
    pub(crate) fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; usize::try_from(self.length).expect("files are below the limit")];
        self.read(0, &mut bytes);
        bytes
    }

    /// Writes `bytes` and returns the pages that this newly took.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> u64 {
        if bytes.is_empty() {
            return 0;
        }
        let end = offset + bytes.len() as u64;
        self.grow_pages(end);
        let taken = self.taken;
        let mut done = 0;
        while done < bytes.len() {
            let at = offset + done as u64;
            let start = within_page(at);
            let part = (PAGE - start).min(bytes.len() - done);
            let page = &mut self.pages[page_of(at)];
            self.taken += u64::from(matches!(page, Page::Hole));
            if !matches!(page, Page::Data(_)) {
                *page = Page::Data(Box::new([0; PAGE]));
            }
            if let Page::Data(data) = page {
                data[start..start + part].copy_from_slice(&bytes[done..done + part]);
            }
            done += part;
        }
        self.length = self.length.max(end);
        self.taken - taken
    }

    /// Cuts or extends the file and returns the pages that this freed.
    pub(crate) fn truncate(&mut self, length: u64) -> u64 {
        let taken = self.taken;
        let kept = page_of(length.div_ceil(PAGE as u64) * PAGE as u64);
        if length < self.length {
            if kept < self.pages.len() {
                let cut = self.pages.drain(kept..);
                self.taken -= cut.filter(|page| !matches!(page, Page::Hole)).count() as u64;
            }
            let start = within_page(length);
            if start > 0
                && let Some(Page::Data(bytes)) = self.pages.get_mut(page_of(length))
            {
                bytes[start..].fill(0);
            }
        }
        self.length = length;
        taken - self.taken
    }

    /// Reserves space for a range and returns the pages that this newly took.
    pub(crate) fn allocate(&mut self, offset: u64, length: u64, keep_length: bool) -> u64 {
        let end = offset + length;
        self.grow_pages(end);
        let taken = self.taken;
        for page in &mut self.pages[page_of(offset)..page_of(end + PAGE as u64 - 1)] {
            if matches!(page, Page::Hole) {
                *page = Page::Reserved;
                self.taken += 1;
            }
        }
        if !keep_length {
            self.length = self.length.max(end);
        }
        self.taken - taken
    }

    /// How many of the bytes from `offset` to `end` fit when `pages` more pages may be taken.
    pub(crate) fn room(&self, offset: u64, end: u64, mut pages: u64) -> u64 {
        if end > FILE_BYTES_MAX {
            return 0;
        }
        let mut at = offset;
        while at < end {
            if matches!(self.pages.get(page_of(at)), None | Some(Page::Hole)) {
                if pages == 0 {
                    break;
                }
                pages -= 1;
            }
            at = (at / PAGE as u64 + 1) * PAGE as u64;
        }
        at.min(end) - offset
    }

    /// Applies a change whole.
    pub(crate) fn apply(&mut self, change: &Change) {
        match change {
            Change::Write { offset, bytes } => {
                self.write(*offset, bytes);
            }
            Change::Truncate { length } => {
                self.truncate(*length);
            }
            Change::Allocate {
                offset,
                length,
                keep_length,
            } => {
                self.allocate(*offset, *length, *keep_length);
            }
        }
    }

    /// Writes the sector that starts at `offset` without moving the length: bytes that the file's length does
    /// not reach become visible only if the length follows.
    pub(crate) fn write_sector(&mut self, offset: u64, bytes: &[u8]) {
        debug_assert!(bytes.len() <= SECTOR_BYTES);
        let length = self.length;
        self.write(offset, bytes);
        self.length = length;
    }

    /// Moves the length out to `length`; what a sector write left beyond the old one becomes visible.
    pub(crate) fn reach(&mut self, length: u64) {
        self.length = self.length.max(length);
    }

    /// Clears what lies beyond the length.
    pub(crate) fn trim(&mut self) {
        let length = self.length;
        self.length = self.length.max(self.pages.len() as u64 * PAGE as u64);
        self.truncate(length);
    }

    /// Empties it and returns the pages that it had taken.
    pub(crate) fn take_all(&mut self) -> u64 {
        core::mem::take(self).taken
    }

    fn grow_pages(&mut self, end: u64) {
        let pages = page_of(end + PAGE as u64 - 1);
        if self.pages.len() < pages {
            self.pages.resize_with(pages, Page::default);
        }
    }
}

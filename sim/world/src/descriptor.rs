//! Descriptors of one node's process: small numbers for open things, used again as soon as they are free.

use runtime::Descriptor;

use crate::disk::inode::InodeId;
use crate::event::EndRef;

/// What a descriptor stands for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Opened {
    File {
        inode: InodeId,
        write: bool,
        direct: bool,
    },
    Listener(u32),
    Stream(EndRef),
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    opened: Opened,
    /// The core that may use it; none while it is handed over.
    owner: Option<u16>,
}

/// The descriptors of one process.
#[derive(Debug)]
pub(crate) struct Descriptors {
    table: Vec<Option<Entry>>,
    free: Vec<u32>,
    count_max: u32,
}

impl Descriptors {
    pub(crate) fn new(count_max: u32) -> Self {
        Self {
            table: Vec::new(),
            free: Vec::new(),
            count_max,
        }
    }

    /// A descriptor of `core` for `opened`, unless there are too many.
    pub(crate) fn open(&mut self, core: u16, opened: Opened) -> Option<Descriptor> {
        let entry = Some(Entry {
            opened,
            owner: Some(core),
        });
        if let Some(number) = self.free.pop() {
            self.table[number as usize] = entry;
            return Some(Descriptor(number));
        }
        let number = u32::try_from(self.table.len()).ok()?;
        if number >= self.count_max {
            return None;
        }
        self.table.push(entry);
        Some(Descriptor(number))
    }

    /// What `descriptor` stands for. Whoever uses a descriptor that was handed over owns it from then on.
    ///
    /// # Panics
    /// When another core owns it.
    pub(crate) fn get(&mut self, core: u16, descriptor: Descriptor) -> Option<Opened> {
        let entry = self.table.get_mut(descriptor.0 as usize)?.as_mut()?;
        let owner = *entry.owner.get_or_insert(core);
        assert_eq!(
            owner, core,
            "a core uses a descriptor that another core owns"
        );
        Some(entry.opened)
    }

    /// Gives `descriptor` to whichever core uses it next.
    pub(crate) fn hand_over(&mut self, core: u16, descriptor: Descriptor) {
        if self.get(core, descriptor).is_some()
            && let Some(entry) = &mut self.table[descriptor.0 as usize]
        {
            entry.owner = None;
        }
    }

    /// Frees `descriptor`.
    pub(crate) fn close(&mut self, core: u16, descriptor: Descriptor) -> Option<Opened> {
        let opened = self.get(core, descriptor)?;
        self.table[descriptor.0 as usize] = None;
        self.free.push(descriptor.0);
        Some(opened)
    }
}

//! Records that are too large for a chunk: each has its own memory.

use alloc::alloc::{Layout, handle_alloc_error};
use alloc::vec::Vec;

use crate::zset::paged::{self, Paged};

/// Large records by number.
pub(super) struct Large {
    slots: Paged<Slot>,
    /// The first number without a record.
    vacant: Option<u32>,
    /// Size classes of the records.
    bytes: usize,
}

enum Slot {
    Record(Vec<u8>),
    /// The next number without a record.
    Vacant(Option<u32>),
}

impl Large {
    pub(super) const fn new() -> Self {
        Self {
            slots: Paged::new(),
            vacant: None,
            bytes: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.slots.bytes() + self.bytes
    }

    #[inline]
    pub(super) fn at(&self, number: u32) -> Option<&[u8]> {
        match self.slots.at(number as usize)? {
            Slot::Record(bytes) => Some(bytes),
            Slot::Vacant(_) => None,
        }
    }

    pub(super) fn at_mut(&mut self, number: u32) -> Option<&mut [u8]> {
        match self.slots.at_mut(number as usize)? {
            Slot::Record(bytes) => Some(bytes),
            Slot::Vacant(_) => None,
        }
    }

    /// Keeps a record; its number, below 2^31.
    pub(super) fn add(&mut self, record: Vec<u8>) -> u32 {
        self.bytes += paged::bytes_of(&record);
        if let Some(number) = self.vacant
            && let Some(slot) = self.slots.at_mut(number as usize)
            && let Slot::Vacant(next) = *slot
        {
            *slot = Slot::Record(record);
            self.vacant = next;
            return number;
        }
        let number = self.slots.len();
        if number >= 1 << 31 {
            // Two thousand million records beside 8 GiB of small ones: as if memory were at its
            // end, and with 32-bit handles it is.
            handle_alloc_error(Layout::for_value(record.as_slice()));
        }
        self.slots.push(Slot::Record(record));
        number as u32
    }

    pub(super) fn remove(&mut self, number: u32) {
        if let Some(slot) = self.slots.at_mut(number as usize)
            && let Slot::Record(record) = slot
        {
            self.bytes -= paged::bytes_of(record);
            *slot = Slot::Vacant(self.vacant.replace(number));
        }
    }

    pub(super) fn for_each(&self, visit: &mut impl FnMut(u32)) {
        for (number, slot) in self.slots.iter().enumerate() {
            if let Slot::Record(_) = slot {
                visit(number as u32);
            }
        }
    }

    /// Drops one record; whether there was a place for one.
    pub(super) fn drop_one(&mut self) -> bool {
        self.slots.pop().is_some()
    }

    pub(super) fn twin(&self) -> Self {
        Self {
            slots: self.slots.twin_with(|slot| match slot {
                Slot::Record(record) => Slot::Record(paged::twin(record)),
                Slot::Vacant(next) => Slot::Vacant(*next),
            }),
            ..*self
        }
    }
}

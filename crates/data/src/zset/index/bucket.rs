//! A bucket: handles with one byte of their hashes each, dense, in groups of eight.

use alloc::vec::Vec;

use crate::zset::paged;

/// Elements of a group.
const GROUP: usize = 8;
/// Words of a group: one of tags, four of handles.
const GROUP_WORDS: usize = 1 + GROUP / 2;

/// Every byte 1.
const ONES: u64 = 0x0101_0101_0101_0101;
/// Every byte without its top bit.
const LOW: u64 = 0x7F7F_7F7F_7F7F_7F7F;

/// Tags and handles. All groups but the last one are full; a tag of 0 is no element.
pub(super) struct Bucket(Vec<u64>);

impl Bucket {
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(super) fn memory_bytes(&self) -> usize {
        paged::bytes_of(&self.0)
    }

    #[inline]
    pub(super) fn prefetch(&self) {
        paged::prefetch(&self.0);
    }

    /// The first handle with this tag that `is` accepts.
    #[inline]
    pub(super) fn find(&self, tag: u8, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        self.places(tag)
            .map(|(_, handle)| handle)
            .find(|&handle| is(handle))
    }

    /// Places and handles with this tag.
    #[inline]
    fn places(&self, tag: u8) -> impl Iterator<Item = (usize, u32)> {
        let (groups, _) = self.0.as_chunks::<GROUP_WORDS>();
        let wanted = ONES * u64::from(tag);
        groups.iter().enumerate().flat_map(move |(number, group)| {
            let mut matches = zero_bytes(group[0] ^ wanted);
            core::iter::from_fn(move || {
                if matches == 0 {
                    return None;
                }
                let slot = matches.trailing_zeros() as usize / 8;
                matches &= matches - 1;
                Some((number * GROUP + slot, handle_in(group, slot)))
            })
        })
    }

    /// Elements.
    fn len(&self) -> usize {
        let groups = self.0.len() / GROUP_WORDS;
        let last = groups.checked_sub(1).map(|last| last * GROUP_WORDS);
        let tags = last.and_then(|last| self.0.get(last));
        let empty = tags.map_or(0, |tags| tags.leading_zeros() as usize / 8);
        groups * GROUP - empty
    }

    #[inline]
    pub(super) fn push(&mut self, tag: u8, handle: u32, bytes: &mut usize) {
        let len = self.len();
        if len.is_multiple_of(GROUP) {
            paged::reserve(&mut self.0, GROUP_WORDS, bytes);
            self.0.extend_from_slice(&[0; GROUP_WORDS]);
        }
        self.set(len, tag, handle);
    }

    /// Takes an element out; whether it was there.
    pub(super) fn remove(&mut self, tag: u8, handle: u32, bytes: &mut usize) -> bool {
        let found = self.places(tag).find(|&(_, other)| other == handle);
        let Some((place, _)) = found else {
            return false;
        };
        let last = self.len() - 1;
        let (last_tag, last_handle) = self.element(last);
        self.set(place, last_tag, last_handle);
        self.truncate(last, bytes);
        true
    }

    /// Puts another handle in the place of one.
    pub(super) fn replace(&mut self, tag: u8, from: u32, to: u32) {
        let found = self.places(tag).find(|&(_, handle)| handle == from);
        if let Some((place, _)) = found {
            self.set(place, tag, to);
        }
    }

    /// Moves the elements that `moves` chooses to `other`.
    pub(super) fn split(
        &mut self,
        other: &mut Self,
        moves: impl Fn(u32) -> bool,
        bytes: &mut usize,
    ) {
        let len = self.len();
        let mut kept = 0;
        for place in 0..len {
            let (tag, handle) = self.element(place);
            if moves(handle) {
                other.push(tag, handle, bytes);
            } else {
                self.set(kept, tag, handle);
                kept += 1;
            }
        }
        self.truncate(kept, bytes);
    }

    /// Visits tags and handles.
    #[inline]
    pub(super) fn for_each(&self, visit: &mut impl FnMut(u8, u32)) {
        for place in 0..self.len() {
            let (tag, handle) = self.element(place);
            visit(tag, handle);
        }
    }

    /// Drops the memory without accounting for it.
    pub(super) fn clear(&mut self) {
        self.0 = Vec::new();
    }

    pub(super) fn twin(&self) -> Self {
        Self(paged::twin(&self.0))
    }

    /// Keeps the first `len` elements.
    fn truncate(&mut self, len: usize, bytes: &mut usize) {
        self.0.truncate(len.div_ceil(GROUP) * GROUP_WORDS);
        let first = len % GROUP;
        if first != 0 {
            let tags = (len / GROUP) * GROUP_WORDS;
            if let Some(tags) = self.0.get_mut(tags) {
                *tags &= !(u64::MAX << (8 * first));
            }
        }
        paged::trim(&mut self.0, bytes);
    }

    fn element(&self, place: usize) -> (u8, u32) {
        let (groups, _) = self.0.as_chunks::<GROUP_WORDS>();
        let slot = place % GROUP;
        match groups.get(place / GROUP) {
            Some(group) => ((group[0] >> (8 * slot)) as u8, handle_in(group, slot)),
            None => (0, 0),
        }
    }

    #[inline]
    fn set(&mut self, place: usize, tag: u8, handle: u32) {
        let (groups, _) = self.0.as_chunks_mut::<GROUP_WORDS>();
        let slot = place % GROUP;
        if let Some(group) = groups.get_mut(place / GROUP) {
            let shift = 8 * slot;
            group[0] = group[0] & !(0xFF << shift) | u64::from(tag) << shift;
            let word = &mut group[1 + slot / 2];
            let shift = 32 * (slot % 2);
            *word = *word & !(0xFFFF_FFFF << shift) | u64::from(handle) << shift;
        }
    }
}

/// The handle of a slot below [`GROUP`].
#[inline(always)]
fn handle_in(group: &[u64; GROUP_WORDS], slot: usize) -> u32 {
    (group[1 + slot / 2] >> (32 * (slot % 2))) as u32
}

/// The top bit of every byte that is zero, and nothing else.
#[inline(always)]
const fn zero_bytes(word: u64) -> u64 {
    !((word & LOW).wrapping_add(LOW) | word | LOW)
}

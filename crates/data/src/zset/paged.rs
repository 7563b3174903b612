//! Vectors whose memory is accounted by size classes, and a sequence in pages, which grows without
//! copying what it holds. No elements of sorted sets.

use alloc::vec::Vec;

use vk_mem::size_class;

/// Bytes that the vector occupies.
#[inline]
pub(super) fn bytes_of<T>(vec: &Vec<T>) -> usize {
    size_class(vec.capacity().saturating_mul(size_of::<T>()))
}

/// Makes room for `more` items, by a size class at a time; `bytes` follows.
#[inline]
pub(super) fn reserve<T>(vec: &mut Vec<T>, more: usize, bytes: &mut usize) {
    if vec.capacity() - vec.len() < more {
        grow(vec, more, bytes);
    }
}

#[cold]
fn grow<T>(vec: &mut Vec<T>, more: usize, bytes: &mut usize) {
    let before = bytes_of(vec);
    let wanted = vec
        .len()
        .saturating_add(more)
        .saturating_mul(size_of::<T>());
    let room = size_class(wanted) / size_of::<T>().max(1);
    vec.reserve_exact(room.saturating_sub(vec.len()));
    *bytes = *bytes - before + bytes_of(vec);
}

/// Inserts at `at`, which is at most the length; `bytes` follows.
#[inline]
pub(super) fn insert<T>(vec: &mut Vec<T>, at: usize, item: T, bytes: &mut usize) {
    reserve(vec, 1, bytes);
    vec.insert(at, item);
}

/// Gives memory back when at least a fifth of it is unused; `bytes` follows.
#[inline]
pub(super) fn trim<T>(vec: &mut Vec<T>, bytes: &mut usize) {
    let kept = vec.len() + vec.len() / 4 + 1;
    if size_class(kept * size_of::<T>()) < bytes_of(vec) {
        shrink(vec, bytes);
    }
}

#[cold]
fn shrink<T>(vec: &mut Vec<T>, bytes: &mut usize) {
    let before = bytes_of(vec);
    let wanted = (vec.len() + vec.len() / 8) * size_of::<T>();
    vec.shrink_to(size_class(wanted) / size_of::<T>().max(1));
    *bytes = *bytes - before + bytes_of(vec);
}

/// Hints that the words are about to be searched: all lines at once, where a binary search would
/// wait for one after the other.
#[inline]
pub(super) fn prefetch(words: &[u64]) {
    for line in words.chunks(LINE_BYTES / size_of::<u64>()) {
        vk_mem::prefetch_read(line);
    }
}

/// Bytes of a cache line.
const LINE_BYTES: usize = 64;

/// A copy with the same capacity, so that it is accounted alike.
pub(super) fn twin<T: Clone>(vec: &Vec<T>) -> Vec<T> {
    twin_with(vec, T::clone)
}

/// As [`twin`], of items that `copy` copies.
pub(super) fn twin_with<T>(vec: &Vec<T>, copy: impl FnMut(&T) -> T) -> Vec<T> {
    let mut twin = Vec::new();
    twin.reserve_exact(vec.capacity());
    twin.extend(vec.iter().map(copy));
    twin
}

/// Items of a full page.
const PAGE: usize = 512;

/// A sequence in pages of 512 items.
pub(super) struct Paged<T> {
    /// All but the last are full and have exactly the capacity of a page.
    pages: Vec<Vec<T>>,
    len: usize,
}

impl<T> Paged<T> {
    pub(super) const fn new() -> Self {
        Self {
            pages: Vec::new(),
            len: 0,
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the pages; not of what their items own.
    pub(super) fn bytes(&self) -> usize {
        let full = self.pages.len().saturating_sub(1) * size_class(PAGE * size_of::<T>());
        full + self.pages.last().map_or(0, bytes_of) + bytes_of(&self.pages)
    }

    #[inline(always)]
    pub(super) fn at(&self, at: usize) -> Option<&T> {
        self.pages.get(at / PAGE)?.get(at % PAGE)
    }

    #[inline(always)]
    pub(super) fn at_mut(&mut self, at: usize) -> Option<&mut T> {
        self.pages.get_mut(at / PAGE)?.get_mut(at % PAGE)
    }

    pub(super) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(PAGE) {
            self.pages.push(Vec::new());
        }
        if let Some(page) = self.pages.last_mut() {
            if page.len() == page.capacity() {
                let room = (page.len() / 4 + 1).min(PAGE - page.len());
                page.reserve_exact(room);
            }
            page.push(item);
            self.len += 1;
        }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let page = self.pages.last_mut()?;
        let item = page.pop();
        if page.is_empty() {
            self.pages.pop();
        } else if page.len() < page.capacity() / 3 {
            page.shrink_to(page.len() + page.len() / 4);
        }
        self.len -= 1;
        item
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pages.iter().flatten()
    }

    pub(super) fn twin_with(&self, mut copy: impl FnMut(&T) -> T) -> Self {
        Self {
            pages: twin_with(&self.pages, |page| twin_with(page, &mut copy)),
            len: self.len,
        }
    }
}

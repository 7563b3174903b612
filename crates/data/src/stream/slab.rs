//! Things under small numbers that are given again when they are free: the consumers of a group.

use alloc::vec::Vec;

use vk_mem::size_class;

/// Places of a block; blocks never move, so growth copies little.
const BLOCK_PLACES: usize = 256;

/// Things by number.
#[derive(Debug)]
pub(super) struct Slab<T> {
    blocks: Vec<Vec<Place<T>>>,
    free: Option<u32>,
    heap_bytes: usize,
}

#[derive(Clone, Debug)]
enum Place<T> {
    Used(T),
    /// The next free place.
    Free(Option<u32>),
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self {
            blocks: Vec::new(),
            free: None,
            heap_bytes: 0,
        }
    }

    /// Bytes of the places, rounded to size classes; not what the things own.
    pub(super) const fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }

    pub(super) fn get(&self, number: u32) -> Option<&T> {
        let block = self.blocks.get(number as usize / BLOCK_PLACES)?;
        match block.get(number as usize % BLOCK_PLACES)? {
            Place::Used(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        match self.place_mut(number)? {
            Place::Used(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    /// Stores a thing and returns its number; `None` if there are no more numbers.
    pub(super) fn insert(&mut self, thing: T) -> Option<u32> {
        if let Some(number) = self.free {
            let place = self.place_mut(number)?;
            if let Place::Free(next) = *place {
                *place = Place::Used(thing);
                self.free = next;
                return Some(number);
            }
        }
        let full = |block: &Vec<_>| block.len() >= BLOCK_PLACES;
        if self.blocks.last().is_none_or(full) {
            self.heap_bytes -= vec_bytes(&self.blocks);
            self.blocks.push(Vec::new());
            self.heap_bytes += vec_bytes(&self.blocks);
        }
        let before = (self.blocks.len() - 1) * BLOCK_PLACES;
        let block = self.blocks.last_mut()?;
        let number = u32::try_from(before + block.len()).ok();
        let number = number.filter(|number| *number < u32::MAX)?;
        self.heap_bytes -= vec_bytes(block);
        if block.len() == block.capacity() {
            block.reserve_exact(block.len().clamp(1, BLOCK_PLACES - block.len()));
        }
        block.push(Place::Used(thing));
        self.heap_bytes += vec_bytes(block);
        Some(number)
    }

    /// Takes a thing out; its number is free then.
    pub(super) fn remove(&mut self, number: u32) -> Option<T> {
        let next = self.free;
        let place = self.place_mut(number)?;
        if matches!(place, Place::Free(_)) {
            return None;
        }
        let Place::Used(thing) = core::mem::replace(place, Place::Free(next)) else {
            return None;
        };
        self.free = Some(number);
        Some(thing)
    }

    /// The thing in the last place, unless that is free.
    pub(super) fn last_mut(&mut self) -> Option<&mut T> {
        match self.blocks.last_mut()?.last_mut()? {
            Place::Used(thing) => Some(thing),
            Place::Free(_) => None,
        }
    }

    /// Gives the last place up with what is in it; whether there was one. Only this and
    /// [`Self::last_mut`] are called afterwards.
    pub(super) fn drop_last(&mut self) -> bool {
        self.free = None;
        let Some(block) = self.blocks.last_mut() else {
            return false;
        };
        block.pop();
        if block.is_empty() {
            self.heap_bytes -= vec_bytes(block);
            self.blocks.pop();
        }
        true
    }

    fn place_mut(&mut self, number: u32) -> Option<&mut Place<T>> {
        let block = self.blocks.get_mut(number as usize / BLOCK_PLACES)?;
        block.get_mut(number as usize % BLOCK_PLACES)
    }
}

impl<T: Clone> Clone for Slab<T> {
    fn clone(&self) -> Self {
        let blocks = self.blocks.clone();
        let inner: usize = blocks.iter().map(vec_bytes).sum();
        Self {
            heap_bytes: inner + vec_bytes(&blocks),
            free: self.free,
            blocks,
        }
    }
}

fn vec_bytes<U>(items: &Vec<U>) -> usize {
    size_class(items.capacity() * size_of::<U>())
}

#[cfg(test)]
mod tests {
    use super::Slab;

    #[test]
    fn numbers_are_given_again() {
        let mut slab = Slab::new();
        for thing in 0..600_u32 {
            assert_eq!(slab.insert(thing), Some(thing));
        }
        assert_eq!(slab.remove(300), Some(300));
        assert_eq!(slab.remove(300), None);
        assert_eq!(slab.remove(7), Some(7));
        assert_eq!(slab.get(7), None);
        let bytes = slab.heap_bytes();
        assert_eq!(slab.insert(1000), Some(7));
        assert_eq!(slab.insert(1001), Some(300));
        assert_eq!(slab.insert(1002), Some(600));
        assert_eq!(slab.get(300), Some(&1001));
        assert_eq!(slab.heap_bytes(), bytes);
        assert_eq!(slab.clone().get(600), Some(&1002));
        slab.remove(600);
        let mut left = 0;
        while {
            left += usize::from(slab.last_mut().is_some());
            slab.drop_last()
        } {}
        assert_eq!(left, 600);
    }
}

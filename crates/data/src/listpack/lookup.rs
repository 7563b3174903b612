//! Looking many items up in one listpack: a table of its places, made for one command. Not kept,
//! and not for a single search, which is a walk.

use alloc::vec::Vec;

use super::codec::{Item, decode, step};
use super::{HEADER_BYTES, Listpack, Pos};
use crate::siphash::tail_word;
use crate::table::HashSeed;

/// Where the items of a listpack are.
///
/// The hash is keyed, but it is no SipHash: it takes one multiplication for eight bytes. Whoever
/// made items collide would make a search as slow as the walk that it stands for, and a listpack is
/// bounded.
#[derive(Debug)]
pub struct Lookup<'a> {
    pack: Listpack<'a>,
    /// A power of two of them, at least half of them free.
    slots: Vec<Slot>,
    seed: HashSeed,
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    hash: u32,
    /// The offset of the item, never 0; 0 is a free slot.
    at: u32,
}

impl<'a> Lookup<'a> {
    /// The places of every `stride`-th item (1 or 0: all), the first one included.
    #[must_use]
    pub fn new(pack: Listpack<'a>, stride: usize, seed: HashSeed) -> Self {
        let items = pack.len().div_ceil(stride.max(1));
        let slots = items.saturating_mul(2).next_power_of_two();
        let mut lookup = Self {
            pack,
            slots: alloc::vec![Slot::default(); slots],
            seed,
        };
        let mut at = HEADER_BYTES;
        // Counted, so that the table does not get full, whatever the bytes are.
        for _ in 0..items {
            let Some(len) = lookup.note(at) else { break };
            at = at.saturating_add(len);
            for _ in 1..stride {
                let rest = pack.bytes().get(at..).unwrap_or_default();
                at = at.saturating_add(step(rest).unwrap_or(0));
            }
        }
        lookup
    }

    /// The place of an item that is equal to this one.
    #[inline]
    #[must_use]
    pub fn find(&self, item: Item<'_>) -> Option<Pos> {
        let item = item.compact();
        let hash = hash_of(self.seed, item);
        let mut number = hash as usize;
        loop {
            let slot = self.slots.get(number & self.mask())?;
            if slot.at == 0 {
                return None;
            }
            let place = Pos(slot.at as usize);
            if slot.hash == hash && self.pack.get(place).compact() == item {
                return Some(place);
            }
            number = number.wrapping_add(1);
        }
    }

    /// Notes the item at an offset; its bytes.
    #[inline]
    fn note(&mut self, at: usize) -> Option<usize> {
        let (item, len) = decode(self.pack.bytes().get(at..)?)?;
        let hash = hash_of(self.seed, item.compact());
        let mask = self.mask();
        let mut number = hash as usize;
        while self.slots.get(number & mask)?.at != 0 {
            number = number.wrapping_add(1);
        }
        *self.slots.get_mut(number & mask)? = Slot {
            hash,
            // A listpack has fewer than 2^32 bytes.
            at: u32::try_from(at).ok()?,
        };
        Some(len)
    }

    #[inline]
    fn mask(&self) -> usize {
        self.slots.len().saturating_sub(1)
    }
}

/// The hash of a compact item.
#[inline]
fn hash_of(seed: HashSeed, item: Item<'_>) -> u32 {
    // Not zero, whatever the key is.
    let factor = seed.k1 ^ 0x9E37_79B9_7F4A_7C15 | 1;
    let folded = match item {
        Item::Int(value) => fold(value as u64 ^ seed.k0, factor),
        Item::Bytes(bytes) => {
            let (words, tail) = bytes.as_chunks::<8>();
            let state = words.iter().fold(seed.k0, |state, word| {
                fold(state ^ u64::from_le_bytes(*word), factor)
            });
            let last = tail_word(tail) | (bytes.len() as u64) << 56;
            fold(state ^ last, factor)
        }
    };
    (folded >> 32) as u32
}

/// Both halves of the product in one.
#[inline]
fn fold(word: u64, factor: u64) -> u64 {
    let product = u128::from(word) * u128::from(factor);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::listpack::{EMPTY, append};
    use alloc::{format, vec::Vec};
    use proptest::prelude::*;

    fn item() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            (-200_i64..200).prop_map(|value| format!("{value}").into_bytes()),
            prop::collection::vec(b'a'..b'd', 0..4),
            prop::collection::vec(any::<u8>(), 0..80),
        ]
    }

    fn seed(k0: u64, k1: u64) -> HashSeed {
        HashSeed { k0, k1 }
    }

    proptest! {
        #[test]
        fn finds_what_a_walk_finds(
            items in prop::collection::vec(item(), 0..60),
            others in prop::collection::vec(item(), 0..20),
            stride in 0_usize..3,
            k0: u64,
            k1: u64,
        ) {
            let mut bytes = EMPTY.to_vec();
            for item in &items {
                append(&mut bytes, &[Item::Bytes(item)]);
            }
            let pack = Listpack::new(&bytes);
            let lookup = Lookup::new(pack, stride, seed(k0, k1));
            for item in items.iter().chain(&others) {
                let walked = pack.first().and_then(|first| pack.find(first, item, stride));
                let found = lookup.find(Item::Bytes(item));
                // Of equal items any may be found.
                prop_assert_eq!(found.is_some(), walked.is_some());
                if let Some(at) = found {
                    prop_assert!(pack.get(at).is(item));
                }
            }
        }

        #[test]
        fn any_bytes_are_survived(
            bytes in prop::collection::vec(any::<u8>(), 0..80),
            wanted in item(),
        ) {
            let lookup = Lookup::new(Listpack::new(&bytes), 1, seed(1, 2));
            if let Some(at) = lookup.find(Item::Bytes(&wanted)) {
                prop_assert!(Listpack::new(&bytes).get(at).is(&wanted));
            }
        }
    }

    #[test]
    fn items_that_collide_are_told_apart() {
        let mut bytes = EMPTY.to_vec();
        for value in 0..2000 {
            append(&mut bytes, &[Item::Int(value), Item::Int(-1)]);
        }
        let pack = Listpack::new(&bytes);
        let lookup = Lookup::new(pack, 2, seed(0, 0));
        for value in 0..2000 {
            let found = lookup.find(Item::Int(value));
            assert_eq!(found.map(|at| pack.get(at)), Some(Item::Int(value)));
        }
        assert_eq!(lookup.find(Item::Int(-1)), None);
    }
}

//! The scan over buckets that come and go; the rest is tested with the whole structure.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::{Index, LOAD_MAX, POSITION_BITS};
use crate::table::HashSeed;
use crate::zset::arena::Arena;

fn member(number: u32) -> Vec<u8> {
    number.to_string().into_bytes()
}

use std::string::ToString;

#[test]
fn widths_partition_the_positions() {
    let arena = Arena::new();
    let mut index = Index::new(HashSeed::default());
    for count in 1..70 {
        index.add_bucket(&arena);
        assert_eq!(index.buckets.len(), count);
        index.len = 1;
        let (mut position, mut seen) = (0_u64, Vec::new());
        while position >> POSITION_BITS == 0 {
            let at = index.address((position << (64 - POSITION_BITS)).reverse_bits());
            let spare = POSITION_BITS - index.width(at);
            assert_eq!(position % (1 << spare), 0, "{count} buckets");
            let last = position + (1 << spare) - 1;
            let last = (last << (64 - POSITION_BITS)).reverse_bits();
            assert_eq!(index.address(last), at, "{count} buckets");
            seen.push(at);
            position += 1 << spare;
        }
        assert_eq!(seen.len(), count);
        seen.sort_unstable();
        assert!(seen.iter().copied().eq(0..count));
    }
}

#[test]
fn a_scan_misses_nothing_while_buckets_come_and_go() {
    for (kept, waves) in [(3_u32, 4), (200, 5), (900, 3)] {
        let mut arena = Arena::new();
        let mut index = Index::new(HashSeed { k0: 1, k1: 2 });
        let mut handles = BTreeMap::new();
        let add = |index: &mut Index, arena: &mut Arena, number: u32| {
            let name = member(number);
            let hash = index.hash(&name);
            let handle = arena.add(0.0, &name);
            index.insert(arena, hash, handle);
            handle
        };
        for number in 0..kept {
            handles.insert(number, add(&mut index, &mut arena, number));
        }
        let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
        let (mut cursor, mut call) = (0, 0_u32);
        let mut extra: Vec<(Vec<u8>, u32)> = Vec::new();
        loop {
            cursor = index.scan(cursor, 10, &mut |handle| {
                *seen.entry(handle).or_default() += 1;
            });
            if cursor == 0 {
                break;
            }
            call += 1;
            if call % (2 * waves) < waves {
                for number in 0..3 * LOAD_MAX as u32 {
                    let number = 1_000_000 + call * 1000 + number;
                    let handle = add(&mut index, &mut arena, number);
                    extra.push((member(number), handle));
                }
            } else {
                for (name, handle) in extra.drain(..) {
                    let hash = index.hash(&name);
                    index.remove(hash, handle);
                    arena.remove(handle);
                }
            }
            assert!(call < 100_000, "the scan does not end");
        }
        for (number, handle) in handles {
            assert!(seen.contains_key(&handle), "{number} is missed");
        }
    }
}

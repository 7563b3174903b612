//! Records against a map of what they are, under churn of sizes.

use std::collections::BTreeMap;
use std::vec::Vec;

use super::{Arena, CHUNK_BYTES, SMALL_BYTES_MAX};

/// Bytes that the live records need at least.
fn needed(model: &BTreeMap<u32, (f64, Vec<u8>)>) -> usize {
    model.values().map(|(_, member)| member.len() + 9).sum()
}

fn check(arena: &Arena, model: &BTreeMap<u32, (f64, Vec<u8>)>) {
    let mut handles = Vec::new();
    arena.for_each(&mut |handle| handles.push(handle));
    handles.sort_unstable();
    assert!(handles.iter().eq(model.keys()));
    for (&handle, (score, member)) in model {
        assert_eq!(arena.element(handle), (*score, member.as_slice()));
    }
    let live: usize = arena.chunks.iter().map(|chunk| chunk.live).sum();
    let used: usize = arena.chunks.iter().map(super::Chunk::len).sum();
    let bytes: usize = arena.chunks.iter().map(super::Chunk::memory_bytes).sum();
    assert_eq!(
        (live, used, bytes),
        (arena.live, arena.used, arena.chunk_bytes)
    );
}

fn move_some(arena: &mut Arena, model: &mut BTreeMap<u32, (f64, Vec<u8>)>) {
    for _ in 0..4 {
        let Some(from) = arena.next_to_move() else {
            return;
        };
        let (score, member) = model.remove(&from).unwrap_or_default();
        let to = arena.add(score, &member);
        arena.remove(from);
        assert!(model.insert(to, (score, member)).is_none());
    }
}

#[test]
fn churn_of_sizes_neither_mixes_records_up_nor_leaks() {
    let mut arena = Arena::new();
    let mut model = BTreeMap::new();
    let mut random = 1_u64;
    for round in 0..60_000_usize {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let draw = (random >> 33) as usize;
        // Sizes drift, so that the free lists alone would not do.
        let len = match draw % 500 {
            0 => 3000 + draw % 3000,
            1 => 120 + draw % 20,
            _ => round / 600 + draw % 5,
        };
        let member: Vec<u8> = (0..len).map(|at| (at + round) as u8).collect();
        let handle = arena.add(round as f64, &member);
        assert!(model.insert(handle, (round as f64, member)).is_none());
        if model.len() > 3000 {
            let from = (random >> 20) as u32;
            let next = model.range(from..).next().or_else(|| model.iter().next());
            if let Some((&handle, _)) = next {
                model.remove(&handle);
                arena.remove(handle);
                move_some(&mut arena, &mut model);
            }
        }
        if round % 5000 == 0 {
            check(&arena, &model);
            check(&arena.twin(), &model);
            let bound = needed(&model) * 3 / 2 + 4 * CHUNK_BYTES;
            assert!(
                arena.memory_bytes() < bound,
                "{} in {round}",
                arena.memory_bytes()
            );
        }
    }
    while let Some((&handle, _)) = model.iter().next() {
        model.remove(&handle);
        arena.remove(handle);
        move_some(&mut arena, &mut model);
    }
    check(&arena, &model);
    assert_eq!(arena.chunk_bytes, 0);
}

#[test]
fn records_of_every_length_read_back() {
    let mut arena = Arena::new();
    let mut model = BTreeMap::new();
    for len in (0..300)
        .chain(SMALL_BYTES_MAX - 20..SMALL_BYTES_MAX + 20)
        .chain([70_000, 3_000_000])
    {
        let member: Vec<u8> = (0..len).map(|at| (at * 7 + len) as u8).collect();
        let handle = arena.add(len as f64, &member);
        arena.set_score(handle, -0.5);
        model.insert(handle, (-0.5, member));
    }
    check(&arena, &model);
    let handles: Vec<u32> = model.keys().copied().collect();
    for handle in handles {
        arena.remove(handle);
    }
    model.clear();
    check(&arena, &model);
    assert_eq!(arena.chunk_bytes, 0);
    assert!(arena.large.bytes() < 4096);
}

//! The properties of intsets as functions over bytes, shared by tests and fuzz targets. Not an
//! API: a violation is a failed assertion.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::{EMPTY, Intset, bytes_with, insert, remove, validate};

/// Any bytes can be read and changed; what [`validate`] accepts is found member by member.
pub fn check_intset_bytes(bytes: &[u8]) {
    let set = Intset::new(bytes);
    let members: Vec<i64> = set.iter().collect();
    let _ = (set.min(), set.max(), set.find(1), set.get(usize::MAX));
    for value in [0, -1, i64::from(i16::MAX) + 1, i64::MIN] {
        let mut copy = bytes.to_vec();
        // Without a header there is no place for members.
        if copy.len() >= EMPTY.len() {
            insert(&mut copy, value);
            remove(&mut copy, value);
        }
    }
    if validate(bytes) != Ok(members.len()) {
        assert!(validate(bytes).is_err());
        return;
    }
    for (index, &member) in members.iter().enumerate() {
        assert_eq!(set.find(member), Ok(index));
        assert_eq!(set.get(index), Some(member));
    }
    assert_eq!(
        (set.min(), set.max()),
        (members.first().copied(), members.last().copied())
    );
}

/// Changes by the bytes of `script` do the same to an intset as to a tree.
pub fn check_intset_edits(script: &[u8]) {
    let mut model = BTreeSet::new();
    let mut set = EMPTY.to_vec();
    for op in script.chunks_exact(3) {
        let [kind, shift, low] = *op else { continue };
        let near = i64::from(low) - 128;
        let value = match shift % 16 {
            0..8 => near,
            8..10 => near * 256,
            10 | 11 => near * 1_000_000,
            12 => i64::MAX - i64::from(low),
            13 => i64::MIN + i64::from(low),
            _ => near + i64::from(i16::MAX),
        };
        let bound = bytes_with(&set, value);
        if kind % 3 == 0 {
            assert_eq!(remove(&mut set, value), model.remove(&value));
        } else {
            assert_eq!(insert(&mut set, value), model.insert(value));
            assert!(set.len() <= bound);
        }
        assert_eq!(validate(&set), Ok(model.len()));
        let view = Intset::new(&set);
        assert!(view.iter().eq(model.iter().copied()));
        let before = model.range(..value).count();
        let expected = if model.contains(&value) {
            Ok(before)
        } else {
            Err(before)
        };
        assert_eq!(view.find(value), expected);
    }
}

//! The properties of listpacks as functions over bytes, shared by tests and fuzz targets. Not an
//! API: a violation is a failed assertion.

use alloc::vec::Vec;

use super::{
    EMPTY, Item, Listpack, Pos, append, encoded_len, insert, insert_encoded, prepend, remove,
    replace, validate,
};
use crate::num::INT_TEXT_MAX;

/// Any bytes can be read and searched; those that [`validate`] accepts are the same sequence from
/// both ends, and are found item by item.
pub fn check_listpack_bytes(bytes: &[u8]) {
    let pack = Listpack::new(bytes);
    let forwards: Vec<Item<'_>> = pack.iter().collect();
    let mut backwards: Vec<Item<'_>> = pack.iter().rev().collect();
    let _ = (
        pack.len(),
        pack.first(),
        pack.last(),
        pack.seek(3),
        pack.seek(-3),
    );
    for at in 0..bytes.len().saturating_add(2) {
        let pos = Pos(at);
        let _ = (pack.get(pos), pack.next(pos), pack.find(pos, b"7", 2));
        assert!(pack.prev(pos).is_none_or(|before| before < pos));
    }
    // Changes need a frame to begin with.
    for edit in 0..if bytes.len() < EMPTY.len() { 0 } else { 4 } {
        let mut copy = bytes.to_vec();
        let pos = Pos(bytes.len().min(9));
        match edit {
            0 => append(&mut copy, &[Item::Int(1)]),
            1 => prepend(&mut copy, &[Item::Int(1)]),
            2 => remove(&mut copy, pos, 2),
            3 => replace(&mut copy, pos, Item::Bytes(b"text")),
            _ => {}
        }
    }
    let Ok(count) = validate(bytes) else { return };
    backwards.reverse();
    assert_eq!(forwards, backwards);
    assert_eq!((count, count), (forwards.len(), pack.len()));
    let mut pos = pack.first();
    for (index, item) in forwards.iter().enumerate() {
        let at = pos.unwrap_or_else(|| pack.end());
        assert_eq!(pack.get(at), *item);
        assert_eq!(pack.seek(index as i64), pos);
        assert_eq!(pack.seek(index as i64 - count as i64), pos);
        let mut text = [0; INT_TEXT_MAX];
        let found = pack.find(at, item.bytes(&mut text), 1);
        assert_eq!(found, pos, "{item:?} at {at:?}");
        pos = pack.next(at);
    }
    assert_eq!(pos, None);
}

/// Changes by the bytes of `script` do the same to a listpack as to a vector of strings, and the
/// bytes depend on the content alone.
pub fn check_listpack_edits(script: &[u8]) {
    let mut model: Vec<Vec<u8>> = Vec::new();
    let mut pack = EMPTY.to_vec();
    let mut script = script.iter().copied();
    while let Some(op) = script.next() {
        let count = usize::from(script.next().unwrap_or(1) % 4);
        let items: Vec<Vec<u8>> = (0..count).map(|_| text(&mut script)).collect();
        let refs: Vec<Item<'_>> = items.iter().map(|item| Item::from(&item[..])).collect();
        let index = usize::from(script.next().unwrap_or(0)) % (model.len() + 1);
        let view = Listpack::new(&pack);
        let pos = view.seek(index as i64).unwrap_or_else(|| view.end());
        match op % 6 {
            0 => {
                append(&mut pack, &refs);
                model.extend(items);
            }
            1 => {
                prepend(&mut pack, &refs);
                model.splice(0..0, items);
            }
            2 => {
                insert(&mut pack, pos, &refs);
                model.splice(index..index, items);
            }
            3 => {
                remove(&mut pack, pos, count);
                model.drain(index..(index + count).min(model.len()));
            }
            4 => {
                if let (Some(item), Some(place)) = (items.first(), model.get_mut(index)) {
                    replace(&mut pack, pos, Item::from(&item[..]));
                    place.clone_from(item);
                }
            }
            _ => {
                // The items from `index` on go to the front.
                let moved = view.encoded(pos, view.end()).to_vec();
                let start = view.skip(Pos(6), 0).unwrap_or_else(|| view.end());
                let tail = model.split_off(index);
                remove(&mut pack, pos, tail.len());
                insert_encoded(&mut pack, start, &moved, tail.len());
                model.splice(0..0, tail);
            }
        }
        check_content(&pack, &model);
    }
}

fn check_content(pack: &[u8], model: &[Vec<u8>]) {
    let view = Listpack::new(pack);
    assert_eq!(validate(pack), Ok(model.len()));
    let texts: Vec<Vec<u8>> = view.iter().map(owned).collect();
    assert_eq!(texts, model);
    assert!(view.iter().zip(model).all(|(item, text)| item.is(text)));
    assert!(
        view.iter()
            .zip(model)
            .all(|(item, text)| item.byte_len() == text.len())
    );
    let mut fresh = EMPTY.to_vec();
    let mut len = fresh.len();
    for text in model {
        append(&mut fresh, &[Item::from(&text[..])]);
        len += encoded_len(Item::from(&text[..]));
    }
    assert_eq!((pack, pack.len()), (&fresh[..], len));
}

fn owned(item: Item<'_>) -> Vec<u8> {
    item.bytes(&mut [0; INT_TEXT_MAX]).to_vec()
}

/// A text near one of the limits of the format: integers of every width, strings of every length
/// class.
fn text(script: &mut impl Iterator<Item = u8>) -> Vec<u8> {
    use alloc::string::ToString;
    let (kind, low) = (script.next().unwrap_or(0), script.next().unwrap_or(0));
    let shift = u32::from(kind >> 3) * 2;
    let near = i64::from(low) - 128;
    match kind % 8 {
        0 => i64::from(low).to_string().into_bytes(),
        1 => near.to_string().into_bytes(),
        2 => (1_i64 << shift).wrapping_add(near).to_string().into_bytes(),
        3 => (1_i64 << shift)
            .wrapping_neg()
            .wrapping_sub(near)
            .to_string()
            .into_bytes(),
        4 => alloc::vec![b'0'; usize::from(low)],
        5 => alloc::vec![b'x'; usize::from(low)],
        6 => alloc::vec![kind; 4096 - 128 + usize::from(low)],
        _ => alloc::vec![low; 16_383 - 128 + usize::from(low)],
    }
}

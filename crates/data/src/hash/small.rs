//! Small hashes: a listpack of field, value, field, value. Not their limits.

use crate::listpack::{self, Item, Listpack, Pos};
use crate::pack::PackBuf;
use crate::value::StrRef;

/// Fields and values take turns.
const STRIDE: usize = 2;

/// The place of a field.
#[inline]
pub(super) fn find(pack: Listpack<'_>, name: &[u8]) -> Option<Pos> {
    pack.find(pack.first()?, name, STRIDE)
}

/// The value of a field.
#[inline]
pub(super) fn value<'a>(pack: Listpack<'a>, name: &[u8]) -> Option<StrRef<'a>> {
    let at = pack.next(find(pack, name)?)?;
    Some(str_of(pack.get(at)))
}

/// The pairs in order.
#[inline]
pub(super) fn pairs<'a>(pack: Listpack<'a>) -> impl Iterator<Item = (StrRef<'a>, StrRef<'a>)> {
    let mut items = pack.iter();
    core::iter::from_fn(move || {
        let (name, value) = (items.next()?, items.next()?);
        Some((str_of(name), str_of(value)))
    })
}

/// Adds a field or replaces its value; tells whether it is new.
pub(super) fn set(buf: &mut impl PackBuf, name: &[u8], value: &[u8]) -> bool {
    let pack = Listpack::new(buf.bytes());
    match find(pack, name).and_then(|at| pack.next(at)) {
        Some(at) => {
            listpack::replace(buf, at, Item::Bytes(value));
            false
        }
        None => {
            listpack::append(buf, &[Item::Bytes(name), Item::Bytes(value)]);
            true
        }
    }
}

/// Removes a field; tells whether it was there.
pub(super) fn remove(buf: &mut impl PackBuf, name: &[u8]) -> bool {
    match find(Listpack::new(buf.bytes()), name) {
        Some(at) => {
            listpack::remove(buf, at, STRIDE);
            true
        }
        None => false,
    }
}

/// Fields.
#[inline]
pub(super) fn len(bytes: &[u8]) -> usize {
    Listpack::new(bytes).len() / STRIDE
}

#[inline]
fn str_of(item: Item<'_>) -> StrRef<'_> {
    match item {
        Item::Int(number) => StrRef::Int(number),
        Item::Bytes(bytes) => StrRef::Bytes(bytes),
    }
}

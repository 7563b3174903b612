//! Looking into a hash, small or large. Not changing it.

use alloc::vec::Vec;

use super::{Hash, field::Field, small};
use crate::entry::DbEntry;
use crate::listpack::Listpack;
use crate::pack::{Body, PackKind};
use crate::value::{Object, StrRef, View};

/// Draws before a random field is given up, where most of them have expired.
const RANDOM_DRAWS_MAX: u32 = 100;

/// A hash to be read. Names are never [`StrRef::Blob`].
#[derive(Clone, Copy, Debug)]
pub enum HashRef<'a> {
    /// A listpack of field, value, field, value.
    Small(Listpack<'a>),
    /// A table.
    Large(&'a Hash),
}

impl<'a> View<'a> for HashRef<'a> {
    #[inline]
    fn of(entry: &'a DbEntry) -> Option<Self> {
        Self::of_body(&entry.body()?)
    }
}

impl<'a> HashRef<'a> {
    pub(super) fn of_body(body: &Body<'a>) -> Option<Self> {
        match *body {
            Body::Pack(PackKind::Hash, bytes) => Some(Self::Small(Listpack::new(bytes))),
            Body::Object(Object::Hash(hash)) => Some(Self::Large(hash)),
            _ => None,
        }
    }

    /// Fields, expired ones that are still there included.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Self::Small(pack) => small::len(pack.bytes()),
            Self::Large(hash) => hash.len(),
        }
    }

    /// There is no field.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Some field expires.
    #[must_use]
    pub fn has_expiry(self) -> bool {
        match self {
            Self::Small(_) => false,
            Self::Large(hash) => hash.volatile_len() > 0,
        }
    }

    /// Fields that have not expired. Linear if some field expires.
    #[must_use]
    pub fn live_len(self, now_ms: i64) -> usize {
        match self {
            Self::Large(hash) if hash.volatile_len() > 0 => hash
                .table
                .iter()
                .filter(|field| field.lives(now_ms))
                .count(),
            _ => self.len(),
        }
    }

    /// The value of a field.
    #[inline]
    #[must_use]
    pub fn get(self, name: &[u8], now_ms: i64) -> Option<StrRef<'a>> {
        match self {
            Self::Small(pack) => small::value(pack, name),
            Self::Large(hash) => hash.find(name, now_ms).map(Field::value),
        }
    }

    /// The field is there.
    #[must_use]
    pub fn contains(self, name: &[u8], now_ms: i64) -> bool {
        match self {
            Self::Small(pack) => small::find(pack, name).is_some(),
            Self::Large(hash) => hash.find(name, now_ms).is_some(),
        }
    }

    /// When a field expires, if it does: unix time in milliseconds; `None` without the field.
    #[must_use]
    pub fn expiry(self, name: &[u8], now_ms: i64) -> Option<Option<i64>> {
        match self {
            Self::Small(pack) => small::find(pack, name).map(|_| None),
            Self::Large(hash) => hash.find(name, now_ms).map(Field::expires_ms),
        }
    }

    /// Calls `visit` for every field with its value.
    #[inline]
    pub fn for_each(self, now_ms: i64, visit: &mut impl FnMut(StrRef<'a>, StrRef<'a>)) {
        match self {
            Self::Small(pack) => small::pairs(pack).for_each(|(name, value)| visit(name, value)),
            Self::Large(hash) => {
                let live = hash.table.iter().filter(|field| field.lives(now_ms));
                live.for_each(|field| visit(StrRef::Bytes(field.name()), field.value()));
            }
        }
    }

    /// Calls `visit` for everything that is stored, expired or not, with its expiry: for copies,
    /// files and fingerprints.
    pub fn for_each_stored(self, visit: &mut impl FnMut(StrRef<'a>, StrRef<'a>, Option<i64>)) {
        match self {
            Self::Small(pack) => {
                small::pairs(pack).for_each(|(name, value)| visit(name, value, None));
            }
            Self::Large(hash) => hash.table.iter().for_each(|field| {
                visit(
                    StrRef::Bytes(field.name()),
                    field.value(),
                    field.expires_ms(),
                );
            }),
        }
    }

    /// A slice of HSCAN, see [`crate::table::Table::scan`]; a small hash is visited whole.
    pub fn scan(
        self,
        cursor: u64,
        items_min: usize,
        now_ms: i64,
        visit: &mut impl FnMut(StrRef<'_>, StrRef<'_>),
    ) -> u64 {
        match self {
            Self::Small(_) => {
                self.for_each(now_ms, visit);
                0
            }
            Self::Large(hash) => hash.table.scan(cursor, items_min, &mut |field| {
                if field.lives(now_ms) {
                    visit(StrRef::Bytes(field.name()), field.value());
                }
            }),
        }
    }

    /// A field with its value, each with about the same probability; `draw` gives random numbers.
    /// `None` if there is none, or if all but a few have expired.
    pub fn random(
        self,
        now_ms: i64,
        draw: &mut impl FnMut() -> u64,
    ) -> Option<(StrRef<'a>, StrRef<'a>)> {
        match self {
            Self::Small(pack) => {
                let at = below(draw(), self.len());
                small::pairs(pack).nth(at)
            }
            Self::Large(hash) => (0..RANDOM_DRAWS_MAX)
                .map_while(|_| hash.table.random(draw()))
                .find(|field| field.lives(now_ms))
                .map(|field| (StrRef::Bytes(field.name()), field.value())),
        }
    }

    /// Calls `visit` for `count` random fields, the same ones perhaps again; for fewer if there is
    /// none, or if all but a few have expired.
    pub fn random_any(
        self,
        count: u64,
        now_ms: i64,
        draw: &mut impl FnMut() -> u64,
        visit: &mut impl FnMut(StrRef<'a>, StrRef<'a>),
    ) {
        if let Self::Small(pack) = self {
            let all: Vec<_> = small::pairs(pack).collect();
            for _ in 0..count {
                let Some(&(name, value)) = all.get(below(draw(), all.len())) else {
                    return;
                };
                visit(name, value);
            }
            return;
        }
        for _ in 0..count {
            let Some((name, value)) = self.random(now_ms, draw) else {
                return;
            };
            visit(name, value);
        }
    }

    /// Calls `visit` for `count` different fields, every choice about as likely as any other; for
    /// all if there are not more. Linear: `random` is better for a few of many.
    pub fn sample(
        self,
        count: usize,
        now_ms: i64,
        draw: &mut impl FnMut() -> u64,
        visit: &mut impl FnMut(StrRef<'a>, StrRef<'a>),
    ) {
        // Knuth, The Art of Computer Programming 3.4.2, algorithm S.
        let (mut left, mut wanted) = (self.live_len(now_ms), count);
        self.for_each(now_ms, &mut |name, value| {
            if wanted >= left || below(draw(), left) < wanted {
                wanted = wanted.saturating_sub(1);
                visit(name, value);
            }
            left = left.saturating_sub(1);
        });
    }
}

/// A number below `bound` made of 64 random bits; 0 for 0.
fn below(random: u64, bound: usize) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}

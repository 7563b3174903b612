//! What the table asks of its entries, and the hash that places them.

use crate::siphash::siphash13;

/// Names a cut, and the images of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct CutId {
    /// The pass over all databases that the cut belongs to.
    pub pass: u64,
    /// The database that the cut is of.
    pub database: u32,
    /// Which of its images.
    pub image: u64,
}

/// The keyed hash of a key. Its top 48 bits are the key's position, its low byte the tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyHash(pub u64);

impl KeyHash {
    /// Non-zero: zero marks an empty slot.
    #[inline(always)]
    pub(super) fn tag(self) -> u8 {
        (self.0 as u8).max(1)
    }
}

/// The secret key of the hash: 128 random bits. Whoever knows it can make keys collide.
#[derive(Clone, Copy, Default)]
pub struct HashSeed {
    /// The first half.
    pub k0: u64,
    /// The second half.
    pub k1: u64,
}

impl core::fmt::Debug for HashSeed {
    /// Prints nothing of the secret.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HashSeed(..)")
    }
}

impl HashSeed {
    /// SipHash-1-3 of the key.
    #[inline]
    #[must_use]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(siphash13(self.k0, self.k1, key))
    }
}

/// An entry of a [`Table`](super::Table). `Option<Self>` should be 8 bytes, so that a bucket is one
/// cache line.
pub trait Slot {
    /// What a cut keeps of an entry that is about to change.
    type Image;

    /// The hash of the entry's key; the same for the whole life of the entry.
    fn hash(&self, seed: &HashSeed) -> KeyHash;

    /// Unix time in milliseconds at which the entry expires.
    fn expire_ms(&self) -> Option<i64>;

    /// Unix time in milliseconds at which the entry has something to be looked after: its expiry,
    /// or that of a part of it.
    fn due_ms(&self) -> Option<i64> {
        self.expire_ms()
    }

    /// A part of the entry expires, whether or not the entry does.
    fn has_expiring_parts(&self) -> bool {
        false
    }

    /// Bytes that the entry accounts for.
    fn memory_bytes(&self) -> usize;

    /// Hints that the entry is about to be read.
    fn prefetch(&self);

    /// The entry as it is now. `id` names the image, should the entry have to be found again.
    fn image(&mut self, id: CutId) -> Self::Image;

    /// Bytes that an image accounts for.
    fn image_bytes(image: &Self::Image) -> usize;

    /// The entry is too large to be read in one go: a cut hands out its image, always, and the rest
    /// is read with the image's help.
    fn is_read_in_pieces(&self) -> bool {
        false
    }
}

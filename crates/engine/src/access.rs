//! Permission to touch a key, as a value.
//!
//! A [`KeyRef`] is made by the authorisation stage alone, one per key that the command's key specs
//! find, and a handler reaches the keyspace through it only: a key that was not checked cannot be
//! touched.

use smallvec::SmallVec;
use vk_data::table::KeyHash;
use vk_spec::KeyFlags;

/// A key that the session may touch, with the access it may have.
#[derive(Debug, Clone, Copy)]
pub struct KeyRef<'a> {
    pub(crate) db: u32,
    pub(crate) bytes: &'a [u8],
    pub(crate) hash: KeyHash,
    pub(crate) flags: KeyFlags,
}

impl<'a> KeyRef<'a> {
    /// Made by the authorisation stage and by the machine's own work.
    pub(crate) const fn new(db: u32, bytes: &'a [u8], hash: KeyHash, flags: KeyFlags) -> Self {
        Self {
            db,
            bytes,
            hash,
            flags,
        }
    }

    /// The name of the key.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The database it is looked for in.
    #[must_use]
    pub const fn db(&self) -> u32 {
        self.db
    }

    /// What the session may do with it.
    #[must_use]
    pub const fn flags(&self) -> KeyFlags {
        self.flags
    }

    /// Whether the command may see the value. (That a key is there may be seen by all.)
    pub(crate) const fn may_read(&self) -> bool {
        let reads = KeyFlags::RO.union(KeyFlags::RW).union(KeyFlags::ACCESS);
        self.flags.intersects(reads)
    }

    /// The same key for a change that its key spec does not name: XREADGROUP reads by its spec, as
    /// upstream's does, and its group keeps what was delivered.
    pub(crate) const fn for_delivery(mut self) -> Self {
        self.flags = self.flags.union(KeyFlags::RW);
        self
    }

    /// The same key of another database (COPY, MOVE).
    #[must_use]
    pub(crate) const fn in_db(mut self, db: u32) -> Self {
        self.db = db;
        self
    }
}

/// The keys of one request in the order of its key specs.
pub(crate) type KeyRefs<'a> = SmallVec<[KeyRef<'a>; 2]>;

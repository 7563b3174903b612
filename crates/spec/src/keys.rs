//! Where the keys of a command stand among its arguments, and what is done to them.
//!
//! Not the search itself: the engine's authorisation stage applies these specs to a request.
//! Source: <https://valkey.io/topics/key-specs/>.

use bitflags::bitflags;

bitflags! {
    /// What a command does to the keys that a key spec finds.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct KeyFlags: u16 {
        /// Reads the value and changes nothing.
        const RO = 1;
        /// May read and change the value.
        const RW = 1 << 1;
        /// Replaces the value whatever it was.
        const OW = 1 << 2;
        /// Deletes the key.
        const RM = 1 << 3;
        /// Returns, copies or otherwise tells the user data of the value.
        const ACCESS = 1 << 4;
        /// Changes the user data, with a result that may depend on what it was.
        const UPDATE = 1 << 5;
        /// Adds user data without changing or removing what is there.
        const INSERT = 1 << 6;
        /// Removes user data explicitly.
        const DELETE = 1 << 7;
        /// Looks like a key but is none (a shard channel, say).
        const NOT_KEY = 1 << 8;
        /// The spec does not find every key.
        const INCOMPLETE = 1 << 9;
        /// The flags depend on the arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

impl KeyFlags {
    /// Whether the keys may be changed, so that write permission is needed.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.intersects(Self::RW.union(Self::OW).union(Self::RM))
    }
}

/// Where the search for keys begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// At this argument, counted from the command name = 0.
    Index(i32),
    /// Behind this keyword, searched from an argument (negative: backwards from the end).
    Keyword(&'static str, i32),
    /// Not known from the arguments alone.
    Unknown,
}

/// How many keys follow, from where the search began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Find {
    /// Up to `last` behind the beginning (negative: counted from the end of the arguments), every
    /// `step`th. With `last` = -1, `limit` >= 2 divides the rest of the arguments.
    Range {
        /// Offset of the last key.
        last: i32,
        /// Distance between two keys.
        step: i32,
        /// Divisor of the remaining arguments, or 0.
        limit: i32,
    },
    /// An argument says how many keys there are.
    KeyNum {
        /// Offset of that argument.
        index: i32,
        /// Offset of the first key.
        first: i32,
        /// Distance between two keys.
        step: i32,
    },
    /// Not known from the arguments alone.
    Unknown,
}

/// One rule that finds keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeySpec {
    /// Where the search begins.
    pub begin: Begin,
    /// How many keys follow.
    pub find: Find,
    /// What is done to them.
    pub flags: KeyFlags,
    /// A remark for people, or empty.
    pub notes: &'static str,
}

impl KeySpec {
    /// Exactly one key at argument `index`.
    #[must_use]
    pub const fn one(index: i32, flags: KeyFlags) -> Self {
        Self::range(index, 0, 1, flags)
    }

    /// Keys from argument `index` up to `last` behind it, every `step`th.
    #[must_use]
    pub const fn range(index: i32, last: i32, step: i32, flags: KeyFlags) -> Self {
        let (begin, find) = (
            Begin::Index(index),
            Find::Range {
                last,
                step,
                limit: 0,
            },
        );
        Self {
            begin,
            find,
            flags,
            notes: "",
        }
    }

    /// As many keys as argument `index` says, right behind it, every `step`th.
    #[must_use]
    pub const fn counted(index: i32, step: i32, flags: KeyFlags) -> Self {
        let (begin, find) = (
            Begin::Index(index),
            Find::KeyNum {
                index: 0,
                first: 1,
                step,
            },
        );
        Self {
            begin,
            find,
            flags,
            notes: "",
        }
    }

    /// The same rule with a remark.
    #[must_use]
    pub const fn note(mut self, notes: &'static str) -> Self {
        self.notes = notes;
        self
    }
}

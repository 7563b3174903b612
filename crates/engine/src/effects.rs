//! Effects: the canonical, already decided changes that are persisted and replicated.
//!
//! An effect is a command in its RESP form with every choice made: absolute expiry times, the
//! members that were picked. One request, one EXEC or one script gives one group. Nothing is built
//! while nobody listens.

use alloc::vec::Vec;

use vk_resp::Request;

/// One group of effects, to be applied as a whole.
#[derive(Debug, Clone, Copy)]
pub struct EffectGroup<'a> {
    /// The database that the first effect applies to.
    pub db: u32,
    /// The effects in order.
    pub effects: &'a [Request<'a>],
}

/// Why a group could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EffectError {
    /// The sender sent something that is no command.
    UnknownCommand,
    /// The sender's command was refused; the text says why.
    Refused(alloc::string::String),
}

/// Where one group lies in an [`EffectBuf`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupMark {
    /// The database that the first effect applies to.
    pub db: u32,
    /// How many effects there are.
    pub count: u32,
    /// End of the group's bytes; it begins where the one before ends.
    pub end: usize,
}

/// Groups of effects, encoded one behind the other.
#[derive(Debug, Default)]
pub struct EffectBuf {
    /// RESP arrays of bulk strings.
    pub bytes: Vec<u8>,
    /// The groups.
    pub groups: Vec<GroupMark>,
}

/// Collects the effects of the request that is running.
#[derive(Debug, Default)]
pub(crate) struct EffectLog {
    wanted: bool,
    done: EffectBuf,
    db: u32,
    last_db: u32,
    count: u32,
    /// Depth of nested groups: an EXEC holds its commands.
    depth: u32,
    /// Bytes that were taken.
    taken: u64,
}

impl EffectLog {
    /// Whether anybody listens.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(crate) fn set_wanted(&mut self, wanted: bool) {
        self.wanted = wanted;
    }

    /// Opens a group, or goes on with the one that is open.
    pub(crate) fn begin(&mut self) {
        self.depth += 1;
    }

    /// Closes a group; an empty one leaves no trace.
    pub(crate) fn end(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        if self.depth == 0 && self.count > 0 {
            let mark = GroupMark {
                db: self.db,
                count: self.count,
                end: self.done.bytes.len(),
            };
            self.done.groups.push(mark);
            self.count = 0;
        }
    }

    /// Adds one effect in database `db`.
    pub(crate) fn add<'a>(&mut self, db: u32, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        if self.wanted {
            self.go_to(db);
            self.encode(words);
        }
    }

    /// As [`EffectLog::add`], for one that is encoded already.
    pub(crate) fn add_wire(&mut self, db: u32, wire: &[u8]) {
        if self.wanted {
            self.go_to(db);
            self.count += 1;
            self.done.bytes.extend_from_slice(wire);
        }
    }

    /// What follows is about this database.
    fn go_to(&mut self, db: u32) {
        if self.count == 0 {
            self.db = db;
        } else if self.last_db != db {
            let mut digits = itoa::Buffer::new();
            self.encode([b"SELECT".as_slice(), digits.format(db).as_bytes()].into_iter());
        }
        self.last_db = db;
    }

    fn encode<'a>(&mut self, words: impl ExactSizeIterator<Item = &'a [u8]>) {
        self.count += 1;
        put_header(&mut self.done.bytes, b'*', words.len());
        for word in words {
            put_header(&mut self.done.bytes, b'$', word.len());
            self.done.bytes.extend_from_slice(word);
            self.done.bytes.extend_from_slice(b"\r\n");
        }
    }

    /// Where the effects end that were made so far, in bytes from the first one ever.
    pub(crate) fn position(&self) -> u64 {
        self.taken.saturating_add(self.done.bytes.len() as u64)
    }

    /// Groups that are complete and were not taken.
    pub(crate) fn groups_done(&self) -> usize {
        self.done.groups.len()
    }

    /// Whether anything waits to be taken.
    #[inline]
    pub(crate) fn is_any_done(&self) -> bool {
        !self.done.groups.is_empty()
    }

    /// Moves everything that is complete to the end of `out`.
    pub(crate) fn take(&mut self, out: &mut EffectBuf) {
        let base = out.bytes.len();
        self.taken = self.position();
        if base == 0 && out.groups.is_empty() {
            // The usual case; the memory of both is used again.
            core::mem::swap(out, &mut self.done);
            return;
        }
        out.bytes.append(&mut self.done.bytes);
        out.groups
            .extend(self.done.groups.drain(..).map(|g| GroupMark {
                end: g.end + base,
                ..g
            }));
    }
}

pub(crate) fn put_header(out: &mut Vec<u8>, kind: u8, n: usize) {
    match n {
        // Most are short, and one piece is copied faster than three.
        0..10 => out.extend_from_slice(&[kind, b'0' + n as u8, b'\r', b'\n']),
        10..100 => {
            let (tens, ones) = (b'0' + (n / 10) as u8, b'0' + (n % 10) as u8);
            out.extend_from_slice(&[kind, tens, ones, b'\r', b'\n']);
        }
        _ => {
            out.push(kind);
            out.extend_from_slice(itoa::Buffer::new().format(n).as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }
}

//! Finding a command by its name, and the checks of the table at compile time.

use alloc::{boxed::Box, string::String, vec, vec::Vec};

use super::{Command, CommandNames, specs};

/// Number of a command or subcommand: its place in the statistics and in a user's permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CommandId(u16);

impl CommandId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Debug)]
struct Row {
    command: &'static Command,
    /// `name` or `container|name`.
    full_name: String,
    /// Its own name, or that of the command that it is a subcommand of.
    first_word: &'static str,
    /// First row of the subcommands; they follow each other.
    children: u16,
    /// Clients have a name for it.
    is_callable: bool,
}

/// Top-level names: open addressing.
#[derive(Debug)]
struct Index {
    /// An empty name is free.
    slots: Vec<Slot>,
}

/// One place of the index: enough of a name to tell most others from it without following a
/// pointer.
#[derive(Debug, Clone, Default)]
struct Slot {
    word: u64,
    name: Box<[u8]>,
    id: u16,
}

/// All commands and subcommands, with an index by name.
#[derive(Debug)]
pub(crate) struct CommandTable {
    rows: Vec<Row>,
    /// What clients call them.
    called: Index,
    /// What they are declared as, if that is not the same.
    declared: Option<Index>,
}

const FIRST: &Command = &super::connection::COMMANDS[0];

impl CommandTable {
    pub(crate) fn new(names: &CommandNames) -> Self {
        let mut rows: Vec<Row> = specs()
            .map(|command| Row {
                command,
                full_name: command.spec.name.into(),
                first_word: command.spec.name,
                children: 0,
                is_callable: names.of(command.spec.name).is_some(),
            })
            .collect();
        for parent in 0..rows.len() {
            let first = rows.len() as u16;
            let Some(row) = rows.get_mut(parent) else {
                continue;
            };
            row.children = first;
            let (command, name) = (row.command, row.full_name.clone());
            let is_callable = row.is_callable;
            rows.extend(command.subcommands().iter().map(|sub| Row {
                command: sub,
                full_name: alloc::format!("{name}|{}", sub.spec.name),
                first_word: command.spec.name,
                children: 0,
                is_callable,
            }));
        }
        let unchanged = CommandNames::default();
        Self {
            rows,
            called: Index::new(names),
            declared: (!names.is_empty()).then(|| Index::new(&unchanged)),
        }
    }

    /// The command that clients call so, in any case.
    #[inline]
    pub(crate) fn find(&self, name: &[u8]) -> Option<CommandId> {
        self.called.find(name)
    }

    /// The command that is declared under this name, in any case.
    #[inline]
    pub(crate) fn find_declared(&self, name: &[u8]) -> Option<CommandId> {
        self.declared.as_ref().unwrap_or(&self.called).find(name)
    }

    /// The declared first word of a request for the command, if clients may call it by another one.
    #[inline]
    pub(crate) fn declared_word(&self, id: CommandId) -> Option<&'static [u8]> {
        self.declared.as_ref()?;
        let row = self.rows.get(id.index())?;
        Some(row.first_word.as_bytes())
    }

    /// Whether clients have a name for it.
    pub(crate) fn is_callable(&self, id: CommandId) -> bool {
        self.rows.get(id.index()).is_some_and(|row| row.is_callable)
    }

    /// The subcommand of this name, in any case.
    pub(crate) fn find_sub(&self, container: CommandId, name: &[u8]) -> Option<CommandId> {
        let row = self.rows.get(container.index())?;
        let subs = row.command.subcommands();
        let at = subs
            .iter()
            .position(|s| s.spec.name.as_bytes().eq_ignore_ascii_case(name))?;
        Some(CommandId(row.children + at as u16))
    }

    /// Finds what clients call `name` or `container|name`.
    pub(crate) fn find_full(&self, name: &[u8]) -> Option<CommandId> {
        let mut parts = name.splitn(2, |&b| b == b'|');
        let id = self.find(parts.next()?)?;
        match parts.next() {
            None => Some(id),
            Some(sub) => self.find_sub(id, sub),
        }
    }

    /// The command behind an id.
    pub(crate) fn command(&self, id: CommandId) -> &'static Command {
        // Ids come from this table alone, so the fallback is never the answer to a wrong one.
        self.rows.get(id.index()).map_or(FIRST, |row| row.command)
    }

    /// `name` or `container|name`.
    pub(crate) fn full_name(&self, id: CommandId) -> &str {
        self.rows.get(id.index()).map_or("", |row| &row.full_name)
    }

    /// How many commands and subcommands there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All ids, subcommands too.
    pub(crate) fn ids(&self) -> impl Iterator<Item = CommandId> + use<> {
        (0..self.rows.len() as u16).map(CommandId)
    }
}

impl Index {
    fn new(names: &CommandNames) -> Self {
        let mut index = Self {
            slots: vec![Slot::default(); (specs().count() * 4).next_power_of_two()],
        };
        for (id, command) in specs().enumerate() {
            if let Some(name) = names.of(command.spec.name) {
                index.add(name, id as u16);
            }
        }
        index
    }

    fn add(&mut self, name: &[u8], id: u16) {
        let word = name_word(name);
        let mask = self.slots.len() - 1;
        let mut at = place(word, name.len()) & mask;
        while let Some(slot) = self.slots.get_mut(at) {
            if slot.name.is_empty() {
                let name = name.into();
                *slot = Slot { word, name, id };
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[inline]
    fn find(&self, name: &[u8]) -> Option<CommandId> {
        let mask = self.slots.len() - 1;
        let word = name_word(name);
        let mut at = place(word, name.len()) & mask;
        loop {
            let slot = self.slots.get(at)?;
            if slot.name.is_empty() {
                return None;
            }
            let is_it = slot.word == word
                && slot.name.len() == name.len()
                && (name.len() <= size_of::<u64>() || slot.name.eq_ignore_ascii_case(name));
            if is_it {
                return Some(CommandId(slot.id));
            }
            at = (at + 1) & mask;
        }
    }
}

/// The first eight bytes in lower case, or all of fewer: two names of one length of at most eight
/// bytes are equal in any case if their words are.
#[inline]
fn name_word(name: &[u8]) -> u64 {
    let word = match (name.first_chunk(), name.first_chunk(), name.last_chunk()) {
        (Some(first), ..) => u64::from_le_bytes(*first),
        (None, Some(head), Some(tail)) => {
            u64::from(u32::from_le_bytes(*head)) | u64::from(u32::from_le_bytes(*tail)) << 32
        }
        _ => name
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    lower_case(word)
}

/// Eight ASCII bytes at once: the top bit of `from_a ^ above_z` is set for capital letters, and two
/// places below it is what makes them small. Other bytes stay as they are.
#[inline]
const fn lower_case(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = 0x80 * ONES;
    let low = word & !TOPS;
    // At most 0x7F plus 0x3F: no sum reaches the next byte.
    let from_a = low.wrapping_add((0x80 - b'A' as u64) * ONES);
    let above_z = low.wrapping_add((0x7F - b'Z' as u64) * ONES);
    let capitals = (from_a ^ above_z) & !word & TOPS;
    word | capitals >> 2
}

/// Where the search for a name begins.
#[inline]
fn place(word: u64, len: usize) -> usize {
    let mixed = (word ^ (len as u64)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 40) as usize
}

/// Stops the build when names are double, or a declaration contradicts itself.
#[expect(clippy::panic, reason = "runs in the compiler alone")]
#[expect(clippy::indexing_slicing, reason = "runs in the compiler alone")]
pub(super) const fn check(groups: &[&[Command]]) {
    let mut g = 0;
    while g < groups.len() {
        let mut c = 0;
        while c < groups[g].len() {
            let command = &groups[g][c];
            if !command.spec.is_consistent(1) {
                panic!("a command's arguments, keys and arity disagree");
            }
            check_subcommands(command.subcommands());
            let mut h = g;
            while h < groups.len() {
                let mut d = if h == g { c + 1 } else { 0 };
                while d < groups[h].len() {
                    if same_name(command.spec.name, groups[h][d].spec.name) {
                        panic!("two commands have the same name");
                    }
                    d += 1;
                }
                h += 1;
            }
            c += 1;
        }
        g += 1;
    }
}

#[expect(clippy::panic, reason = "runs in the compiler alone")]
#[expect(clippy::indexing_slicing, reason = "runs in the compiler alone")]
const fn check_subcommands(subs: &[Command]) {
    let mut s = 0;
    while s < subs.len() {
        if !subs[s].spec.is_consistent(2) {
            panic!("a subcommand's arguments, keys and arity disagree");
        }
        let mut t = s + 1;
        while t < subs.len() {
            if same_name(subs[s].spec.name, subs[t].spec.name) {
                panic!("two subcommands have the same name");
            }
            t += 1;
        }
        s += 1;
    }
}

#[expect(clippy::indexing_slicing, reason = "runs in the compiler alone")]
const fn same_name(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{CommandNames, CommandTable, lower_case, specs};

    #[test]
    fn bytes_get_lower_case_eight_at_a_time() {
        for byte in 0..=u8::MAX {
            let bytes = [byte, b'A', !byte, b'z', byte, b'@', 0xFF, byte];
            let word = lower_case(u64::from_le_bytes(bytes));
            assert_eq!(word.to_le_bytes(), bytes.map(|b| b.to_ascii_lowercase()));
        }
    }

    #[test]
    fn every_name_is_found_in_any_case_and_nothing_else() {
        let table = CommandTable::new(&CommandNames::default());
        for command in specs() {
            let spec = &command.spec;
            let mixed = spec.name.char_indices().map(|(at, c)| match at % 2 {
                0 => c.to_ascii_uppercase(),
                _ => c,
            });
            let mixed: alloc::string::String = mixed.collect();
            let found = table.find(mixed.as_bytes()).map(|id| table.full_name(id));
            assert_eq!(found, Some(spec.name));
        }
        for name in [
            "",
            "g",
            "ge",
            "gett",
            "ge\u{14}",
            "pin\u{7}",
            "p\0ng",
            "PINGPINGPING",
            "sett",
        ] {
            assert_eq!(table.find(name.as_bytes()), None, "{name:?}");
        }
    }

    #[test]
    fn renamed_commands_are_found_by_both_kinds_of_names() {
        let mut names = CommandNames::default();
        for (old, new) in [
            ("get", "A-Name-That-Is-Long"),
            ("set", "GET"),
            ("config", "c\u{e9}\0"),
            ("flushall", ""),
        ] {
            assert_eq!(names.rename(old.as_bytes(), new.as_bytes()), Ok(()));
        }
        let table = CommandTable::new(&names);
        let called = |name: &str| {
            table
                .find_full(name.as_bytes())
                .map(|id| table.full_name(id))
        };
        let declared = |name: &str| {
            let id = table.find_declared(name.as_bytes());
            id.map(|id| table.full_name(id))
        };
        assert_eq!(called("a-name-that-is-long"), Some("get"));
        assert_eq!(called("get"), Some("set"));
        assert_eq!(called("set"), None);
        assert_eq!(called("C\u{e9}\0|Get"), Some("config|get"));
        assert_eq!(called("config|get"), None);
        assert_eq!(called("flushall"), None);
        assert_eq!(called("ping"), Some("ping"));
        assert_eq!(declared("GET"), Some("get"));
        assert_eq!(declared("flushall"), Some("flushall"));
        assert_eq!(declared("a-name-that-is-long"), None);
        let closed = table.ids().filter(|id| !table.is_callable(*id));
        let closed: alloc::vec::Vec<&str> = closed.map(|id| table.full_name(id)).collect();
        assert_eq!(closed, ["flushall"]);
    }
}

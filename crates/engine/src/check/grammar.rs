//! Requests from bytes, by the grammar of the command table: mostly well formed, with numbers at
//! every boundary, few keys so that they meet, and now and then a word too many or too few.

use alloc::{string::ToString as _, vec::Vec};

use vk_spec::{ArgFlags, ArgKind, ArgSpec, Group};

use crate::cmd::{Command, specs};

/// Bytes that decide.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
    /// The group of the command that is being made.
    group: Group,
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            group: Group::Generic,
        }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// A number below `limit` and 256; 0 when the bytes are used up.
    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte().unwrap_or(0)) % limit.max(1)
    }

    pub(super) fn number(&mut self) -> u64 {
        let mut number = 0;
        for _ in 0..3 {
            number = number << 8 | u64::from(self.byte().unwrap_or(0));
        }
        number
    }
}

/// Commands that stop or distort the machine on purpose, or keep it busy long (PFSELFTEST counts
/// ten million elements).
const LEFT_OUT: [&str; 4] = ["shutdown", "debug", "monitor", "pfselftest"];

/// The commands to choose from.
pub(super) struct Grammar {
    all: Vec<&'static Command>,
    /// Those that work on keys.
    on_keys: Vec<&'static Command>,
}

const KEYS: [&[u8]; 6] = [
    b"a",
    b"b",
    b"c",
    b"{a}1",
    b"",
    b"a longer key than the others \xff",
];

const VALUES: [&[u8]; 14] = [
    b"",
    b"x",
    b"7",
    b"-1",
    b"3.5",
    b"9223372036854775807",
    b"hello world",
    b"\x00\xff\r\n",
    b"0123456789012345678901234567890123456789012345678901234567890123456789",
    b"1e300",
    b"NX",
    b"*",
    b"KEA",
    b"allkeys-lfu",
];

const NUMBERS: [&[u8]; 28] = [
    b"0",
    b"1",
    b"-1",
    b"2",
    b"3",
    b"10",
    b"100",
    b"1000",
    b"-9223372036854775808",
    b"9223372036854775807",
    b"9223372036854775808",
    b"2147483647",
    b"2147483648",
    b"4294967296",
    b"9007199254740993",
    b"+1",
    b" 1",
    b"01",
    b"1e400",
    b"nan",
    b"inf",
    b"",
    b"1.5",
    b"1700000001",
    b"1700000001000",
    b"1700000500",
    b"1700000500000",
    b"99999999999999999999999999",
];

/// Ids, groups and consumers.
const STREAM_WORDS: [&[u8]; 14] = [
    b"g", b"g", b"c", b"d", b"0", b"1-1", b"2-2", b"3-*", b"*", b"$", b">", b"-", b"+", b"a",
];

/// Ends of ranges by score and by member.
const ENDS: [&[u8]; 10] = [
    b"-", b"+", b"[x", b"(7", b"-inf", b"inf", b"0", b"(1", b"3", b"nan",
];

const PATTERNS: [&[u8]; 6] = [b"*", b"a*", b"[a-c]", b"?", b"\\a", b"[^a"];

const PARAMETERS: [&[u8]; 6] = [
    b"hz",
    b"maxmemory-policy",
    b"notify-keyspace-events",
    b"lfu-decay-time",
    b"maxclients",
    b"no-such-parameter",
];

impl Grammar {
    pub(super) fn new() -> Self {
        let all: Vec<&Command> = specs()
            .filter(|command| !LEFT_OUT.contains(&command.spec.name))
            .collect();
        let on_keys = all
            .iter()
            .copied()
            .filter(|command| !command.spec.keys.is_empty())
            .collect();
        Self { all, on_keys }
    }

    /// The words of a request.
    pub(super) fn request(&self, source: &mut Source<'_>) -> Vec<Vec<u8>> {
        // Three quarters are about keys: what the others do is seen in them.
        let from = if source.below(4) == 0 {
            &self.all
        } else {
            &self.on_keys
        };
        let mut words = Vec::new();
        let place = source.below(256) + 256 * source.below(from.len().div_ceil(256));
        let Some(mut command) = from.get(place % from.len().max(1)).copied() else {
            return words;
        };
        source.group = command.spec.group;
        words.push(command.spec.name.as_bytes().to_vec());
        let subcommands = command.subcommands();
        if let Some(sub) = subcommands.get(source.below(subcommands.len())) {
            command = sub;
            words.push(command.spec.name.as_bytes().to_vec());
        }
        put_all(source, command.spec.args, &mut words);
        match source.below(32) {
            0 => {
                words.pop();
            }
            1 => words.push(choose(source, &VALUES)),
            _ => {}
        }
        words
    }
}

fn put_all(source: &mut Source<'_>, args: &[ArgSpec], words: &mut Vec<Vec<u8>>) {
    // Where the number stands that counts the next argument.
    let mut count_at = None;
    for arg in args {
        if arg.flags.contains(ArgFlags::OPTIONAL) && source.below(2) == 0 {
            continue;
        }
        let first = words.len();
        let times = if arg.flags.contains(ArgFlags::MULTIPLE) {
            1 + source.below(3)
        } else {
            1
        };
        for time in 0..times {
            if let Some(token) = arg.token
                && (time == 0 || arg.flags.contains(ArgFlags::MULTIPLE_TOKEN))
            {
                words.push(token.as_bytes().to_vec());
            }
            put_value(source, arg, words);
        }
        // A random number would hardly ever count right; a few wrong ones stay.
        if let Some(at) = count_at.take()
            && source.below(8) != 0
            && let Some(word) = words.get_mut(at)
        {
            *word = times.to_string().into_bytes();
        }
        if arg.name.starts_with("num") {
            count_at = Some(first + usize::from(arg.token.is_some()));
        }
    }
}

fn put_value(source: &mut Source<'_>, arg: &ArgSpec, words: &mut Vec<Vec<u8>>) {
    match arg.kind {
        ArgKind::Key(_) => words.push(key(source)),
        ArgKind::String if source.group == Group::Stream => {
            words.push(choose(source, &STREAM_WORDS));
        }
        ArgKind::String if matches!(arg.name, "min" | "max") => words.push(choose(source, &ENDS)),
        ArgKind::String if arg.name == "parameter" => words.push(choose(source, &PARAMETERS)),
        ArgKind::String => words.push(choose(source, &VALUES)),
        ArgKind::Integer | ArgKind::Double | ArgKind::UnixTime => {
            words.push(choose(source, &NUMBERS));
        }
        ArgKind::Pattern => words.push(choose(source, &PATTERNS)),
        ArgKind::PureToken => {}
        ArgKind::Block(inner) => put_all(source, inner, words),
        ArgKind::OneOf(inner) => {
            if let Some(one) = inner.get(source.below(inner.len())) {
                put_all(source, core::slice::from_ref(one), words);
            }
        }
    }
}

/// A key that mostly holds what the command is about.
fn key(source: &mut Source<'_>) -> Vec<u8> {
    let own: &[&[u8]] = match source.group {
        Group::List => &[b"l", b"m"],
        Group::Set => &[b"t", b"u"],
        Group::Hash => &[b"h", b"i"],
        Group::SortedSet => &[b"z", b"y"],
        Group::Stream => &[b"x", b"w"],
        Group::HyperLogLog => &[b"p", b"q"],
        Group::Geo => &[b"g", b"z"],
        Group::Generic => &[b"l", b"t", b"h", b"z", b"x", b"p", b"g"],
        _ => &KEYS,
    };
    if source.below(8) == 0 {
        choose(source, &KEYS)
    } else {
        choose(source, own)
    }
}

fn choose(source: &mut Source<'_>, from: &[&[u8]]) -> Vec<u8> {
    from.get(source.below(from.len()))
        .map(|word| word.to_vec())
        .unwrap_or_default()
}

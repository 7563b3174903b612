//! Requests from bytes, by the grammar of the command table: mostly well formed, with numbers at
//! every boundary, few keys so that they meet, and now and then a word too many or too few.

use alloc::{string::ToString as _, vec::Vec};

use vk_spec::{ArgFlags, ArgKind, ArgSpec};

use crate::cmd::{Command, specs};

/// Bytes that decide.
pub(super) struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    pub(super) fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.bytes.split_first()?;
        self.bytes = rest;
        Some(*first)
    }

    /// A number below `limit`; 0 when the bytes are used up.
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

/// Commands that stop or distort the machine on purpose.
const LEFT_OUT: [&str; 3] = ["shutdown", "debug", "monitor"];

const KEYS: [&[u8]; 6] = [
    b"a",
    b"b",
    b"c",
    b"{a}1",
    b"",
    b"a longer key than the others \xff",
];

const VALUES: [&[u8]; 12] = [
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

const PATTERNS: [&[u8]; 6] = [b"*", b"a*", b"[a-c]", b"?", b"\\a", b"[^a"];

/// The words of a request.
pub(super) fn request(source: &mut Source<'_>) -> Vec<Vec<u8>> {
    let all: Vec<&Command> = specs()
        .filter(|command| !LEFT_OUT.contains(&command.spec.name))
        .collect();
    let mut words = Vec::new();
    let Some(mut command) = all
        .get(source.number() as usize % all.len().max(1))
        .copied()
    else {
        return words;
    };
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

fn put_all(source: &mut Source<'_>, args: &[ArgSpec], words: &mut Vec<Vec<u8>>) {
    for arg in args {
        let left_out = arg.flags.contains(ArgFlags::OPTIONAL) && source.below(2) == 0;
        if left_out {
            continue;
        }
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
    }
    fix_counts(args, words);
}

fn put_value(source: &mut Source<'_>, arg: &ArgSpec, words: &mut Vec<Vec<u8>>) {
    match arg.kind {
        ArgKind::Key(_) => words.push(choose(source, &KEYS)),
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

/// A number that counts the arguments behind it would hardly ever be right by chance.
fn fix_counts(args: &[ArgSpec], words: &mut [Vec<u8>]) {
    let Some(at) = args.iter().position(|arg| arg.name.starts_with("num")) else {
        return;
    };
    let Some(counted) = args.get(at + 1) else {
        return;
    };
    let width = match counted.kind {
        ArgKind::Block(inner) => inner.len(),
        _ => 1,
    };
    let first = words.len() - words.len().min(words.len().saturating_sub(at + 1));
    let count = words.len().saturating_sub(first + 1) / width.max(1);
    if let Some(word) = words.get_mut(first) {
        *word = count.to_string().into_bytes();
    }
}

fn choose(source: &mut Source<'_>, from: &[&[u8]]) -> Vec<u8> {
    from.get(source.below(from.len()))
        .map(|word| word.to_vec())
        .unwrap_or_default()
}

//! Bad input by the table of commands, one fault at a time: numbers at every boundary in each place
//! of a number, requests that end early, keys of every type, the same key everywhere, options said
//! twice. Each gets one well-formed reply, and an error has changed nothing.

use alloc::{format, string::String, vec, vec::Vec};

use vk_resp::ReplyBuf;
use vk_spec::{ArgFlags, ArgKind, ArgSpec, Group};

use super::{
    Rig,
    answers::{Answers, answers_each_name},
    check_accounts,
};
use crate::{
    Disposition, SessionId,
    cmd::{Command, specs},
    config::{ConfigId, Value},
};

/// Commands that distort the machine on purpose.
const LEFT_OUT: [&str; 1] = ["debug"];

/// Numbers at every boundary, and what is none.
pub(super) const NUMBERS: [&str; 27] = [
    "0",
    "-1",
    "1",
    "-0",
    "+1",
    " 1",
    "1 ",
    "01",
    "1.5",
    "2147483647",
    "2147483648",
    "-2147483649",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775806",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775807",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "1e400",
    "nan",
    "inf",
    "-inf",
    "",
];
/// Length of the longest number that is tried.
pub(super) const DIGITS: usize = 1 << 20;

/// One key of each type.
const KEYS: [&str; 8] = ["s", "l", "t", "h", "z", "x", "p", "g"];
/// The requests that make them.
const SETTING: [&str; 12] = [
    "CONFIG SET proto-max-bulk-len 1048576",
    "SET s 12345",
    "RPUSH l a b c",
    "SADD t 1 2 3",
    "HSET h a 1 b 2",
    "ZADD z 1 a 2 b",
    "XADD x 1-1 a 1",
    "XADD x 2-1 b 2",
    "XGROUP CREATE x g 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS x >",
    "PFADD p a b c",
    "GEOADD g 13.3 38.1 a 15.0 37.5 b",
];

/// A word of a request.
#[derive(Clone)]
struct Word {
    bytes: Vec<u8>,
    is_number: bool,
    is_key: bool,
}

/// What the checks run on: made anew when something has changed.
struct Bench {
    rig: Rig,
    session: SessionId,
    digest: [u8; 20],
    dirty: u64,
    settings: Vec<Value>,
}

impl Bench {
    #[expect(clippy::panic, reason = "a check reports by panicking")]
    fn new() -> Self {
        let mut rig = Rig::new();
        let Some(session) = rig.connect() else {
            panic!("a local client is never refused");
        };
        for line in SETTING {
            let (reply, _) = rig.request(session, line.split(' ').map(str::as_bytes), false);
            if is_error(&reply) {
                panic!("{line} is refused");
            }
        }
        while rig.engine.poll_output().is_some() {}
        let (digest, dirty) = (rig.engine.digest().0, rig.engine.dirty);
        let settings = settings(&rig);
        Self {
            rig,
            session,
            digest,
            dirty,
            settings,
        }
    }

    /// Runs a request and checks what must hold of its outcome.
    #[expect(clippy::panic, reason = "a check reports by panicking")]
    fn check(&mut self, words: &[Word]) {
        let bytes = words.iter().map(|word| word.bytes.as_slice());
        let (reply, disposition) = self.rig.request(self.session, bytes, true);
        let is_parked = disposition == Disposition::Parked;
        let each = words
            .first()
            .is_some_and(|name| answers_each_name(&name.bytes));
        self.rig.engine.handle_turn_end();
        let is_good = |answers: Answers| {
            let names = words.len().saturating_sub(1);
            answers.is_one()
                || (each && answers.replies == names)
                || (answers.replies == 0 && (is_parked || may_be_silent(words)))
        };
        let answers = Answers::of(&reply);
        if !answers.is_some_and(is_good) {
            panic!("{} gets {answers:?}", show(words));
        }
        let engine = &self.rig.engine;
        let is_changed = engine.digest().0 != self.digest
            || engine.dirty != self.dirty
            || settings(&self.rig) != self.settings;
        if let Err(why) = check_accounts(engine) {
            panic!("{}: {why}", show(words));
        }
        if is_changed && is_error(&reply) {
            panic!("{} is refused and changes something", show(words));
        }
        if is_changed || is_parked || !is_error(&reply) {
            *self = Self::new();
        }
    }
}

/// The values of all directives.
pub(super) fn settings(rig: &Rig) -> Vec<Value> {
    let config = &rig.engine.config;
    ConfigId::all().map(|id| config.value(id).clone()).collect()
}

pub(super) fn is_error(reply: &ReplyBuf) -> bool {
    let first = reply.chunks().next();
    first.is_some_and(|chunk| chunk.starts_with(b"-"))
}

/// CLIENT REPLY OFF and SKIP.
fn may_be_silent(words: &[Word]) -> bool {
    words
        .iter()
        .any(|word| word.bytes.eq_ignore_ascii_case(b"reply"))
}

fn show(words: &[Word]) -> String {
    let shown = |word: &Word| {
        let bytes = word.bytes.get(..64).unwrap_or(&word.bytes);
        format!("{:?}", String::from_utf8_lossy(bytes))
    };
    words.iter().map(shown).collect::<Vec<_>>().join(" ")
}

/// Checks every command that `wanted` accepts by its name; returns the number of requests.
///
/// # Panics
/// When something does not hold.
pub fn check_bad_input(wanted: impl Fn(&str) -> bool) -> usize {
    let mut bench = Bench::new();
    let mut count = 0;
    for command in specs().filter(|command| wanted(command.spec.name)) {
        if LEFT_OUT.contains(&command.spec.name) {
            continue;
        }
        let name = vec![plain(command.spec.name)];
        if command.subcommands().is_empty() {
            count += check_command(&mut bench, command, &name);
        }
        for sub in command.subcommands() {
            let names = [name.clone(), vec![plain(sub.spec.name)]].concat();
            count += check_command(&mut bench, sub, &names);
        }
    }
    count
}

fn check_command(bench: &mut Bench, command: &Command, name: &[Word]) -> usize {
    let mut count = 0;
    for form in forms(command, name) {
        for variant in variants(&form, name.len(), command.spec.name) {
            bench.check(&variant);
            count += 1;
        }
    }
    count
}

/// Everything that is done to one request.
fn variants(form: &[Word], from: usize, name: &str) -> Vec<Vec<Word>> {
    let mut all = vec![form.to_vec()];
    for end in 1..form.len() {
        all.push(form.get(..end).unwrap_or_default().to_vec());
    }
    let digits = "9".repeat(DIGITS);
    for at in from..form.len() {
        let Some(word) = form.get(at) else { break };
        if word.is_number {
            let numbers = NUMBERS.iter().copied().chain([digits.as_str()]);
            // A reply of that many random members is what is asked for.
            let asks_for_less = |number: &&str| !(is_random(name) && is_far_below_zero(number));
            for number in numbers.filter(asks_for_less) {
                all.push(with(form, at, number));
            }
        } else {
            all.push(with(form, at, ""));
        }
    }
    for key in KEYS.iter().chain(&["missing"]) {
        let mut other = form.to_vec();
        for word in other.iter_mut().filter(|word| word.is_key) {
            word.bytes = key.as_bytes().to_vec();
        }
        all.push(other);
    }
    // Each tail once more: the last option, or all of them, twice.
    for start in from..form.len() {
        let tail = form.get(start..).unwrap_or_default();
        all.push([form, tail].concat());
    }
    all
}

fn is_random(name: &str) -> bool {
    name.ends_with("randmember") || name.ends_with("randfield")
}

fn is_far_below_zero(number: &str) -> bool {
    number.starts_with('-') && number.len() > 5
}

fn with(form: &[Word], at: usize, text: &str) -> Vec<Word> {
    let mut other = form.to_vec();
    if let Some(word) = other.get_mut(at) {
        word.bytes = text.as_bytes().to_vec();
    }
    other
}

/// The request with what it needs, and with each option in each of its kinds.
fn forms(command: &Command, name: &[Word]) -> Vec<Vec<Word>> {
    let args = command.spec.args;
    let key = key_of(command.spec.group);
    let required = |skipped: Option<usize>, option: &[Word]| {
        let mut words = name.to_vec();
        for (at, arg) in args.iter().enumerate() {
            if Some(at) == skipped {
                words.extend_from_slice(option);
            } else if !arg.flags.contains(ArgFlags::OPTIONAL) {
                words.extend(expansions(arg, key).into_iter().next().unwrap_or_default());
            }
        }
        words
    };
    let mut all = vec![required(None, &[])];
    for (at, arg) in args.iter().enumerate() {
        for option in expansions(arg, key) {
            all.push(required(Some(at), &option));
        }
    }
    all
}

/// The words of an argument, for each of its alternatives.
fn expansions(arg: &ArgSpec, key: &str) -> Vec<Vec<Word>> {
    let values = match arg.kind {
        ArgKind::PureToken => vec![Vec::new()],
        ArgKind::OneOf(inner) => inner.iter().flat_map(|one| expansions(one, key)).collect(),
        ArgKind::Block(inner) => {
            let parts = inner
                .iter()
                .filter_map(|one| expansions(one, key).into_iter().next());
            vec![parts.collect::<Vec<_>>().concat()]
        }
        _ => vec![vec![value(arg, key)]],
    };
    let token = arg.token.map(plain);
    values
        .into_iter()
        .map(|value| token.iter().cloned().chain(value).collect())
        .collect()
}

fn plain(text: &str) -> Word {
    Word {
        bytes: text.as_bytes().to_vec(),
        is_number: false,
        is_key: false,
    }
}

fn value(arg: &ArgSpec, key: &str) -> Word {
    let text = match arg.kind {
        ArgKind::Key(_) => key,
        ArgKind::Integer | ArgKind::Double => "1",
        ArgKind::UnixTime => "1800000000",
        ArgKind::Pattern => "*",
        _ => match arg.name {
            "group" | "groupname" => "g",
            "consumer" | "consumername" => "c",
            "id" | "start" | "last-id" => "1-1",
            "end" => "+",
            "encoding" => "u8",
            "min" => "-",
            "max" => "+",
            _ => "a",
        },
    };
    Word {
        is_number: matches!(
            arg.kind,
            ArgKind::Integer | ArgKind::Double | ArgKind::UnixTime
        ),
        is_key: matches!(arg.kind, ArgKind::Key(_)),
        ..plain(text)
    }
}

/// The key that commands of a group are about.
const fn key_of(group: Group) -> &'static str {
    match group {
        Group::List => "l",
        Group::Set => "t",
        Group::Hash => "h",
        Group::SortedSet => "z",
        Group::Stream => "x",
        Group::HyperLogLog => "p",
        Group::Geo => "g",
        _ => "s",
    }
}

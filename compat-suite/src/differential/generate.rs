//! Sequences of commands by the grammar: mostly well formed, some torn or with a word that does not
//! belong, none whose outcome is a matter of chance or of the moment.

use super::Words;
use super::compare::{has, name};
use super::grammar::{Argument, Command, Grammar, Kind};
use super::random::Random;
use super::values::{KINDS, Place, Values};

/// Commands that fill keys, per kind of key; without them most keys would be empty most of the
/// time.
const BUILDERS: [&str; 14] = [
    "rpush",
    "lpush",
    "sadd",
    "hset",
    "zadd",
    "xadd",
    "set",
    "append",
    "setbit",
    "geoadd",
    "pfadd",
    "setrange",
    "xreadgroup",
    "xgroup|create",
];

/// The most times that an argument is repeated by a builder.
const REPEATED_MAX: usize = 150;

/// Makes sequences.
#[derive(Debug)]
pub(super) struct Generator<'g> {
    /// Commands by group, the ones that empty databases apart.
    groups: Vec<Vec<&'g Command>>,
    builders: Vec<&'g Command>,
    rare: Vec<&'g Command>,
    values: Values,
}

impl<'g> Generator<'g> {
    pub(super) fn new(grammar: &'g Grammar, seed: u64) -> Self {
        let is_rare = |command: &&Command| {
            matches!(
                command.name.as_str(),
                "flushdb" | "flushall" | "swapdb" | "select" | "discard"
            )
        };
        let (rare, usual): (Vec<_>, Vec<_>) = grammar.commands.iter().partition(is_rare);
        let mut names: Vec<&str> = usual.iter().map(|command| command.group.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let of_group = |name: &str| -> Vec<&Command> {
            let members = usual.iter().filter(|command| command.group == name);
            members.copied().collect()
        };
        Self {
            groups: names.into_iter().map(of_group).collect(),
            builders: usual
                .iter()
                .copied()
                .filter(|command| BUILDERS.contains(&command.name.as_str()))
                .collect(),
            rare,
            values: Values::new(Random::new(seed)),
        }
    }

    /// That many commands.
    pub(super) fn sequence(&mut self, length: usize) -> Vec<Words> {
        let mut all = Vec::new();
        let mut in_transaction = false;
        while all.len() < length {
            let words = self.command();
            let alone = words.len() == 1;
            let (opens, closes) = match name(&words).as_str() {
                // Later versions abort a transaction for them, which changes all that follows.
                "multi" | "watch" if in_transaction => continue,
                "multi" => (alone, false),
                "exec" => (false, true),
                "discard" => (false, alone),
                _ => (false, false),
            };
            if is_by_chance(&words) {
                continue;
            }
            if may_block(&words) && in_transaction {
                all.push(vec![b"EXEC".to_vec()]);
                in_transaction = false;
            }
            all.extend(consumers_for(&words));
            if may_block(&words) {
                // In a transaction nothing waits.
                all.extend([vec![b"MULTI".to_vec()], words, vec![b"EXEC".to_vec()]]);
                continue;
            }
            in_transaction = (in_transaction || opens) && !closes;
            all.push(words);
        }
        all
    }

    fn command(&mut self) -> Words {
        let random = &mut self.values.random;
        let from = match random.below(64) {
            0 if !self.rare.is_empty() => &self.rare,
            1..=20 if !self.builders.is_empty() => &self.builders,
            _ => match self.groups.get(random.below(self.groups.len())) {
                Some(group) => group,
                None => &self.rare,
            },
        };
        let Some(command) = from.get(random.below(from.len())).copied() else {
            return vec![b"PING".to_vec()];
        };
        let kind = KINDS.get(random.below(KINDS.len())).copied();
        let place = Place {
            command: &command.name,
            group: &command.group,
            generic_kind: kind.unwrap_or(b's'),
        };
        if place.command == "zadd" && self.values.random.chance(1, 6) {
            return self.equal_scores();
        }
        let mut words: Words = command
            .name
            .split('|')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        let fixed = words.len();
        self.put_all(&command.arguments, &place, &mut words);
        self.tear(fixed, &place, &mut words);
        // Ranges by member mean something where all scores are equal.
        let source = match name(&words).as_str() {
            "zrangebylex" | "zrevrangebylex" | "zremrangebylex" | "zlexcount" => Some(1),
            "zrange" if has(&words, "BYLEX") => Some(1),
            "zrangestore" if has(&words, "BYLEX") => Some(2),
            _ => None,
        };
        let key = self.lex_key();
        if let Some(word) = source.and_then(|at| words.get_mut(at)) {
            *word = key;
        }
        if matches!(place.command, "scan" | "sscan" | "hscan" | "zscan") {
            // All in one step, or each server would stop somewhere else.
            words.extend([b"COUNT".to_vec(), b"100000".to_vec()]);
        }
        words
    }

    /// Members of one score, for the commands that need it, in keys that only these use.
    fn equal_scores(&mut self) -> Words {
        let mut words: Words = vec![b"ZADD".to_vec(), self.lex_key()];
        for _ in 0..1 + self.values.random.below(12) {
            words.push(b"0".to_vec());
            let member = self
                .values
                .random
                .pick(&["a", "b", "c", "aa", "m1", "m5", "9", "10", "~"]);
            words.push(member.as_bytes().to_vec());
        }
        words
    }

    fn lex_key(&mut self) -> Vec<u8> {
        format!("y{}", self.values.random.below(2)).into_bytes()
    }

    /// A word too few, too many, or another one, now and then.
    fn tear(&mut self, fixed: usize, place: &Place<'_>, words: &mut Words) {
        match self.values.random.below(48) {
            0 if words.len() > 1 => {
                words.pop();
            }
            1 => {
                let word = self.values.any(place);
                words.push(word);
            }
            2 if words.len() > fixed => {
                let at = fixed + self.values.random.below(words.len() - fixed);
                let word = self.values.any(place);
                if let Some(old) = words.get_mut(at) {
                    *old = word;
                }
            }
            3 if words.len() > fixed + 1 => {
                let at = fixed + self.values.random.below(words.len() - fixed);
                let word = words.get(at).cloned().unwrap_or_default();
                words.push(word);
            }
            _ => {}
        }
    }

    fn put_all(&mut self, arguments: &[Argument], place: &Place<'_>, words: &mut Words) {
        // Where the number stands that counts the next argument.
        let mut count_at = None;
        // Keys and ids of XREAD are as many as each other.
        let pairs = self.times(place);
        let paired = arguments
            .iter()
            .filter(|argument| argument.multiple)
            .count()
            > 1
            && matches!(place.command, "xread" | "xreadgroup");
        for argument in arguments {
            if argument.optional && self.values.random.chance(3, 5) {
                continue;
            }
            let first = words.len();
            let times = match (argument.multiple, paired) {
                (false, _) => 1,
                (true, false) => self.times(place),
                (true, true) => pairs,
            };
            self.put_times(argument, times, place, words);
            if let Some(at) = count_at.take()
                && !self.values.random.chance(1, 12)
                && let Some(word) = words.get_mut(at)
            {
                let word: &mut Vec<u8> = word;
                *word = times.to_string().into_bytes();
            }
            if argument.name.starts_with("num") && argument.kind == Kind::Integer {
                count_at = Some(first + usize::from(argument.token.is_some()));
            }
        }
    }

    fn put_times(
        &mut self,
        argument: &Argument,
        times: usize,
        place: &Place<'_>,
        words: &mut Words,
    ) {
        for time in 0..times {
            if let Some(token) = &argument.token
                && (time == 0 || argument.multiple_token)
            {
                words.push(self.in_some_case(token));
            }
            match argument.kind {
                Kind::PureToken => {}
                Kind::Block => self.put_all(&argument.inner, place, words),
                Kind::OneOf => {
                    let at = self.values.random.below(argument.inner.len());
                    if let Some(one) = argument.inner.get(at) {
                        self.put_all(std::slice::from_ref(one), place, words);
                    }
                }
                _ => words.push(self.values.word(argument, place)),
            }
        }
    }

    fn in_some_case(&mut self, token: &str) -> Vec<u8> {
        if self.values.random.chance(1, 4) {
            token.to_lowercase().into_bytes()
        } else {
            token.as_bytes().to_vec()
        }
    }

    fn times(&mut self, place: &Place<'_>) -> usize {
        let builds = BUILDERS.contains(&place.command) && place.group != "stream";
        let most = match self.values.random.below(64) {
            0 if builds => REPEATED_MAX,
            1..=12 if builds => 20,
            1..=4 => 8,
            _ => 3,
        };
        1 + self.values.random.below(most)
    }
}

/// Whether chance, the clock or the layout of a server decides what comes of a command.
fn is_by_chance(words: &Words) -> bool {
    match name(words).as_str() {
        // Without a count, or with a small one, it is a random member that goes.
        "spop" => {
            let count = words.get(2).map(Vec::as_slice);
            words.len() <= 3 && !matches!(count, Some(b"100000" | b"0" | b"-1" | b"x" | b""))
        }
        // Changes of groups, and PFDEBUG's, are no changes of the key there.
        "watch" => words
            .iter()
            .any(|word| word.starts_with(b"x") || word.starts_with(b"p")),
        // Below zero the count is how many members are picked, however many that are.
        "srandmember" | "hrandfield" | "zrandmember" => words
            .get(2)
            .is_some_and(|count| count.starts_with(b"-") && count.len() > 4),
        "lrem" | "lpos" => words.iter().any(|word| word == b"-9223372036854775808"),
        // 7.0 reserves memory for the count.
        "xautoclaim" => words.iter().any(|word| word.len() > 9),
        // A time beyond all clocks is refused since 8.0.
        "restore" if words.get(2).is_some_and(|ttl| ttl.len() > 16) => true,
        // What is left behind a cursor depends on the hash.
        "scan" => is_far(words.get(1)),
        "sscan" | "hscan" | "zscan" => is_far(words.get(2)),
        // 7.0 keeps a key whose time is past a while, and later versions do not store it.
        "set" if has_past_time(words) => true,
        // 7.0 makes the string longer, or makes the key, without a word to those who watch it.
        "bitfield" if has(words, "FAIL") => true,
        // WITHSCORE is newer than 7.0.
        "zrank" | "zrevrank" => words.len() > 3,
        // Later versions want a number.
        "zcount" | "zrangebyscore" | "zrevrangebyscore" | "zremrangebyscore" | "zrange"
        | "zrangestore" => words.iter().any(|word| word.is_empty() || word == b"("),
        "xadd" => words.iter().any(|word| word == b"*"),
        // Ties have no order, and where there is none a part is any part.
        "sort" | "sort_ro" => has(words, "BY") && (has(words, "LIMIT") || has(words, "STORE")),
        // Doubles of a distance are shown in another way since 7.2.
        name if name.starts_with("geo") && has(words, "STOREDIST") => true,
        "xread" | "xreadgroup" => {
            // Later versions refuse a time that is beyond all clocks.
            has(words, "BLOCK") && words.iter().any(|word| word.len() > 16)
        }
        name if name.starts_with("geo") => {
            has(words, "ANY")
                && (has(words, "STORE") || has(words, "STOREDIST") || name == "geosearchstore")
        }
        "client" | "subscribe" | "psubscribe" | "ssubscribe" | "monitor" => true,
        _ => expires_soon(words),
    }
}

/// Whether a key would expire while the sequence runs, sooner on one server than on the other.
fn expires_soon(words: &Words) -> bool {
    let is_soon = |time: &Vec<u8>| {
        let time = str::from_utf8(time).ok().and_then(|time| time.parse().ok());
        time.is_some_and(|time: u64| (1..10_000_000).contains(&time))
    };
    let names_time = |word: &Vec<u8>| {
        let names: [&[u8]; 2] = [b"EX", b"PX"];
        names.iter().any(|name| word.eq_ignore_ascii_case(name))
    };
    match name(words).as_str() {
        "expire" | "pexpire" | "setex" | "psetex" | "restore" => words.get(2).is_some_and(is_soon),
        "set" | "getex" => words
            .windows(2)
            .any(|pair| matches!(pair, [word, time] if names_time(word) && is_soon(time))),
        _ => false,
    }
}

/// Commands that make the consumers of this one: since 7.2 they are made even if there is nothing
/// to read.
fn consumers_for(words: &Words) -> Vec<Words> {
    let word = |at: usize| words.get(at).cloned().unwrap_or_default();
    let made = |key: Vec<u8>, group: Vec<u8>, consumer: Vec<u8>| {
        let command = [b"XGROUP".to_vec(), b"CREATECONSUMER".to_vec()];
        [command.to_vec(), vec![key, group, consumer]].concat()
    };
    match name(words).as_str() {
        "xclaim" | "xautoclaim" => vec![made(word(1), word(2), word(3))],
        "xreadgroup" => {
            let is_streams = |word: &Vec<u8>| word.eq_ignore_ascii_case(b"STREAMS");
            let first = words.iter().position(is_streams).unwrap_or(words.len()) + 1;
            let keys = words.get(first..).unwrap_or_default();
            keys.iter()
                .take(keys.len() / 2)
                .map(|key| made(key.clone(), word(2), word(3)))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// Whether EXAT or PXAT has a time that is past.
fn has_past_time(words: &Words) -> bool {
    words.windows(2).any(|pair| match pair {
        [word, time] => {
            let is_time = word.eq_ignore_ascii_case(b"EXAT") || word.eq_ignore_ascii_case(b"PXAT");
            is_time && time.len() < 11
        }
        _ => false,
    })
}

/// Whether a cursor is a number other than 0.
fn is_far(cursor: Option<&Vec<u8>>) -> bool {
    cursor.is_some_and(|cursor| {
        cursor.iter().any(|byte| (b'1'..=b'9').contains(byte))
            || (cursor.len() > 1 && cursor.contains(&b'0'))
    })
}

/// Whether a part of a sequence is one that both servers treat alike: each command that could wait
/// stands in a transaction, and consumers are made before they are used.
pub(super) fn is_sound(sequence: &[Words]) -> bool {
    /// How far before a command its consumers may be made.
    const BEFORE: usize = 8;
    sequence.iter().enumerate().all(|(at, words)| {
        let before = sequence
            .get(at.saturating_sub(BEFORE)..at)
            .unwrap_or_default();
        let is_multi = |words: &Words| words.len() == 1 && name(words) == "multi";
        let waits = may_block(words) && !before.last().is_some_and(is_multi);
        !waits
            && consumers_for(words)
                .iter()
                .all(|made| before.contains(made))
    })
}

fn may_block(words: &Words) -> bool {
    match name(words).as_str() {
        "blpop" | "brpop" | "blmove" | "brpoplpush" | "blmpop" | "bzpopmin" | "bzpopmax"
        | "bzmpop" => true,
        "xread" | "xreadgroup" => has(words, "BLOCK"),
        _ => false,
    }
}

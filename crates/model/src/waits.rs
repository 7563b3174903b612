//! Commands that may wait: each is tried as the command of its kind that does not wait, again and
//! again. Who waits and in which order is in `server`.

use crate::db::Value;
use crate::{Model, ModelReply, naive};

/// A command that may wait, as it was sent.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    name: String,
    /// What is tried, with its time to wait cut out.
    attempt: Vec<Vec<u8>>,
    /// The keys that it waits for.
    pub(crate) keys: Vec<Vec<u8>>,
    /// How long; `None` is for ever.
    pub(crate) wait_ms: Option<i64>,
}

/// Commands that may wait, with their arity.
const WAITING: &[(&str, i64)] = &[
    ("blmove", 6),
    ("blmpop", -5),
    ("blpop", -3),
    ("brpop", -3),
    ("brpoplpush", 4),
    ("bzmpop", -5),
    ("bzpopmax", -3),
    ("bzpopmin", -3),
];

/// Arity of a command that may wait.
pub(crate) fn arity(name: &str) -> Option<i64> {
    let found = WAITING.iter().find(|(known, _)| *known == name);
    found.map(|(_, arity)| *arity)
}

impl Waiting {
    /// Reads a command; `None` if it is none that waits, an error if it is wrong.
    pub(crate) fn parse(name: &str, args: &[Vec<u8>]) -> Result<Option<Self>, ModelReply> {
        let last = args.len() - 1;
        let (time_at, keys): (usize, std::ops::Range<usize>) = match name {
            "blpop" | "brpop" | "bzpopmin" | "bzpopmax" => (last, 1..last),
            "blmove" | "brpoplpush" => {
                let is_end = |word: &Vec<u8>| {
                    word.eq_ignore_ascii_case(b"left") || word.eq_ignore_ascii_case(b"right")
                };
                if name == "blmove" && !(is_end(&args[3]) && is_end(&args[4])) {
                    return Err(crate::syntax_error());
                }
                (last, 1..2)
            }
            "blmpop" | "bzmpop" => (1, counted(args)?),
            "xread" | "xreadgroup" => return Self::parse_stream(name, args),
            _ => return Ok(None),
        };
        let mut attempt = args.to_vec();
        let wait_ms = seconds(&attempt.remove(time_at))?;
        Ok(Some(Self {
            name: name.into(),
            keys: args[keys].to_vec(),
            attempt,
            wait_ms,
        }))
    }

    /// XREAD and XREADGROUP wait with the option BLOCK alone.
    fn parse_stream(name: &str, args: &[Vec<u8>]) -> Result<Option<Self>, ModelReply> {
        let is = |word: &str| {
            let word = word.to_owned();
            move |arg: &Vec<u8>| arg.eq_ignore_ascii_case(word.as_bytes())
        };
        let Some(streams) = args.iter().position(is("streams")) else {
            return Ok(None);
        };
        let Some(block) = args[..streams].iter().position(is("block")) else {
            return Ok(None);
        };
        let mut attempt = args.to_vec();
        attempt.remove(block);
        let ms = naive::parse_int(&attempt.remove(block)).filter(|ms| *ms >= 0);
        let ms = ms.ok_or(ModelReply::Unsure)?;
        let words = args.len() - streams - 1;
        Ok(Some(Self {
            name: name.into(),
            attempt,
            keys: args[streams + 1..streams + 1 + words / 2].to_vec(),
            wait_ms: Some(ms).filter(|ms| *ms > 0),
        }))
    }

    /// The reply where nobody waits: in a transaction.
    pub(crate) fn nothing(&self) -> ModelReply {
        match self.name.as_str() {
            "blmove" | "brpoplpush" => ModelReply::Bulk(None),
            _ => ModelReply::NilArray,
        }
    }

    /// Whether it waits for the end of a key, too.
    pub(crate) fn ends_with_key(&self) -> bool {
        self.name == "xreadgroup"
    }

    /// Whether a value of this type can end the wait.
    pub(crate) fn is_served_by(&self, value: &Value) -> bool {
        match self.name.as_str() {
            "bzpopmin" | "bzpopmax" | "bzmpop" => matches!(value, Value::ZSet(_)),
            "xread" | "xreadgroup" => matches!(value, Value::Stream(_)),
            _ => matches!(value, Value::List(_)),
        }
    }

    /// `$` is the end of the stream as it is when the wait begins.
    pub(crate) fn fix_ends(&mut self, model: &Model, db: usize, now_ms: i64) {
        let many = self.keys.len();
        let first = self.attempt.len() - many;
        for (at, key) in self.keys.iter().enumerate() {
            let Some(word) = self.attempt.get_mut(first + at) else {
                continue;
            };
            if self.name == "xread" && word.as_slice() == b"$" {
                let entry = model.dbs[db].peek(now_ms, key);
                let (ms, seq) = match entry.map(|entry| &entry.value) {
                    Some(Value::Stream(stream)) => stream.last_id(),
                    _ => (0, 0),
                };
                *word = format!("{ms}-{seq}").into_bytes();
            }
        }
    }

    /// Tries once: the reply, or `None` if it has to wait.
    pub(crate) fn attempt(&self, model: &mut Model, db: usize, now_ms: i64) -> Option<ModelReply> {
        let plain = match self.name.as_str() {
            "blpop" => return self.pop_each(model, db, now_ms, "LPOP"),
            "brpop" => return self.pop_each(model, db, now_ms, "RPOP"),
            "bzpopmin" => return self.pop_each(model, db, now_ms, "ZPOPMIN"),
            "bzpopmax" => return self.pop_each(model, db, now_ms, "ZPOPMAX"),
            "blmove" => "LMOVE",
            "brpoplpush" => "RPOPLPUSH",
            "blmpop" => "LMPOP",
            "bzmpop" => "ZMPOP",
            name => name,
        };
        let mut words = self.attempt.clone();
        words[0] = plain.into();
        let reply = model.apply(db, now_ms, &words);
        let is_empty = matches!(reply, ModelReply::Bulk(None) | ModelReply::NilArray);
        (!is_empty).then_some(reply)
    }

    /// The first key with something in it.
    fn pop_each(&self, model: &mut Model, db: usize, now_ms: i64, pop: &str) -> Option<ModelReply> {
        for key in &self.keys {
            let mut reply = vec![ModelReply::bulk(key)];
            match model.apply(db, now_ms, &[pop.into(), key.clone()]) {
                ModelReply::Bulk(None) => continue,
                ModelReply::Bulk(item) => reply.push(ModelReply::Bulk(item)),
                ModelReply::Array(pair) if pair.is_empty() => continue,
                ModelReply::Array(pair) => reply.extend(pair),
                error => return Some(error),
            }
            return Some(ModelReply::Array(reply));
        }
        None
    }
}

/// The keys of BLMPOP and BZMPOP. What is said about a wrong count is not known.
fn counted(args: &[Vec<u8>]) -> Result<std::ops::Range<usize>, ModelReply> {
    let count = naive::parse_int(&args[2]).and_then(|count| usize::try_from(count).ok());
    let end = count
        .filter(|count| *count > 0)
        .map(|count| 3 + count.min(args.len()));
    let end = end
        .filter(|end| *end < args.len())
        .ok_or(ModelReply::Unsure)?;
    Ok(3..end)
}

/// A time to wait: a few forms of it are known.
fn seconds(text: &[u8]) -> Result<Option<i64>, ModelReply> {
    match text {
        b"-1" => return Err(ModelReply::error("timeout is negative")),
        b"x" => return Err(ModelReply::error("timeout is not a float or out of range")),
        _ => {}
    }
    let text = std::str::from_utf8(text).map_err(|_| ModelReply::Unsure)?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || part.len() > 3 || whole.len() > 6 || !digits(whole) || !digits(part) {
        return Err(ModelReply::Unsure);
    }
    let ms: i64 = format!("{whole}{part:0<3}")
        .parse()
        .map_err(|_| ModelReply::Unsure)?;
    Ok(Some(ms).filter(|ms| *ms > 0))
}

//! Streams: entries by id, and groups of consumers with what is pending. Nothing waits, and ids are
//! given. What depends on the layout (trimming with `~`) is not known.

use crate::{Call, ModelReply, Outcome, naive};
use std::collections::{BTreeMap, BTreeSet};

/// Milliseconds and a number.
pub(crate) type Id = (u64, u64);

/// The highest id.
const ID_MAX: Id = (u64::MAX, u64::MAX);

/// A stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stream {
    entries: BTreeMap<Id, Vec<Vec<u8>>>,
    last: Id,
    groups: BTreeMap<Vec<u8>, Group>,
}

impl Stream {
    /// The highest id that it ever had.
    pub(crate) const fn last_id(&self) -> Id {
        self.last
    }
}

/// A group of consumers.
#[derive(Clone, Debug, Default, PartialEq)]
struct Group {
    last: Id,
    /// Whose it is, and how often it was delivered.
    pending: BTreeMap<Id, (Vec<u8>, i64)>,
    consumers: BTreeSet<Vec<u8>>,
}

fn invalid_id() -> ModelReply {
    ModelReply::error("Invalid stream ID specified as stream command argument")
}

/// `ms` or `ms-seq`; without a number it is `missing`.
fn parse(text: &[u8], missing: u64) -> Result<Id, ModelReply> {
    let text = std::str::from_utf8(text).map_err(|_| invalid_id())?;
    let (ms, seq) = text
        .split_once('-')
        .map_or((text, None), |(ms, seq)| (ms, Some(seq)));
    Ok((number(ms)?, seq.map_or(Ok(missing), number)?))
}

/// As C's `strtoull` reads a whole text: white space, a plus and zeros may come first.
fn number(text: &str) -> Result<u64, ModelReply> {
    let text = text.trim_start_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']);
    if text.starts_with('-') {
        // What a negative number wraps to depends on how it is spelt.
        return Err(ModelReply::Unsure);
    }
    text.parse().map_err(|_| invalid_id())
}

fn id_reply((ms, seq): Id) -> ModelReply {
    ModelReply::bulk(format!("{ms}-{seq}").as_bytes())
}

fn entry_reply(id: Id, fields: &[Vec<u8>]) -> ModelReply {
    ModelReply::Array(vec![
        id_reply(id),
        ModelReply::bulks(fields.iter().cloned()),
    ])
}

/// How a stream is made shorter.
enum Trim {
    ToLen(usize),
    FromId(Id),
}

/// `MAXLEN [=] n` or `MINID [=] id` at `at`, and where it ends; the rest is not known.
fn trim(call: &Call<'_>, mut at: usize) -> Result<(Trim, usize), ModelReply> {
    let by_len = call.is_word(at, "MAXLEN");
    at += 1;
    if at < call.args.len() && call.args[at] == b"=" {
        at += 1;
    }
    let word = call.args.get(at).ok_or(ModelReply::Unsure)?;
    let trim = if by_len {
        let len = naive::parse_int(word).and_then(|len| usize::try_from(len).ok());
        Trim::ToLen(len.ok_or(ModelReply::Unsure)?)
    } else {
        Trim::FromId(parse(word, 0).map_err(|_| ModelReply::Unsure)?)
    };
    Ok((trim, at + 1))
}

impl Stream {
    fn trim(&mut self, trim: &Trim) -> usize {
        let before = self.entries.len();
        match trim {
            Trim::ToLen(len) => {
                while self.entries.len() > *len {
                    self.entries.pop_first();
                }
            }
            Trim::FromId(id) => self.entries.retain(|other, _| other >= id),
        }
        before - self.entries.len()
    }
}

pub(crate) fn xadd(call: &mut Call<'_>) -> Outcome {
    let (mut at, mut creates, mut shorten) = (2, true, None);
    if call.is_word(at, "NOMKSTREAM") {
        (creates, at) = (false, at + 1);
    }
    if at < call.args.len() && (call.is_word(at, "MAXLEN") || call.is_word(at, "MINID")) {
        let (trim, end) = trim(call, at)?;
        (shorten, at) = (Some(trim), end);
    }
    let fields = call.rest(at + 1);
    if at >= call.args.len() || fields.is_empty() || !fields.len().is_multiple_of(2) {
        return Err(ModelReply::Unsure);
    }
    let word = call.args[at].clone();
    let (ms, auto) = match word.strip_suffix(b"-*") {
        Some(ms) => (parse(ms, 0).map_err(|_| ModelReply::Unsure)?, true),
        None => (parse(&word, 0).map_err(|_| ModelReply::Unsure)?, false),
    };
    if ms == (0, 0) && !auto {
        let text = "The ID specified in XADD must be greater than 0-0";
        return Err(ModelReply::error(text));
    }
    let stream = call.read::<Stream>(1)?;
    if stream.is_none() && !creates {
        return Ok(ModelReply::Bulk(None));
    }
    let mut stream = stream.unwrap_or_default();
    let next = stream.last.1.checked_add(1).ok_or(ModelReply::Unsure)?;
    let id = match auto {
        true if ms.0 == stream.last.0 => (ms.0, next),
        _ => ms,
    };
    if id <= stream.last {
        let text = "The ID specified in XADD is equal or smaller than the target stream top item";
        return Err(ModelReply::error(text));
    }
    stream.entries.insert(id, fields);
    stream.last = id;
    if let Some(trim) = shorten {
        stream.trim(&trim);
    }
    call.write(1, stream);
    Ok(id_reply(id))
}

pub(crate) fn xlen(call: &mut Call<'_>) -> Outcome {
    let len = call
        .read::<Stream>(1)?
        .map_or(0, |stream| stream.entries.len());
    Ok(ModelReply::len(len))
}

/// One end of a range; `(` leaves the id itself out.
fn bound(text: &[u8], is_low: bool) -> Result<Id, ModelReply> {
    let missing = if is_low { 0 } else { u64::MAX };
    match text {
        b"-" => Ok((0, 0)),
        b"+" => Ok(ID_MAX),
        [b'(', rest @ ..] => {
            let (ms, seq) = parse(rest, missing).map_err(|_| ModelReply::Unsure)?;
            // At the ends of the numbers the step is not known.
            let seq = if is_low {
                seq.checked_add(1)
            } else {
                seq.checked_sub(1)
            };
            Ok((ms, seq.ok_or(ModelReply::Unsure)?))
        }
        text => parse(text, missing),
    }
}

pub(crate) fn xrange(call: &mut Call<'_>) -> Outcome {
    range(call, 2, 3, false)
}

pub(crate) fn xrevrange(call: &mut Call<'_>) -> Outcome {
    range(call, 3, 2, true)
}

fn range(call: &mut Call<'_>, low: usize, high: usize, reverse: bool) -> Outcome {
    let wrong = |_| ModelReply::Unsure;
    let low = bound(&call.args[low], true).map_err(wrong)?;
    let high = bound(&call.args[high], false).map_err(wrong)?;
    let count = match call.args.len() {
        4 => None,
        6 if call.is_word(4, "COUNT") => {
            let count = call.int(5).map_err(wrong)?;
            if count < 1 {
                return Err(ModelReply::Unsure);
            }
            usize::try_from(count).ok()
        }
        _ => return Err(ModelReply::Unsure),
    };
    let Some(stream) = call.read::<Stream>(1)? else {
        return Ok(ModelReply::Array(Vec::new()));
    };
    let in_range = stream
        .entries
        .iter()
        .filter(|(id, _)| (low..=high).contains(*id));
    let mut found: Vec<ModelReply> = in_range
        .map(|(id, fields)| entry_reply(*id, fields))
        .collect();
    if reverse {
        found.reverse();
    }
    found.truncate(count.unwrap_or(usize::MAX));
    Ok(ModelReply::Array(found))
}

pub(crate) fn xdel(call: &mut Call<'_>) -> Outcome {
    let Some(mut stream) = call.read::<Stream>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let ids: Result<Vec<Id>, _> = call.rest(2).iter().map(|id| parse(id, 0)).collect();
    let ids = ids?;
    let removed = ids
        .iter()
        .filter(|id| stream.entries.remove(*id).is_some())
        .count();
    call.write(1, stream);
    Ok(ModelReply::len(removed))
}

pub(crate) fn xtrim(call: &mut Call<'_>) -> Outcome {
    if !call.is_word(2, "MAXLEN") && !call.is_word(2, "MINID") {
        return Err(ModelReply::Unsure);
    }
    let (trim, end) = trim(call, 2)?;
    if end != call.args.len() {
        return Err(ModelReply::Unsure);
    }
    let Some(mut stream) = call.read::<Stream>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let removed = stream.trim(&trim);
    call.write(1, stream);
    Ok(ModelReply::len(removed))
}

/// `COUNT n` perhaps, `STREAMS`, keys and as many ids: the count, and positions of the keys.
fn streams(
    call: &Call<'_>,
    mut at: usize,
) -> Result<(Option<usize>, std::ops::Range<usize>), ModelReply> {
    let mut count = None;
    if at + 1 < call.args.len() && call.is_word(at, "COUNT") {
        let number = call.int(at + 1).map_err(|_| ModelReply::Unsure)?;
        // 0 and less mean: no limit.
        count = usize::try_from(number).ok().filter(|count| *count > 0);
        at += 2;
    }
    if at >= call.args.len() || !call.is_word(at, "STREAMS") {
        return Err(ModelReply::Unsure);
    }
    let words = call.args.len() - at - 1;
    if words == 0 || !words.is_multiple_of(2) {
        return Err(ModelReply::Unsure);
    }
    Ok((count, at + 1..at + 1 + words / 2))
}

pub(crate) fn xread(call: &mut Call<'_>) -> Outcome {
    let (count, keys) = streams(call, 1)?;
    let many = keys.len();
    let mut found = Vec::new();
    let mut asked = Vec::new();
    for position in keys {
        let word = call.args[position + many].clone();
        let stream = call.read::<Stream>(position)?;
        let after = match word.as_slice() {
            b"$" => stream.as_ref().map_or((0, 0), |stream| stream.last),
            word => parse(word, 0).map_err(|_| ModelReply::Unsure)?,
        };
        asked.push((position, stream.unwrap_or_default(), after));
    }
    for (position, stream, after) in asked {
        let news = stream.entries.iter().filter(|(id, _)| **id > after);
        let news = news.take(count.unwrap_or(usize::MAX));
        let entries: Vec<_> = news.map(|(id, fields)| entry_reply(*id, fields)).collect();
        if !entries.is_empty() {
            let key = ModelReply::bulk(&call.args[position]);
            found.push(ModelReply::Array(vec![key, ModelReply::Array(entries)]));
        }
    }
    Ok(match found.is_empty() {
        true => ModelReply::NilArray,
        false => ModelReply::Array(found),
    })
}

/// The stream and group of XGROUP; a missing one is an error whose text is not known here.
fn group_of(call: &mut Call<'_>, key: usize, name: usize) -> Result<(Stream, Group), ModelReply> {
    let stream = call.read::<Stream>(key)?.ok_or(ModelReply::Unsure)?;
    let group = stream.groups.get(&call.args[name]).cloned();
    Ok((stream, group.ok_or(ModelReply::Unsure)?))
}

fn put_group(call: &mut Call<'_>, key: usize, name: usize, mut stream: Stream, group: Group) {
    stream.groups.insert(call.args[name].clone(), group);
    call.write(key, stream);
}

pub(crate) fn xgroup_create(call: &mut Call<'_>) -> Outcome {
    let makes = match call.args.len() {
        5 => false,
        6 if call.is_word(5, "MKSTREAM") => true,
        _ => return Err(ModelReply::Unsure),
    };
    let stream = call.read::<Stream>(2)?;
    if stream.is_none() && !makes {
        return Err(ModelReply::Unsure);
    }
    let mut stream = stream.unwrap_or_default();
    let last = match call.args[4].as_slice() {
        b"$" => stream.last,
        word => parse(word, 0).map_err(|_| ModelReply::Unsure)?,
    };
    if stream.groups.contains_key(&call.args[3]) {
        let text = "BUSYGROUP Consumer Group name already exists";
        return Err(ModelReply::Error(text.into()));
    }
    let group = Group {
        last,
        ..Group::default()
    };
    stream.groups.insert(call.args[3].clone(), group);
    call.write(2, stream);
    Ok(ModelReply::Ok)
}

pub(crate) fn xgroup_setid(call: &mut Call<'_>) -> Outcome {
    if call.args.len() != 5 {
        return Err(ModelReply::Unsure);
    }
    let (stream, mut group) = group_of(call, 2, 3)?;
    group.last = match call.args[4].as_slice() {
        b"$" => stream.last,
        word => parse(word, 0).map_err(|_| ModelReply::Unsure)?,
    };
    put_group(call, 2, 3, stream, group);
    Ok(ModelReply::Ok)
}

pub(crate) fn xgroup_destroy(call: &mut Call<'_>) -> Outcome {
    let mut stream = call.read::<Stream>(2)?.ok_or(ModelReply::Unsure)?;
    let was_there = stream.groups.remove(&call.args[3]).is_some();
    call.write(2, stream);
    Ok(ModelReply::Int(was_there.into()))
}

pub(crate) fn xgroup_createconsumer(call: &mut Call<'_>) -> Outcome {
    let (stream, mut group) = group_of(call, 2, 3)?;
    let is_new = group.consumers.insert(call.args[4].clone());
    put_group(call, 2, 3, stream, group);
    Ok(ModelReply::Int(is_new.into()))
}

pub(crate) fn xgroup_delconsumer(call: &mut Call<'_>) -> Outcome {
    let (stream, mut group) = group_of(call, 2, 3)?;
    let before = group.pending.len();
    group.consumers.remove(&call.args[4]);
    group.pending.retain(|_, (owner, _)| *owner != call.args[4]);
    let count = before - group.pending.len();
    put_group(call, 2, 3, stream, group);
    Ok(ModelReply::len(count))
}

/// What XREADGROUP says where there is no such stream or group.
fn no_group(key: &[u8], group: &[u8]) -> ModelReply {
    let (Ok(key), Ok(group)) = (std::str::from_utf8(key), std::str::from_utf8(group)) else {
        return ModelReply::Unsure;
    };
    ModelReply::Error(format!(
        "NOGROUP No such key '{key}' or consumer group '{group}' in XREADGROUP with GROUP option"
    ))
}

/// XREADGROUP of one stream, of new entries.
pub(crate) fn xreadgroup(call: &mut Call<'_>) -> Outcome {
    if call.args.len() < 7 || !call.is_word(1, "GROUP") {
        return Err(ModelReply::Unsure);
    }
    let (count, keys) = streams(call, 4)?;
    if keys.len() != 1 || call.args[keys.end] != b">" {
        return Err(ModelReply::Unsure);
    }
    let key = keys.start;
    let stream = call.read::<Stream>(key)?.unwrap_or_default();
    let group = stream.groups.get(&call.args[2]).cloned();
    let mut group = group.ok_or_else(|| no_group(&call.args[key], &call.args[2]))?;
    let consumer = call.args[3].clone();
    group.consumers.insert(consumer.clone());
    let news = stream.entries.iter().filter(|(id, _)| **id > group.last);
    let news: Vec<_> = news.take(count.unwrap_or(usize::MAX)).collect();
    let entries: Vec<_> = news
        .iter()
        .map(|(id, fields)| entry_reply(**id, fields))
        .collect();
    let ids: Vec<Id> = news.into_iter().map(|(id, _)| *id).collect();
    for id in ids {
        group.pending.insert(id, (consumer.clone(), 1));
        group.last = id;
    }
    put_group(call, key, 2, stream, group);
    Ok(match entries.is_empty() {
        true => ModelReply::NilArray,
        false => ModelReply::Array(vec![ModelReply::Array(vec![
            ModelReply::bulk(&call.args[key]),
            ModelReply::Array(entries),
        ])]),
    })
}

pub(crate) fn xack(call: &mut Call<'_>) -> Outcome {
    let ids: Result<Vec<Id>, _> = call.rest(3).iter().map(|id| parse(id, 0)).collect();
    let ids = ids.map_err(|_| ModelReply::Unsure)?;
    let Some(stream) = call.read::<Stream>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let Some(mut group) = stream.groups.get(&call.args[2]).cloned() else {
        return Ok(ModelReply::Int(0));
    };
    let acknowledged = ids
        .iter()
        .filter(|id| group.pending.remove(*id).is_some())
        .count();
    put_group(call, 1, 2, stream, group);
    Ok(ModelReply::len(acknowledged))
}

/// XPENDING without a range.
pub(crate) fn xpending(call: &mut Call<'_>) -> Outcome {
    if call.args.len() != 3 {
        return Err(ModelReply::Unsure);
    }
    let (_, group) = group_of(call, 1, 2)?;
    let mut owners: BTreeMap<&Vec<u8>, usize> = BTreeMap::new();
    for (owner, _) in group.pending.values() {
        *owners.entry(owner).or_default() += 1;
    }
    let owners = owners.into_iter().map(|(owner, count)| {
        ModelReply::Array(vec![
            ModelReply::bulk(owner),
            ModelReply::bulk(count.to_string().as_bytes()),
        ])
    });
    let owners: Vec<_> = owners.collect();
    let end = |id: Option<&Id>| id.map_or(ModelReply::Bulk(None), |id| id_reply(*id));
    Ok(ModelReply::Array(vec![
        ModelReply::len(group.pending.len()),
        end(group.pending.keys().next()),
        end(group.pending.keys().next_back()),
        if owners.is_empty() {
            ModelReply::NilArray
        } else {
            ModelReply::Array(owners)
        },
    ]))
}

//! Sorted sets: pairs sorted by score, then by member. Here what changes them and what asks for
//! single members; ranges are in `zset_ranges`, combinations in `zset_combine`.

use crate::access::{double, float_of};
use crate::db::Form;
use crate::{Call, Limits, ModelReply, Outcome, syntax_error};

/// A member and its score, never NaN.
pub(crate) type Pair = (Vec<u8>, f64);

/// A sorted set.
#[derive(Clone, Debug)]
pub(crate) struct ZSet {
    pub(crate) pairs: Vec<Pair>,
    pub(crate) form: Form,
}

impl ZSet {
    pub(crate) const fn new(form: Form) -> Self {
        Self {
            pairs: Vec::new(),
            form,
        }
    }

    pub(crate) fn score(&self, member: &[u8]) -> Option<f64> {
        self.rank(member).map(|rank| self.pairs[rank].1)
    }

    pub(crate) fn rank(&self, member: &[u8]) -> Option<usize> {
        self.pairs.iter().position(|(other, _)| other == member)
    }

    pub(crate) fn remove(&mut self, member: &[u8]) -> bool {
        self.rank(member)
            .map(|rank| self.pairs.remove(rank))
            .is_some()
    }

    /// Gives a member its score.
    pub(crate) fn put(&mut self, member: Vec<u8>, score: f64) {
        self.remove(&member);
        self.pairs.push((member, score));
        self.pairs
            .sort_by(|a, b| a.1.total_cmp(&(b.1 + 0.0)).then_with(|| a.0.cmp(&b.0)));
    }

    fn add(&mut self, member: Vec<u8>, score: f64, limits: &Limits) {
        let is_new = self.rank(&member).is_none();
        let full = self.pairs.len() >= limits.zset_entries || member.len() > limits.zset_bytes;
        if is_new && full && self.form == Form::Pack {
            self.form = Form::Big;
        }
        self.put(member, score);
    }
}

/// A sorted set that may be missing.
pub(crate) fn read(call: &mut Call<'_>, position: usize) -> Result<ZSet, ModelReply> {
    Ok(call
        .read::<ZSet>(position)?
        .unwrap_or_else(|| ZSet::new(Form::Pack)))
}

#[derive(Default)]
struct Flags {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

pub(crate) fn zadd(call: &mut Call<'_>) -> Outcome {
    let (mut flags, mut at) = (Flags::default(), 2);
    while at < call.args.len() {
        let flag = match String::from_utf8_lossy(&call.args[at])
            .to_uppercase()
            .as_str()
        {
            "NX" => &mut flags.nx,
            "XX" => &mut flags.xx,
            "GT" => &mut flags.gt,
            "LT" => &mut flags.lt,
            "CH" => &mut flags.ch,
            "INCR" => &mut flags.incr,
            _ => break,
        };
        *flag = true;
        at += 1;
    }
    let words = call.rest(at);
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return Err(syntax_error());
    }
    if flags.nx && flags.xx {
        return Err(ModelReply::error(
            "XX and NX options at the same time are not compatible",
        ));
    }
    if (flags.nx && (flags.gt || flags.lt)) || (flags.gt && flags.lt) {
        let text = "GT, LT, and/or NX options at the same time are not compatible";
        return Err(ModelReply::error(text));
    }
    if flags.incr && words.len() > 2 {
        let text = "INCR option supports a single increment-element pair";
        return Err(ModelReply::error(text));
    }
    add_all(call, &words, &flags)
}

fn add_all(call: &mut Call<'_>, words: &[Vec<u8>], flags: &Flags) -> Outcome {
    let mut pairs: Vec<Pair> = Vec::new();
    for pair in words.chunks(2) {
        pairs.push((
            pair[1].clone(),
            float_of(&pair[0], "value is not a valid float")?,
        ));
    }
    let limits = call.model.limits;
    let Some(mut zset) = created(call, &pairs, flags.xx)? else {
        return Ok(match flags.incr {
            true => ModelReply::Bulk(None),
            false => ModelReply::Int(0),
        });
    };
    let (mut added, mut updated, mut outcome) = (0, 0, None);
    for (member, score) in pairs {
        let old = zset.score(&member);
        let new = if flags.incr {
            old.unwrap_or(0.0) + score
        } else {
            score
        };
        if new.is_nan() {
            return Err(ModelReply::error("resulting score is not a number (NaN)"));
        }
        let refused = match old {
            None => flags.xx,
            Some(old) => flags.nx || (flags.gt && new <= old) || (flags.lt && new >= old),
        };
        if refused {
            continue;
        }
        outcome = Some(new);
        match old {
            None => added += 1,
            Some(old) if old != new => updated += 1,
            Some(_) => {}
        }
        zset.add(member, new, &limits);
    }
    call.write(1, zset);
    match (flags.incr, outcome) {
        (true, None) => Ok(ModelReply::Bulk(None)),
        (true, Some(score)) => double(score),
        (false, _) => Ok(ModelReply::Int(added + if flags.ch { updated } else { 0 })),
    }
}

/// The sorted set, or a new one in the form for these pairs; none if it may not be made.
fn created(
    call: &mut Call<'_>,
    pairs: &[Pair],
    must_be_there: bool,
) -> Result<Option<ZSet>, ModelReply> {
    let limits = call.model.limits;
    let small = pairs.len() <= limits.zset_entries
        && pairs
            .iter()
            .all(|(member, _)| member.len() <= limits.zset_bytes);
    let form = if small { Form::Pack } else { Form::Big };
    Ok(match call.read::<ZSet>(1)? {
        Some(mut zset) => {
            // What is asked for decides, not what comes of it.
            if zset.form == Form::Pack {
                zset.form = form;
            }
            Some(zset)
        }
        None if must_be_there => None,
        None => Some(ZSet::new(form)),
    })
}

pub(crate) fn zincrby(call: &mut Call<'_>) -> Outcome {
    let flags = Flags {
        incr: true,
        ..Flags::default()
    };
    let words = call.rest(2);
    add_all(call, &words, &flags)
}

pub(crate) fn zscore(call: &mut Call<'_>) -> Outcome {
    score_of(&read(call, 1)?, &call.args[2])
}

fn score_of(zset: &ZSet, member: &[u8]) -> Outcome {
    zset.score(member)
        .map_or(Ok(ModelReply::Bulk(None)), double)
}

pub(crate) fn zmscore(call: &mut Call<'_>) -> Outcome {
    let zset = read(call, 1)?;
    let scores = call.rest(2);
    let scores: Result<Vec<_>, _> = scores
        .iter()
        .map(|member| score_of(&zset, member))
        .collect();
    Ok(ModelReply::Array(scores?))
}

pub(crate) fn zcard(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::len(read(call, 1)?.pairs.len()))
}

pub(crate) fn zrem(call: &mut Call<'_>) -> Outcome {
    let mut zset = read(call, 1)?;
    let members = call.rest(2);
    let removed = members.iter().filter(|member| zset.remove(member)).count();
    if removed > 0 {
        call.write(1, zset);
    }
    Ok(ModelReply::len(removed))
}

pub(crate) fn zrank(call: &mut Call<'_>) -> Outcome {
    rank(call, false)
}

pub(crate) fn zrevrank(call: &mut Call<'_>) -> Outcome {
    rank(call, true)
}

fn rank(call: &mut Call<'_>, reverse: bool) -> Outcome {
    let with_score = match call.args.len() {
        3 => false,
        4 if call.is_word(3, "WITHSCORE") => true,
        4 => return Err(syntax_error()),
        _ => return Err(ModelReply::Unsure),
    };
    let zset = read(call, 1)?;
    let Some(rank) = zset.rank(&call.args[2]) else {
        return Ok(if with_score {
            ModelReply::NilArray
        } else {
            ModelReply::Bulk(None)
        });
    };
    let shown = if reverse {
        zset.pairs.len() - 1 - rank
    } else {
        rank
    };
    let shown = ModelReply::len(shown);
    Ok(match with_score {
        true => ModelReply::Array(vec![shown, double(zset.pairs[rank].1)?]),
        false => shown,
    })
}

pub(crate) fn zpopmin(call: &mut Call<'_>) -> Outcome {
    pop(call, false)
}

pub(crate) fn zpopmax(call: &mut Call<'_>) -> Outcome {
    pop(call, true)
}

fn pop(call: &mut Call<'_>, highest: bool) -> Outcome {
    let count = match call.args.len() {
        2 => 1,
        3 => call.count(2)?,
        _ => return Err(ModelReply::Unsure),
    };
    let mut zset = read(call, 1)?;
    let popped = take(&mut zset, highest, count);
    if !popped.is_empty() {
        call.write(1, zset);
    }
    with_scores(&popped)
}

fn take(zset: &mut ZSet, highest: bool, count: usize) -> Vec<Pair> {
    let count = count.min(zset.pairs.len());
    let next = |_| {
        if highest {
            zset.pairs.pop()
        } else {
            Some(zset.pairs.remove(0))
        }
    };
    (0..count).filter_map(next).collect()
}

/// Members and scores, one after the other.
pub(crate) fn with_scores(pairs: &[Pair]) -> Outcome {
    let mut flat = Vec::new();
    for (member, score) in pairs {
        flat.extend([ModelReply::bulk(member), double(*score)?]);
    }
    Ok(ModelReply::Array(flat))
}

/// ZMPOP. Unsure: what is said about wrong counts.
pub(crate) fn zmpop(call: &mut Call<'_>) -> Outcome {
    let keys = call.keys_of(1)?;
    let at = keys.end;
    let highest = match call.args.get(at) {
        Some(word) if word.eq_ignore_ascii_case(b"MAX") => true,
        Some(word) if word.eq_ignore_ascii_case(b"MIN") => false,
        _ => return Err(ModelReply::Unsure),
    };
    let count = match call.args.len() - at {
        1 => 1,
        3 if call.is_word(at + 1, "COUNT") => match call.int(at + 2) {
            Ok(count) if count > 0 => usize::try_from(count).unwrap_or(usize::MAX),
            _ => return Err(ModelReply::Unsure),
        },
        _ => return Err(ModelReply::Unsure),
    };
    for position in keys {
        if let Some(mut zset) = call.read::<ZSet>(position)? {
            let popped = take(&mut zset, highest, count);
            call.write(position, zset);
            let mut pairs = Vec::new();
            for (member, score) in &popped {
                pairs.push(ModelReply::Array(vec![
                    ModelReply::bulk(member),
                    double(*score)?,
                ]));
            }
            return Ok(ModelReply::Array(vec![
                ModelReply::bulk(&call.args[position]),
                ModelReply::Array(pairs),
            ]));
        }
    }
    Ok(ModelReply::NilArray)
}

//! Ranges of sorted sets by rank, score and member: reading, counting, removing, storing.

use crate::access::{float_of, span};
use crate::db::Form;
use crate::zsets::{Pair, ZSet, read, with_scores};
use crate::{Call, ModelReply, Outcome};

/// One end of a range of members.
#[derive(Clone, Debug)]
enum Lex {
    Min,
    Max,
    At(Vec<u8>, bool),
}

/// What a range is about.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Rank,
    Score,
    Lex,
}

/// A condition on pairs.
type Test = Box<dyn Fn(&Pair) -> bool>;

/// `LIMIT offset count`.
type Limit = Option<(i64, i64)>;

fn score_test(low: &[u8], high: &[u8]) -> Result<Test, ModelReply> {
    let end = |text: &[u8]| -> Result<(f64, bool), ModelReply> {
        let (text, open) = match text {
            [b'(', rest @ ..] => (rest, true),
            text => (text, false),
        };
        // Later versions differ about an empty number, and white space before one counts for
        // nothing.
        if text.is_empty() || text.iter().any(u8::is_ascii_whitespace) {
            return Err(ModelReply::Unsure);
        }
        Ok((float_of(text, "min or max is not a float")?, open))
    };
    let ((low, low_open), (high, high_open)) = (end(low)?, end(high)?);
    Ok(Box::new(move |(_, score)| {
        let above = if low_open {
            *score > low
        } else {
            *score >= low
        };
        let below = if high_open {
            *score < high
        } else {
            *score <= high
        };
        above && below
    }))
}

fn lex_test(low: &[u8], high: &[u8]) -> Result<Test, ModelReply> {
    let end = |text: &[u8]| match text {
        b"-" => Ok(Lex::Min),
        b"+" => Ok(Lex::Max),
        [b'(', rest @ ..] => Ok(Lex::At(rest.to_vec(), true)),
        [b'[', rest @ ..] => Ok(Lex::At(rest.to_vec(), false)),
        _ => Err(ModelReply::error("min or max not valid string range item")),
    };
    let (low, high) = (end(low)?, end(high)?);
    Ok(Box::new(move |(member, _)| {
        let above = match &low {
            Lex::Min => true,
            Lex::Max => false,
            Lex::At(low, true) => member > low,
            Lex::At(low, false) => member >= low,
        };
        let below = match &high {
            Lex::Min => false,
            Lex::Max => true,
            Lex::At(high, true) => member < high,
            Lex::At(high, false) => member <= high,
        };
        above && below
    }))
}

/// Whether members are in an order that a range by member needs.
fn has_one_score(zset: &ZSet) -> bool {
    zset.pairs.windows(2).all(|pair| pair[0].1 == pair[1].1)
}

/// A range that is asked for.
struct Ask {
    by: By,
    reverse: bool,
    limit: Limit,
    with_scores: bool,
    /// Positions of both ends.
    ends: (usize, usize),
}

fn select(call: &Call<'_>, ask: &Ask, zset: &ZSet) -> Result<Vec<Pair>, ModelReply> {
    let (low, high) = if ask.reverse && ask.by != By::Rank {
        (ask.ends.1, ask.ends.0)
    } else {
        ask.ends
    };
    let mut pairs = zset.pairs.clone();
    if ask.reverse {
        pairs.reverse();
    }
    let test = match ask.by {
        By::Rank => {
            let range = span(call.int(low)?, call.int(high)?, pairs.len());
            return Ok(pairs[range].to_vec());
        }
        By::Score => score_test(&call.args[low], &call.args[high])?,
        By::Lex => lex_test(&call.args[low], &call.args[high])?,
    };
    if ask.by == By::Lex && !has_one_score(zset) {
        return Err(ModelReply::Unsure);
    }
    pairs.retain(|pair| test(pair));
    if let Some((offset, count)) = ask.limit {
        let Ok(offset) = usize::try_from(offset) else {
            return Ok(Vec::new());
        };
        pairs = pairs.into_iter().skip(offset).collect();
        if let Ok(count) = usize::try_from(count) {
            pairs.truncate(count);
        }
    }
    Ok(pairs)
}

/// Reads options from `at` on.
fn options(call: &Call<'_>, mut at: usize, ask: &mut Ask, unified: bool) -> Result<(), ModelReply> {
    while at < call.args.len() {
        // What is said twice is an error for some words.
        let word = &call.args[at];
        if call.args[4..at]
            .iter()
            .any(|before| before.eq_ignore_ascii_case(word))
        {
            return Err(ModelReply::Unsure);
        }
        if call.is_word(at, "WITHSCORES") {
            ask.with_scores = true;
        } else if call.is_word(at, "LIMIT") && at + 2 < call.args.len() {
            let number = |at| call.int(at).map_err(|_| ModelReply::Unsure);
            ask.limit = Some((number(at + 1)?, number(at + 2)?));
            at += 2;
        } else if unified && call.is_word(at, "REV") {
            ask.reverse = true;
        } else if unified && call.is_word(at, "BYSCORE") {
            ask.by = By::Score;
        } else if unified && call.is_word(at, "BYLEX") {
            ask.by = By::Lex;
        } else {
            return Err(ModelReply::Unsure);
        }
        at += 1;
    }
    let bad_limit = ask.limit.is_some() && ask.by == By::Rank;
    if bad_limit || (ask.with_scores && ask.by == By::Lex) {
        return Err(ModelReply::Unsure);
    }
    Ok(())
}

fn range(call: &mut Call<'_>, by: By, reverse: bool, unified: bool) -> Outcome {
    let mut ask = Ask {
        by,
        reverse,
        limit: None,
        with_scores: false,
        ends: (2, 3),
    };
    options(call, 4, &mut ask, unified)?;
    // Wrong ends are found before a wrong type.
    select(call, &ask, &ZSet::new(Form::Pack))?;
    let zset = read(call, 1)?;
    let pairs = select(call, &ask, &zset)?;
    if ask.with_scores {
        return with_scores(&pairs);
    }
    Ok(ModelReply::bulks(
        pairs.into_iter().map(|(member, _)| member),
    ))
}

pub(crate) fn zrange(call: &mut Call<'_>) -> Outcome {
    range(call, By::Rank, false, true)
}

pub(crate) fn zrevrange(call: &mut Call<'_>) -> Outcome {
    range(call, By::Rank, true, false)
}

pub(crate) fn zrangebyscore(call: &mut Call<'_>) -> Outcome {
    range(call, By::Score, false, false)
}

pub(crate) fn zrevrangebyscore(call: &mut Call<'_>) -> Outcome {
    range(call, By::Score, true, false)
}

pub(crate) fn zrangebylex(call: &mut Call<'_>) -> Outcome {
    range(call, By::Lex, false, false)
}

pub(crate) fn zrevrangebylex(call: &mut Call<'_>) -> Outcome {
    range(call, By::Lex, true, false)
}

pub(crate) fn zrangestore(call: &mut Call<'_>) -> Outcome {
    let mut ask = Ask {
        by: By::Rank,
        reverse: false,
        limit: None,
        with_scores: false,
        ends: (3, 4),
    };
    options(call, 5, &mut ask, true)?;
    if ask.with_scores {
        return Err(ModelReply::Unsure);
    }
    select(call, &ask, &ZSet::new(Form::Pack))?;
    let zset = read(call, 2)?;
    let pairs = select(call, &ask, &zset)?;
    store(call, pairs)
}

/// Stores pairs under the first key.
pub(crate) fn store(call: &mut Call<'_>, pairs: Vec<Pair>) -> Outcome {
    let mut result = ZSet::new(Form::Unknown);
    let count = pairs.len();
    for (member, score) in pairs {
        result.put(member, score);
    }
    call.store_result(1, result);
    Ok(ModelReply::len(count))
}

const fn plain(by: By) -> Ask {
    Ask {
        by,
        reverse: false,
        limit: None,
        with_scores: false,
        ends: (2, 3),
    }
}

fn count(call: &mut Call<'_>, by: By) -> Outcome {
    select(call, &plain(by), &ZSet::new(Form::Pack))?;
    let zset = read(call, 1)?;
    Ok(ModelReply::len(select(call, &plain(by), &zset)?.len()))
}

pub(crate) fn zcount(call: &mut Call<'_>) -> Outcome {
    count(call, By::Score)
}

pub(crate) fn zlexcount(call: &mut Call<'_>) -> Outcome {
    count(call, By::Lex)
}

fn remove(call: &mut Call<'_>, by: By) -> Outcome {
    select(call, &plain(by), &ZSet::new(Form::Pack))?;
    let mut zset = read(call, 1)?;
    let removed = select(call, &plain(by), &zset)?;
    for (member, _) in &removed {
        zset.remove(member);
    }
    if !removed.is_empty() {
        call.write(1, zset);
    }
    Ok(ModelReply::len(removed.len()))
}

pub(crate) fn zremrangebyrank(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Rank)
}

pub(crate) fn zremrangebyscore(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Score)
}

pub(crate) fn zremrangebylex(call: &mut Call<'_>) -> Outcome {
    remove(call, By::Lex)
}

//! LCS by the textbook: the whole table of lengths, then the walk back from its corner.

use crate::access::wrong_type;
use crate::{Call, ModelReply, Outcome, STRING_LEN_MAX, syntax_error};

#[derive(Default)]
struct Options {
    len: bool,
    idx: bool,
    with_match_len: bool,
    match_len_min: i64,
}

/// Positions in both strings of one matched byte, or of the ends of one stretch.
type Pair = (usize, usize);

pub(crate) fn lcs(call: &mut Call<'_>) -> Outcome {
    let (a, b) = (input(call, 1)?, input(call, 2)?);
    let options = options(call)?;
    if options.len && options.idx {
        let text = "If you want both the length and indexes, please just use IDX.";
        return Err(ModelReply::error(text));
    }
    if (a.len() + 1) * (b.len() + 1) * 4 > STRING_LEN_MAX {
        let text = "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
        return Err(ModelReply::error(text));
    }
    let pairs = pairs(&a, &b);
    let len = ModelReply::Int(pairs.len() as i64);
    if options.len {
        return Ok(len);
    }
    if !options.idx {
        return Ok(ModelReply::Bulk(Some(
            pairs.iter().rev().map(|&(i, _)| a[i]).collect(),
        )));
    }
    let matches = stretches(&pairs).into_iter().filter_map(|(first, last)| {
        let match_len = (last.0 - first.0 + 1) as i64;
        let int = |position: usize| ModelReply::Int(position as i64);
        let mut reply = vec![
            ModelReply::Array(vec![int(first.0), int(last.0)]),
            ModelReply::Array(vec![int(first.1), int(last.1)]),
        ];
        if options.with_match_len {
            reply.push(ModelReply::Int(match_len));
        }
        (match_len >= options.match_len_min).then_some(ModelReply::Array(reply))
    });
    Ok(ModelReply::Array(vec![
        ModelReply::bulk(b"matches"),
        ModelReply::Array(matches.collect()),
        ModelReply::bulk(b"len"),
        len,
    ]))
}

fn input(call: &mut Call<'_>, position: usize) -> Result<Vec<u8>, ModelReply> {
    match call.value(position) {
        Err(error) if error == wrong_type() => {
            let text = "The specified keys must contain string values";
            Err(ModelReply::error(text))
        }
        value => Ok(value?.unwrap_or_default()),
    }
}

fn options(call: &Call<'_>) -> Result<Options, ModelReply> {
    let (mut options, mut at) = (Options::default(), 3);
    while at < call.args.len() {
        if call.is_word(at, "IDX") {
            options.idx = true;
        } else if call.is_word(at, "LEN") {
            options.len = true;
        } else if call.is_word(at, "WITHMATCHLEN") {
            options.with_match_len = true;
        } else if call.is_word(at, "MINMATCHLEN") && at + 1 < call.args.len() {
            options.match_len_min = call.int(at + 1)?;
            at += 1;
        } else {
            return Err(syntax_error());
        }
        at += 1;
    }
    Ok(options)
}

/// The matched positions, last one first.
fn pairs(a: &[u8], b: &[u8]) -> Vec<Pair> {
    let mut table = vec![vec![0u32; b.len() + 1]; a.len() + 1];
    for i in 0..a.len() {
        for j in 0..b.len() {
            table[i + 1][j + 1] = if a[i] == b[j] {
                table[i][j] + 1
            } else {
                table[i][j + 1].max(table[i + 1][j])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (a.len(), b.len(), vec![]);
    while i > 0 && j > 0 {
        if a[i - 1] == b[j - 1] {
            pairs.push((i - 1, j - 1));
            (i, j) = (i - 1, j - 1);
        } else if table[i - 1][j] > table[i][j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    pairs
}

/// Joins neighbours: first and last pair of each stretch, last stretch first.
fn stretches(pairs: &[Pair]) -> Vec<(Pair, Pair)> {
    let mut all: Vec<(Pair, Pair)> = vec![];
    for &(i, j) in pairs {
        match all.last_mut() {
            Some((first, _)) if *first == (i + 1, j + 1) => *first = (i, j),
            _ => all.push(((i, j), (i, j))),
        }
    }
    all
}

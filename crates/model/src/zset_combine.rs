//! Unions, intersections and differences of sorted sets, with sets among them.

use crate::access::{float_of, wrong_type};
use crate::db::{Collection as _, Value};
use crate::sets::Set;
use crate::zset_ranges::store;
use crate::zsets::{Pair, ZSet, with_scores};
use crate::{Call, ModelReply, Outcome};
use std::collections::BTreeMap;

#[derive(Clone, Copy, PartialEq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn apply(self, a: f64, b: f64) -> f64 {
        match self {
            // Infinities of both signs cancel out.
            Self::Sum if (a + b).is_nan() => 0.0,
            Self::Sum => a + b,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
        }
    }
}

/// The pairs of a sorted set, or of a set, whose members have the score 1.
fn input(call: &mut Call<'_>, position: usize) -> Result<BTreeMap<Vec<u8>, f64>, ModelReply> {
    match call.entry(position).map(|entry| &entry.value) {
        None => Ok(BTreeMap::new()),
        Some(Value::ZSet(zset)) => Ok(zset.pairs.iter().cloned().collect()),
        Some(value) => {
            let set = Set::of(value).ok_or_else(wrong_type)?;
            Ok(set
                .members
                .iter()
                .map(|member| (member.clone(), 1.0))
                .collect())
        }
    }
}

struct Options {
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
}

/// Options behind the keys. What is said about wrong ones is not known for certain.
fn options(call: &Call<'_>, mut at: usize, keys: usize) -> Result<Options, ModelReply> {
    let mut options = Options {
        weights: vec![1.0; keys],
        aggregate: Aggregate::Sum,
        with_scores: false,
    };
    while at < call.args.len() {
        if call.is_word(at, "WITHSCORES") {
            options.with_scores = true;
            at += 1;
        } else if call.is_word(at, "WEIGHTS") && at + keys < call.args.len() {
            let weights = call.args[at + 1..=at + keys].iter();
            let weights: Result<Vec<f64>, _> = weights.map(|word| float_of(word, "")).collect();
            options.weights = weights.map_err(|_| ModelReply::Unsure)?;
            at += 1 + keys;
        } else if call.is_word(at, "AGGREGATE") && at + 1 < call.args.len() {
            let word = String::from_utf8_lossy(&call.args[at + 1]).to_uppercase();
            options.aggregate = match word.as_str() {
                "SUM" => Aggregate::Sum,
                "MIN" => Aggregate::Min,
                "MAX" => Aggregate::Max,
                _ => return Err(ModelReply::Unsure),
            };
            at += 2;
        } else {
            return Err(ModelReply::Unsure);
        }
    }
    Ok(options)
}

fn combine(
    call: &mut Call<'_>,
    keys: std::ops::Range<usize>,
    options: &Options,
    operation: Operation,
) -> Result<Vec<Pair>, ModelReply> {
    let mut result: Option<BTreeMap<Vec<u8>, f64>> = None;
    for (position, weight) in keys.zip(&options.weights) {
        let mut next = input(call, position)?;
        for score in next.values_mut() {
            *score *= weight;
            // Nothing times infinity.
            if score.is_nan() {
                *score = 0.0;
            }
        }
        result = Some(match (result, operation) {
            (None, _) => next,
            (Some(all), Operation::Union) => union(all, next, options.aggregate),
            (Some(mut all), Operation::Intersection) => {
                all.retain(|member, _| next.contains_key(member));
                next.retain(|member, _| all.contains_key(member));
                union(all, next, options.aggregate)
            }
            (Some(mut all), Operation::Difference) => {
                all.retain(|member, _| !next.contains_key(member));
                all
            }
        });
    }
    let mut sorted = ZSet::new(crate::db::Form::Unknown);
    for (member, score) in result.unwrap_or_default() {
        if score == 0.0 && score.is_sign_negative() {
            return Err(ModelReply::Unsure);
        }
        sorted.put(member, score);
    }
    Ok(sorted.pairs)
}

fn union(
    mut all: BTreeMap<Vec<u8>, f64>,
    next: BTreeMap<Vec<u8>, f64>,
    aggregate: Aggregate,
) -> BTreeMap<Vec<u8>, f64> {
    for (member, score) in next {
        let score = match all.get(&member) {
            Some(old) => aggregate.apply(*old, score),
            None => score,
        };
        all.insert(member, score);
    }
    all
}

fn show(call: &mut Call<'_>, operation: Operation) -> Outcome {
    let keys = call.keys_of(1)?;
    let options = checked(call, &keys, operation)?;
    let pairs = combine(call, keys, &options, operation)?;
    if options.with_scores {
        return with_scores(&pairs);
    }
    Ok(ModelReply::bulks(
        pairs.into_iter().map(|(member, _)| member),
    ))
}

/// The options; a difference has neither weights nor an aggregate.
fn checked(
    call: &Call<'_>,
    keys: &std::ops::Range<usize>,
    operation: Operation,
) -> Result<Options, ModelReply> {
    let only_scores = call.args.len() - keys.end <= 1;
    if operation == Operation::Difference && !only_scores {
        return Err(ModelReply::Unsure);
    }
    options(call, keys.end, keys.len())
}

fn keep(call: &mut Call<'_>, operation: Operation) -> Outcome {
    let keys = call.keys_of(2)?;
    let options = checked(call, &keys, operation)?;
    if options.with_scores {
        return Err(ModelReply::Unsure);
    }
    let pairs = combine(call, keys, &options, operation)?;
    store(call, pairs)
}

pub(crate) fn zunion(call: &mut Call<'_>) -> Outcome {
    show(call, Operation::Union)
}

pub(crate) fn zinter(call: &mut Call<'_>) -> Outcome {
    show(call, Operation::Intersection)
}

pub(crate) fn zdiff(call: &mut Call<'_>) -> Outcome {
    show(call, Operation::Difference)
}

pub(crate) fn zunionstore(call: &mut Call<'_>) -> Outcome {
    keep(call, Operation::Union)
}

pub(crate) fn zinterstore(call: &mut Call<'_>) -> Outcome {
    keep(call, Operation::Intersection)
}

pub(crate) fn zdiffstore(call: &mut Call<'_>) -> Outcome {
    keep(call, Operation::Difference)
}

/// ZINTERCARD. Unsure: what is said about wrong counts.
pub(crate) fn zintercard(call: &mut Call<'_>) -> Outcome {
    let keys = call.keys_of(1)?;
    let limit = call.limit_option(keys.end)?;
    let options = options(call, call.args.len(), keys.len())?;
    let count = combine(call, keys, &options, Operation::Intersection)?.len();
    Ok(ModelReply::len(
        limit.map_or(count, |limit| count.min(limit)),
    ))
}

//! Sets: members in order, though a server has none. Random picks only where there is no choice.

use crate::db::Form;
use crate::{Call, Limits, ModelReply, Outcome, naive};
use std::collections::BTreeSet;

/// A set.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) members: BTreeSet<Vec<u8>>,
    pub(crate) form: Form,
}

impl Set {
    const fn new(form: Form) -> Self {
        Self {
            members: BTreeSet::new(),
            form,
        }
    }

    /// The form of a new set that begins with `first` and is told of `count` members.
    fn form_for(first: &[u8], count: usize, limits: &Limits) -> Form {
        if naive::parse_int(first).is_some() && count <= limits.set_ints {
            Form::Ints
        } else if count <= limits.set_entries {
            Form::Pack
        } else {
            Form::Big
        }
    }

    fn add(&mut self, member: Vec<u8>, limits: &Limits) -> bool {
        let (is_int, bytes) = (naive::parse_int(&member).is_some(), member.len());
        let before = self.members.len();
        if !self.members.insert(member) {
            return false;
        }
        let fits = before < limits.set_entries && bytes <= limits.set_bytes;
        let packs = fits
            && self
                .members
                .iter()
                .all(|member| member.len() <= limits.set_bytes);
        self.form = match self.form {
            Form::Ints if is_int && before < limits.set_ints => Form::Ints,
            Form::Ints if is_int => Form::Big,
            Form::Ints | Form::Pack if packs => Form::Pack,
            Form::Ints | Form::Pack => Form::Big,
            other => other,
        };
        true
    }
}

pub(crate) fn sadd(call: &mut Call<'_>) -> Outcome {
    let (members, limits) = (call.rest(2), call.model.limits);
    let count = members.len();
    let mut set = match call.read::<Set>(1)? {
        Some(set) => set,
        None => Set::new(Set::form_for(&members[0], count, &limits)),
    };
    let told_too_many = match set.form {
        Form::Ints => count > limits.set_ints,
        Form::Pack => count > limits.set_entries,
        Form::Big | Form::Unknown => false,
    };
    if told_too_many {
        set.form = Form::Big;
    }
    let added = members
        .into_iter()
        .filter(|member| set.add(member.clone(), &limits))
        .count();
    call.write(1, set);
    Ok(ModelReply::len(added))
}

pub(crate) fn srem(call: &mut Call<'_>) -> Outcome {
    let Some(mut set) = call.read::<Set>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    let removed = call.rest(2);
    let removed = removed
        .iter()
        .filter(|member| set.members.remove(*member))
        .count();
    call.write(1, set);
    Ok(ModelReply::len(removed))
}

pub(crate) fn scard(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::len(members(call, 1)?.len()))
}

/// The members of a set that may be missing.
pub(crate) fn members(
    call: &mut Call<'_>,
    position: usize,
) -> Result<BTreeSet<Vec<u8>>, ModelReply> {
    Ok(call
        .read::<Set>(position)?
        .map(|set| set.members)
        .unwrap_or_default())
}

pub(crate) fn sismember(call: &mut Call<'_>) -> Outcome {
    let is_there = members(call, 1)?.contains(&call.args[2]);
    Ok(ModelReply::Int(is_there.into()))
}

pub(crate) fn smismember(call: &mut Call<'_>) -> Outcome {
    let members = members(call, 1)?;
    let answers = call
        .rest(2)
        .into_iter()
        .map(|member| ModelReply::Int(members.contains(&member).into()));
    Ok(ModelReply::Array(answers.collect()))
}

pub(crate) fn smembers(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::bag(members(call, 1)?))
}

pub(crate) fn smove(call: &mut Call<'_>) -> Outcome {
    let limits = call.model.limits;
    let Some(mut source) = call.read::<Set>(1)? else {
        return Ok(ModelReply::Int(0));
    };
    call.read::<Set>(2)?;
    let member = call.args[3].clone();
    if call.args[1] == call.args[2] {
        return Ok(ModelReply::Int(source.members.contains(&member).into()));
    }
    if !source.members.remove(&member) {
        return Ok(ModelReply::Int(0));
    }
    call.write(1, source);
    let mut target = match call.read::<Set>(2)? {
        Some(set) => set,
        None => Set::new(Set::form_for(&member, 1, &limits)),
    };
    target.add(member, &limits);
    call.write(2, target);
    Ok(ModelReply::Int(1))
}

/// SPOP, where all go or none does.
pub(crate) fn spop(call: &mut Call<'_>) -> Outcome {
    if call.args.len() > 3 {
        return Err(ModelReply::Unsure);
    }
    let count = match call.args.len() {
        2 => None,
        _ => Some(call.count(2)?),
    };
    let Some(set) = call.read::<Set>(1)? else {
        return Ok(match count {
            None => ModelReply::Bulk(None),
            Some(_) => ModelReply::Bag(Vec::new(), 1),
        });
    };
    let size = set.members.len();
    let form = set.form;
    match count {
        Some(0) => Ok(ModelReply::Bag(Vec::new(), 1)),
        Some(count) if count >= size => {
            call.write(1, Set::new(form));
            Ok(ModelReply::bag(set.members))
        }
        None if size == 1 => {
            call.write(1, Set::new(form));
            Ok(ModelReply::Bulk(set.members.into_iter().next()))
        }
        _ => Err(ModelReply::Unsure),
    }
}

/// SRANDMEMBER, where there is no choice.
pub(crate) fn srandmember(call: &mut Call<'_>) -> Outcome {
    if call.args.len() != 3 {
        return Err(ModelReply::Unsure);
    }
    let count = call.int(2).map_err(|_| ModelReply::Unsure)?;
    if count == i64::MIN {
        return Err(ModelReply::error(&format!(
            "value is out of range, value must between {} and {}",
            -i64::MAX,
            i64::MAX
        )));
    }
    let members = members(call, 1)?;
    let enough = usize::try_from(count).is_ok_and(|count| count >= members.len());
    if count == 0 || enough || members.is_empty() {
        let none = count == 0;
        let members = if none { BTreeSet::new() } else { members };
        return Ok(ModelReply::bag(members));
    }
    Err(ModelReply::Unsure)
}

#[derive(Clone, Copy)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// Combines the sets of these keys. Every key is looked at, so that a wrong type is found.
fn combine(
    call: &mut Call<'_>,
    keys: std::ops::Range<usize>,
    operation: Operation,
) -> Result<BTreeSet<Vec<u8>>, ModelReply> {
    let mut result: Option<BTreeSet<Vec<u8>>> = None;
    for position in keys {
        let next = members(call, position)?;
        result = Some(match (result, operation) {
            (None, _) => next,
            (Some(all), Operation::Union) => all.union(&next).cloned().collect(),
            (Some(all), Operation::Intersection) => all.intersection(&next).cloned().collect(),
            (Some(all), Operation::Difference) => all.difference(&next).cloned().collect(),
        });
    }
    Ok(result.unwrap_or_default())
}

pub(crate) fn sunion(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::bag(combine(
        call,
        1..call.args.len(),
        Operation::Union,
    )?))
}

pub(crate) fn sinter(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::bag(combine(
        call,
        1..call.args.len(),
        Operation::Intersection,
    )?))
}

pub(crate) fn sdiff(call: &mut Call<'_>) -> Outcome {
    Ok(ModelReply::bag(combine(
        call,
        1..call.args.len(),
        Operation::Difference,
    )?))
}

pub(crate) fn sunionstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Union)
}

pub(crate) fn sinterstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Intersection)
}

pub(crate) fn sdiffstore(call: &mut Call<'_>) -> Outcome {
    store(call, Operation::Difference)
}

fn store(call: &mut Call<'_>, operation: Operation) -> Outcome {
    let members = combine(call, 2..call.args.len(), operation)?;
    let count = members.len();
    let form = Form::Unknown;
    call.store_result(1, Set { members, form });
    Ok(ModelReply::len(count))
}

/// SINTERCARD. Unsure: what is said about wrong counts.
pub(crate) fn sintercard(call: &mut Call<'_>) -> Outcome {
    let keys = call.keys_of(1)?;
    let limit = call.limit_option(keys.end)?;
    let count = combine(call, keys, Operation::Intersection)?.len();
    Ok(ModelReply::len(
        limit.map_or(count, |limit| count.min(limit)),
    ))
}

impl Call<'_> {
    /// `LIMIT n` at the end; none if it is 0 or not said.
    pub(crate) fn limit_option(&self, at: usize) -> Result<Option<usize>, ModelReply> {
        match self.args.len() - at {
            0 => Ok(None),
            2 if self.is_word(at, "LIMIT") => {
                let limit = self.int(at + 1).map_err(|_| ModelReply::Unsure)?;
                let limit = usize::try_from(limit).map_err(|_| ModelReply::Unsure)?;
                Ok(Some(limit).filter(|limit| *limit > 0))
            }
            _ => Err(ModelReply::Unsure),
        }
    }
}

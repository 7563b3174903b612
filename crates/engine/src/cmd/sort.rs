//! SORT and SORT_RO: the elements of a list, a set or a sorted set in order, or what keys named
//! after them hold.

mod options;
mod order;
mod pattern;
mod source;

use alloc::vec::Vec;
use core::cmp::Ordering;

use vk_data::{
    list::ListBuilder,
    num::INT_TEXT_MAX,
    value::{StrRef, ValueType},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Begin, Categories, CommandSpec, Find, Flags, Group, KeyFlags, KeySpec};

use super::{Command, Run, list};
use crate::{
    Error,
    config::EventFlags,
    ctx::{Expire, ReadCtx, WriteCtx},
};

use options::{By, Options};
use order::{Ranked, Words, common_prefix, number, sort as sort_ranked};
use pattern::Pattern;
use source::Source;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[SORT, SORT_RO];

const SORT: Command = Command {
    spec: CommandSpec {
        name: "sort",
        group: Group::Generic,
        since: "1.0.0",
        summary: "Tells or stores the elements of a list, a set or a sorted set in order.",
        complexity: COMPLEXITY,
        arity: -2,
        flags: Flags::DENYOOM,
        categories: CATEGORIES,
        keys: &[
            KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
            NAMED_KEYS,
            KeySpec {
                begin: Begin::Unknown,
                find: Find::Unknown,
                flags: KeyFlags::OW.union(KeyFlags::UPDATE),
                notes: "The destination is what follows the last `STORE` that is an option.",
            },
        ],
        args: &[
            KEY,
            BY,
            LIMIT,
            GET,
            ORDER,
            ALPHA,
            ArgSpec::key("destination", 2).token("STORE").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(sort),
};

const SORT_RO: Command = Command {
    spec: CommandSpec {
        name: "sort_ro",
        group: Group::Generic,
        since: "7.0.0",
        summary: "Tells the elements of a list, a set or a sorted set in order.",
        complexity: COMPLEXITY,
        arity: -2,
        categories: CATEGORIES,
        keys: &[
            KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
            NAMED_KEYS,
        ],
        args: &[KEY, BY, LIMIT, GET, ORDER, ALPHA],
        ..CommandSpec::NEW
    },
    run: Run::Read(sort_ro),
};

const COMPLEXITY: &str = "O(N+M*log(M)) where N is the number of elements and M the number of \
    elements that are told; O(N) if nothing is sorted";
const CATEGORIES: Categories = Categories::SET
    .union(Categories::SORTEDSET)
    .union(Categories::LIST)
    .union(Categories::DANGEROUS);
const NAMED_KEYS: KeySpec = KeySpec {
    begin: Begin::Unknown,
    find: Find::Unknown,
    flags: KeyFlags::RO.union(KeyFlags::ACCESS),
    notes: "Keys whose names are made of `BY` and `GET` and of the elements are read, too.",
};

const KEY: ArgSpec = ArgSpec::key("key", 0);
const BY: ArgSpec = ArgSpec::key_pattern("by-pattern", 1)
    .token("BY")
    .display("pattern")
    .optional();
const LIMIT: ArgSpec = ArgSpec::block(
    "limit",
    &[ArgSpec::integer("offset"), ArgSpec::integer("count")],
)
.token("LIMIT")
.optional();
const GET: ArgSpec = ArgSpec::key_pattern("get-pattern", 1)
    .token("GET")
    .display("pattern")
    .multiple()
    .multiple_token()
    .optional();
const ORDER: ArgSpec = ArgSpec::one_of(
    "order",
    &[
        ArgSpec::pure_token("asc", "ASC"),
        ArgSpec::pure_token("desc", "DESC"),
    ],
)
.optional();
const ALPHA: ArgSpec = ArgSpec::pure_token("sorting", "ALPHA").optional();

fn sort_ro(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request.skip(2), false)?;
    let sorted = Sorted::of(ctx, &options)?;
    sorted.tell(ctx, &options, reply)
}

fn sort(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request.skip(2), true)?;
    let sorted = Sorted::of(ctx, &options)?;
    if options.stores {
        sorted.store(ctx, &options, reply)
    } else {
        sorted.tell(ctx, &options, reply)
    }
}

/// Elements that have been put in order.
struct Sorted {
    elements: Words,
    /// Which elements in which order; all of them as they are if there is none.
    order: Option<Vec<usize>>,
}

impl Sorted {
    /// Sorts the first key of the request.
    fn of(ctx: &mut ReadCtx<'_>, options: &Options<'_>) -> Result<Self, Error> {
        let key = ctx.key(0)?;
        let Some(entry) = ctx.lookup(key) else {
            return Ok(Self {
                elements: Words::default(),
                order: None,
            });
        };
        let source = Source::of(entry).ok_or(Error::WRONG_TYPE)?;
        let len = source.len();
        let window = options.window(len);
        // The order of a set is nobody's business: what is stored must follow from its members.
        let is_set = entry.value_type() == ValueType::Set;
        let (by, alpha) = match options.by {
            By::Nothing if is_set && options.stores => (By::Element, true),
            by => (by, options.alpha),
        };
        if matches!(by, By::Nothing) {
            return Ok(Self {
                elements: source.natural(window, options.descending),
                order: None,
            });
        }
        let mut elements = Words::with_capacity(len);
        source.for_each(|element| elements.push_item(element));
        let mut ranked = rank(ctx, by, alpha, &elements, |ranked, tie| {
            sort_ranked(ranked, window.clone(), options.descending, tie);
        })?;
        ranked.truncate(window.end);
        let wanted = ranked.get(window.start..).unwrap_or_default();
        let order = wanted.iter().map(|ranked| ranked.index).collect();
        Ok(Self {
            elements,
            order: Some(order),
        })
    }

    /// Elements that are wanted.
    fn len(&self) -> usize {
        let order = self.order.as_ref();
        order.map_or(self.elements.len(), Vec::len)
    }

    /// The wanted elements in order.
    fn iter(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let order = self.order.as_deref();
        (0..self.len()).map(move |at| {
            let Some(order) = order else {
                return self.elements.get(at);
            };
            // Sorted elements lie anywhere: their memory is asked for in good time.
            if let Some(index) = order.get(at + 2 * ELEMENTS_AHEAD) {
                self.elements.prefetch_place(*index);
            }
            if let Some(index) = order.get(at + ELEMENTS_AHEAD) {
                self.elements.prefetch(*index);
            }
            let index = order.get(at).copied().unwrap_or_default();
            self.elements.get(index)
        })
    }

    /// Hands everything that is asked for to `take`, in order; what is not there is `None`.
    fn for_each(
        &self,
        ctx: &mut ReadCtx<'_>,
        gets: &[Pattern<'_>],
        mut take: impl FnMut(Option<StrRef<'_>>),
    ) -> Result<(), Error> {
        let mut name = Vec::new();
        for element in self.iter() {
            if gets.is_empty() {
                take(Some(StrRef::Bytes(element)));
            }
            for get in gets {
                get.look_up(ctx, element, &mut name, &mut take)?;
            }
        }
        Ok(())
    }

    /// Values that [`Sorted::for_each`] hands out.
    fn values(&self, gets: &[Pattern<'_>]) -> usize {
        self.len().saturating_mul(gets.len().max(1))
    }

    fn tell(
        &self,
        ctx: &mut ReadCtx<'_>,
        options: &Options<'_>,
        reply: &mut ReplyBuf,
    ) -> Result<(), Error> {
        reply.array(self.values(&options.gets));
        self.for_each(ctx, &options.gets, |value| match value {
            Some(StrRef::Int(number)) => reply.bulk_int(number),
            Some(StrRef::Bytes(bytes)) => reply.bulk(bytes),
            Some(StrRef::Blob(blob)) => reply.blob(blob, 0..blob.len()),
            None => reply.null(),
        })
    }

    fn store(
        &self,
        ctx: &mut WriteCtx<'_>,
        options: &Options<'_>,
        reply: &mut ReplyBuf,
    ) -> Result<(), Error> {
        let target = ctx.key(1)?;
        let values = self.values(&options.gets);
        let mut list = ListBuilder::new(list::limits(ctx));
        if options.gets.is_empty() {
            list.extend(self.iter());
        } else {
            let mut found = Words::with_capacity(values);
            self.for_each(ctx, &options.gets, |value| {
                let value = value.unwrap_or(StrRef::Bytes(b""));
                found.push(value.bytes(&mut [0; INT_TEXT_MAX]));
            })?;
            list.extend(found.iter());
        }
        let mut writer = ctx.write(target);
        if values > 0 {
            list.finish()
                .store(|value| writer.put(value, Expire::Never));
            writer.commit(&[(EventFlags::LIST, "sortstore")]);
        } else if writer.remove() {
            writer.commit(&[(EventFlags::GENERIC, "del")]);
        }
        reply.int(i64::try_from(values).unwrap_or(i64::MAX));
        Ok(())
    }
}

/// Elements between asking for memory and reading it.
const ELEMENTS_AHEAD: usize = 8;

/// Compares the elements of equal keys, by their numbers.
type Tie<'t> = &'t dyn Fn(usize, usize) -> Ordering;

/// Finds out what elements are compared by and has them sorted.
fn rank(
    ctx: &mut ReadCtx<'_>,
    by: By<'_>,
    alpha: bool,
    elements: &Words,
    sort: impl FnOnce(&mut [Ranked], Tie<'_>),
) -> Result<Vec<Ranked>, Error> {
    let bytes = |a: usize, b: usize| elements.get(a).cmp(elements.get(b));
    let all = 0..elements.len();
    let mut ranked: Vec<Ranked>;
    match (by, alpha) {
        (By::Pattern(pattern), true) => {
            let texts = Texts::named(ctx, pattern, elements)?;
            let prefix = common_prefix((0..elements.len()).filter_map(|at| texts.get(at)));
            let first = |at| Ranked::by_text(at, texts.get(at).unwrap_or_default(), prefix);
            ranked = all.map(first).collect();
            sort(&mut ranked, &|a, b| {
                texts.get(a).cmp(&texts.get(b)).then_with(|| bytes(a, b))
            });
        }
        (By::Pattern(pattern), false) => {
            ranked = rank_by_named_number(ctx, pattern, elements)?;
            sort(&mut ranked, &bytes);
        }
        (_, true) => {
            let prefix = common_prefix(elements.iter());
            let first = |at| Ranked::by_text(at, elements.get(at), prefix);
            ranked = all.map(first).collect();
            sort(&mut ranked, &bytes);
        }
        (_, false) => {
            let by_number = |at| Some(Ranked::by_number(at, number(elements.get(at))?));
            let numbers: Option<Vec<Ranked>> = all.map(by_number).collect();
            ranked = numbers.ok_or(Error::SORT_NOT_NUMBERS)?;
            sort(&mut ranked, &bytes);
        }
    }
    Ok(ranked)
}

/// Ranks elements by the numbers that a pattern names; what is not there counts as 0.
fn rank_by_named_number(
    ctx: &mut ReadCtx<'_>,
    pattern: Pattern<'_>,
    elements: &Words,
) -> Result<Vec<Ranked>, Error> {
    let mut name = Vec::new();
    let mut ranked = Vec::with_capacity(elements.len());
    for at in 0..elements.len() {
        let found = pattern.look_up(ctx, elements.get(at), &mut name, |value| match value {
            None => Some(0.0),
            Some(StrRef::Int(value)) => Some(value as f64),
            Some(StrRef::Bytes(bytes)) => number(bytes),
            Some(StrRef::Blob(blob)) => number(blob),
        })?;
        ranked.push(Ranked::by_number(at, found.ok_or(Error::SORT_NOT_NUMBERS)?));
    }
    Ok(ranked)
}

/// Texts that a pattern names, of which some are not there: they come before all others.
struct Texts {
    words: Words,
    there: Vec<bool>,
}

impl Texts {
    fn named(ctx: &mut ReadCtx<'_>, pattern: Pattern<'_>, elements: &Words) -> Result<Self, Error> {
        let mut name = Vec::new();
        let mut words = Words::with_capacity(elements.len());
        let mut there = Vec::with_capacity(elements.len());
        for at in 0..elements.len() {
            pattern.look_up(ctx, elements.get(at), &mut name, |value| {
                there.push(value.is_some());
                let text = value.unwrap_or(StrRef::Bytes(b""));
                words.push(text.bytes(&mut [0; INT_TEXT_MAX]));
            })?;
        }
        Ok(Self { words, there })
    }

    fn get(&self, at: usize) -> Option<&[u8]> {
        let is_there = self.there.get(at).copied().unwrap_or(false);
        is_there.then(|| self.words.get(at))
    }
}

#[cfg(test)]
mod tests;

//! The declarations of the commands that tell or store a range. What they do is in `range`.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{
    ArgSpec, Categories, CommandSpec, Deprecation, Flags, Group, History, KeyFlags, KeySpec,
};

use super::range::{Defaults, Order, tell_range, zrangestore};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

/// What the ends of a range are, if not ranks.
const SORT_BY: ArgSpec = ArgSpec::one_of(
    "sortby",
    &[
        ArgSpec::pure_token("byscore", "BYSCORE"),
        ArgSpec::pure_token("bylex", "BYLEX"),
    ],
);

/// Which part of the range.
const LIMIT: ArgSpec = ArgSpec::block(
    "limit",
    &[ArgSpec::integer("offset"), ArgSpec::integer("count")],
)
.token("LIMIT");

pub(super) const ZRANGE: Command = Command {
    spec: CommandSpec {
        name: "zrange",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Tells the members of a range of ranks, scores or names.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        history: &[History {
            version: "6.2.0",
            change: "The options `REV`, `BYSCORE`, `BYLEX` and `LIMIT` came.",
        }],
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("start"),
            ArgSpec::string("stop"),
            SORT_BY.since("6.2.0").optional(),
            ArgSpec::pure_token("rev", "REV").since("6.2.0").optional(),
            LIMIT.since("6.2.0").optional(),
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrange),
};

pub(super) const ZRANGESTORE: Command = Command {
    spec: CommandSpec {
        name: "zrangestore",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Stores the members of a range of ranks, scores or names under another key.",
        complexity: "O(log(N)+M) for N elements of which M are stored",
        arity: -5,
        flags: Flags::DENYOOM,
        categories: Categories::SORTEDSET,
        keys: &[
            KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("dst", 0),
            ArgSpec::key("src", 1),
            ArgSpec::string("min"),
            ArgSpec::string("max"),
            SORT_BY.optional(),
            ArgSpec::pure_token("rev", "REV").optional(),
            LIMIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zrangestore),
};

pub(super) const ZREVRANGE: Command = Command {
    spec: CommandSpec {
        name: "zrevrange",
        group: Group::SortedSet,
        since: "1.2.0",
        summary: "Tells the members of a range of ranks, from the highest score down.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`ZRANGE` with the `REV` argument",
        }),
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("start"),
            ArgSpec::integer("stop"),
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrevrange),
};

pub(super) const ZRANGEBYSCORE: Command = Command {
    spec: CommandSpec {
        name: "zrangebyscore",
        group: Group::SortedSet,
        since: "1.0.5",
        summary: "Tells the members of a range of scores.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        history: &[History {
            version: "2.0.0",
            change: "The option `WITHSCORES` came.",
        }],
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`ZRANGE` with the `BYSCORE` argument",
        }),
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("min"),
            ArgSpec::double("max"),
            ArgSpec::pure_token("withscores", "WITHSCORES")
                .since("2.0.0")
                .optional(),
            LIMIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrangebyscore),
};

pub(super) const ZREVRANGEBYSCORE: Command = Command {
    spec: CommandSpec {
        name: "zrevrangebyscore",
        group: Group::SortedSet,
        since: "2.2.0",
        summary: "Tells the members of a range of scores, from the highest down.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        history: &[History {
            version: "2.1.6",
            change: "The bounds may be excluded.",
        }],
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`ZRANGE` with the `REV` and `BYSCORE` arguments",
        }),
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("max"),
            ArgSpec::double("min"),
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
            LIMIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrevrangebyscore),
};

pub(super) const ZRANGEBYLEX: Command = Command {
    spec: CommandSpec {
        name: "zrangebylex",
        group: Group::SortedSet,
        since: "2.8.9",
        summary: "Tells the members of a range of names, where all scores are equal.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`ZRANGE` with the `BYLEX` argument",
        }),
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("min"),
            ArgSpec::string("max"),
            LIMIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrangebylex),
};

pub(super) const ZREVRANGEBYLEX: Command = Command {
    spec: CommandSpec {
        name: "zrevrangebylex",
        group: Group::SortedSet,
        since: "2.8.9",
        summary: "Tells the members of a range of names backwards, where all scores are equal.",
        complexity: "O(log(N)+M) for N elements of which M are told",
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`ZRANGE` with the `REV` and `BYLEX` arguments",
        }),
        arity: -4,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("max"),
            ArgSpec::string("min"),
            LIMIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zrevrangebylex),
};

fn zrange(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::NONE, reply)
}

fn zrevrange(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::new(Order::Rank, true), reply)
}

fn zrangebyscore(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::new(Order::Score, false), reply)
}

fn zrevrangebyscore(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::new(Order::Score, true), reply)
}

fn zrangebylex(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::new(Order::Lex, false), reply)
}

fn zrevrangebylex(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    tell_range(ctx, request, Defaults::new(Order::Lex, true), reply)
}

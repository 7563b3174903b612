//! The declarations of the commands that put sorted sets together. What they do is in `combine`.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::combine::{Operation, store_result, tell_result, zintercard};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{ReadCtx, WriteCtx},
};

/// What the scores of each sorted set are multiplied by.
const WEIGHTS: ArgSpec = ArgSpec::integer("weight")
    .token("WEIGHTS")
    .multiple()
    .optional();

/// What becomes of the scores of one member.
const AGGREGATE: ArgSpec = ArgSpec::one_of(
    "aggregate",
    &[
        ArgSpec::pure_token("sum", "SUM"),
        ArgSpec::pure_token("min", "MIN"),
        ArgSpec::pure_token("max", "MAX"),
    ],
)
.token("AGGREGATE")
.optional();

pub(super) const ZUNION: Command = Command {
    spec: CommandSpec {
        name: "zunion",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Tells the members that are in any of several sorted sets.",
        complexity: "O(N)+O(M*log(M)) for N elements in all and M in the result",
        arity: -3,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WEIGHTS,
            AGGREGATE,
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zunion),
};

pub(super) const ZUNIONSTORE: Command = Command {
    spec: CommandSpec {
        name: "zunionstore",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Stores the members that are in any of several sorted sets.",
        complexity: "O(N)+O(M*log(M)) for N elements in all and M in the result",
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::SORTEDSET,
        keys: &[
            KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::counted(2, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("destination", 0),
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 1).multiple(),
            WEIGHTS,
            AGGREGATE,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zunionstore),
};

pub(super) const ZINTER: Command = Command {
    spec: CommandSpec {
        name: "zinter",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Tells the members that are in all of several sorted sets.",
        complexity: "O(N*K)+O(M*log(M)), N in the smallest of K sorted sets, M in the result",
        arity: -3,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            WEIGHTS,
            AGGREGATE,
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zinter),
};

pub(super) const ZINTERCARD: Command = Command {
    spec: CommandSpec {
        name: "zintercard",
        group: Group::SortedSet,
        since: "7.0.0",
        summary: "Counts the members that are in all of several sorted sets.",
        complexity: "O(N*K) for N elements in the smallest of K sorted sets",
        arity: -3,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            ArgSpec::integer("limit").token("LIMIT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zintercard),
};

pub(super) const ZINTERSTORE: Command = Command {
    spec: CommandSpec {
        name: "zinterstore",
        group: Group::SortedSet,
        since: "2.0.0",
        summary: "Stores the members that are in all of several sorted sets.",
        complexity: "O(N*K)+O(M*log(M)), N in the smallest of K sorted sets, M in the result",
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::SORTEDSET,
        keys: &[
            KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::counted(2, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("destination", 0),
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 1).multiple(),
            WEIGHTS,
            AGGREGATE,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zinterstore),
};

pub(super) const ZDIFF: Command = Command {
    spec: CommandSpec {
        name: "zdiff",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Tells the members of the first sorted set that are in none of the others.",
        complexity: "O(L+M*log(M)) for L elements in all and M in the result",
        arity: -3,
        categories: Categories::SORTEDSET,
        keys: &[KeySpec::counted(1, 1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 0).multiple(),
            ArgSpec::pure_token("withscores", "WITHSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zdiff),
};

pub(super) const ZDIFFSTORE: Command = Command {
    spec: CommandSpec {
        name: "zdiffstore",
        group: Group::SortedSet,
        since: "6.2.0",
        summary: "Stores the members of the first sorted set that are in none of the others.",
        complexity: "O(L+M*log(M)) for L elements in all and M in the result",
        arity: -4,
        flags: Flags::DENYOOM,
        categories: Categories::SORTEDSET,
        keys: &[
            KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::counted(2, 1, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("destination", 0),
            ArgSpec::integer("numkeys"),
            ArgSpec::key("key", 1).multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(zdiffstore),
};

fn zunion(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_result(ctx, request, Operation::Union, reply)
}

fn zinter(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_result(ctx, request, Operation::Intersection, reply)
}

fn zdiff(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    tell_result(ctx, request, Operation::Difference, reply)
}

fn zunionstore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    store_result(ctx, request, Operation::Union, reply)
}

fn zinterstore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    store_result(ctx, request, Operation::Intersection, reply)
}

fn zdiffstore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    store_result(ctx, request, Operation::Difference, reply)
}

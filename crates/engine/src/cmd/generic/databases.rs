//! Whole databases: DBSIZE, FLUSHDB, FLUSHALL, SWAPDB.

use vk_data::num::parse_i64;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History};

use crate::{
    Error,
    cmd::{Command, Run},
    ctx::{ReadCtx, WriteCtx},
};

pub(super) const DBSIZE: Command = Command {
    spec: CommandSpec {
        name: "dbsize",
        group: Group::Server,
        since: "1.0.0",
        summary: "Tells the number of keys of the database.",
        complexity: "O(1)",
        arity: 1,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE,
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        ..CommandSpec::NEW
    },
    run: Run::Read(dbsize),
};

pub(super) const FLUSHALL: Command = Command {
    spec: CommandSpec {
        name: "flushall",
        group: Group::Server,
        since: "1.0.0",
        summary: "Removes all keys of all databases.",
        complexity: "O(1); the memory is freed little by little",
        history: &[
            History {
                version: "4.0.0",
                change: "The option `ASYNC` came.",
            },
            History {
                version: "6.2.0",
                change: "The option `SYNC` came.",
            },
        ],
        arity: -1,
        categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        args: &[ArgSpec::one_of(
            "flush-type",
            &[
                ArgSpec::pure_token("async", "ASYNC").since("4.0.0"),
                ArgSpec::pure_token("sync", "SYNC").since("6.2.0"),
            ],
        )
        .optional()],
        ..CommandSpec::NEW
    },
    run: Run::Write(flushall),
};

pub(super) const FLUSHDB: Command = Command {
    spec: CommandSpec {
        name: "flushdb",
        group: Group::Server,
        since: "1.0.0",
        summary: "Removes all keys of the database.",
        complexity: "O(1); the memory is freed little by little",
        history: &[
            History {
                version: "4.0.0",
                change: "The option `ASYNC` came.",
            },
            History {
                version: "6.2.0",
                change: "The option `SYNC` came.",
            },
        ],
        arity: -1,
        categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        args: &[ArgSpec::one_of(
            "flush-type",
            &[
                ArgSpec::pure_token("async", "ASYNC").since("4.0.0"),
                ArgSpec::pure_token("sync", "SYNC").since("6.2.0"),
            ],
        )
        .optional()],
        ..CommandSpec::NEW
    },
    run: Run::Write(flushdb),
};

pub(super) const SWAPDB: Command = Command {
    spec: CommandSpec {
        name: "swapdb",
        group: Group::Server,
        since: "4.0.0",
        summary: "Exchanges two databases: every session sees the other one.",
        complexity: "O(N) where N is the number of keys that are watched",
        arity: 3,
        flags: Flags::FAST,
        categories: Categories::KEYSPACE.union(Categories::DANGEROUS),
        args: &[ArgSpec::integer("index1"), ArgSpec::integer("index2")],
        ..CommandSpec::NEW
    },
    run: Run::Write(swapdb),
};

fn dbsize(ctx: &mut ReadCtx<'_>, _request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let keys = ctx.engine.dbs.db(ctx.db()).map_or(0, |space| space.len());
    reply.int(i64::try_from(keys).unwrap_or(i64::MAX));
    Ok(())
}

fn flushall(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    flush(ctx, None, request, reply)?;
    ctx.engine.save_after_flush();
    Ok(())
}

fn flushdb(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    flush(ctx, Some(ctx.db()), request, reply)
}

/// Empties a database, or all of them. ASYNC and SYNC come to the same: the keys are gone at
/// once, and no request waits for their memory to be freed.
fn flush(
    ctx: &mut WriteCtx<'_>,
    db: Option<u32>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let is_known = match request.arg(1) {
        None => true,
        Some(word) => {
            let known = [b"SYNC".as_slice(), b"ASYNC"];
            request.len() == 2 && known.iter().any(|name| word.eq_ignore_ascii_case(name))
        }
    };
    if !is_known {
        return Err(Error::SYNTAX);
    }
    let keys = ctx.flush(db);
    let dirty = &mut ctx.engine.run.dirty;
    *dirty = dirty.saturating_add(keys as u64);
    // Handed on even if there was nothing: somebody else may have keys where this server has none.
    if ctx.wants_effects() {
        ctx.effect_as_requested(request.iter().collect());
    }
    reply.ok();
    Ok(())
}

fn swapdb(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let number = |word, error| {
        let number = request.arg(word).and_then(parse_i64);
        number
            .and_then(|number| i32::try_from(number).ok())
            .ok_or(error)
    };
    let first = number(1, Error::BAD_FIRST_DB)?;
    let second = number(2, Error::BAD_SECOND_DB)?;
    let there = |number: i32| {
        u32::try_from(number)
            .ok()
            .filter(|db| ctx.engine.dbs.db(*db).is_some())
            .ok_or(Error::DB_OUT_OF_RANGE)
    };
    let (first, second) = (there(first)?, there(second)?);
    if first != second {
        ctx.swap_databases(first, second);
    }
    reply.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn databases_are_emptied_and_exchanged() {
        let mut kit = Kit::new();
        kit.run("MSET a 1 b 2");
        assert_eq!(kit.run("SWAPDB 0 5"), "OK");
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
        kit.run("SET c 3");
        kit.run("SELECT 5");
        assert_eq!(kit.run("DBSIZE"), "(integer) 2");
        let dirty = kit.engine.dirty;
        assert_eq!(kit.run("FLUSHDB ASYNC"), "OK");
        assert_eq!(kit.engine.dirty, dirty + 2);
        assert_eq!(kit.run("DBSIZE"), "(integer) 0");
        kit.run("SELECT 0");
        assert_eq!(kit.run("GET c"), "\"3\"");
        assert_eq!(kit.run("FLUSHALL"), "OK");
        assert_eq!(kit.run("KEYS *"), "[]");
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("FLUSHALL NOW"), "(error) ERR syntax error");
        assert_eq!(kit.run("FLUSHDB SYNC ASYNC"), "(error) ERR syntax error");
        assert_eq!(kit.run("SWAPDB x 1"), "(error) ERR invalid first DB index");
        assert_eq!(kit.run("SWAPDB 1 x"), "(error) ERR invalid second DB index");
        let range = "(error) ERR DB index is out of range";
        assert_eq!(kit.run("SWAPDB 0 16"), range);
        assert_eq!(kit.run("SWAPDB -1 0"), range);
    }
}

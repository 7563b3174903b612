//! XTRIM, and the options that XADD shares with it.

use vk_data::stream::{StreamRef, Threshold, Trim, Trimmed};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, History, KeyFlags, KeySpec};

use super::{
    add::{Left, rewrite},
    exact_id, integer, is, number, with_stream,
};
use crate::{
    Error,
    cmd::{Command, Run},
    config::{EventFlags, id},
    ctx::{Ctx, Origin, WriteCtx},
};

pub(super) const XTRIM: Command = Command {
    spec: CommandSpec {
        name: "xtrim",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Drops the oldest entries of a stream.",
        complexity: "O(N) for N dropped entries; whole nodes go at once.",
        history: &[History {
            version: "6.2.0",
            change: "The strategy `MINID` and the option `LIMIT` came.",
        }],
        arity: -4,
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::block(
                "trim",
                &[
                    ArgSpec::one_of(
                        "strategy",
                        &[
                            ArgSpec::pure_token("maxlen", "MAXLEN"),
                            ArgSpec::pure_token("minid", "MINID").since("6.2.0"),
                        ],
                    ),
                    ArgSpec::one_of(
                        "operator",
                        &[
                            ArgSpec::pure_token("equal", "="),
                            ArgSpec::pure_token("approximately", "~"),
                        ],
                    )
                    .optional(),
                    ArgSpec::string("threshold"),
                    ArgSpec::integer("count")
                        .token("LIMIT")
                        .since("6.2.0")
                        .optional(),
                ],
            ),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xtrim),
};

/// A trim as it was asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct TrimArgs {
    pub(super) trim: Trim,
    /// The word with the threshold.
    pub(super) threshold_at: usize,
}

/// The options of a trim, as they are read.
#[derive(Debug, Default)]
pub(super) struct TrimOptions {
    threshold: Option<(Threshold, usize)>,
    approximate: bool,
    limit: Option<u64>,
}

/// By default, entries of this many nodes are dropped approximately, no more.
const NODES_DEFAULT: u64 = 100;
/// Where nodes have no limit.
const LIMIT_DEFAULT: u64 = 10_000;
/// The default is never above this.
const LIMIT_DEFAULT_MAX: u64 = 1_000_000;

impl TrimOptions {
    /// Takes the option at word `at`; returns the word behind it, or `None` if it is another one.
    pub(super) fn take(&mut self, request: Request<'_>, at: usize) -> Result<Option<usize>, Error> {
        let word = request.arg(at).unwrap_or_default();
        let Some(next) = request.arg(at + 1) else {
            return Ok(None);
        };
        if is(word, "LIMIT") {
            let limit = u64::try_from(integer(next)?).map_err(|_| Error::TRIM_LIMIT_NEGATIVE)?;
            self.limit = Some(limit);
            return Ok(Some(at + 2));
        }
        let by_len = is(word, "MAXLEN");
        if !by_len && !is(word, "MINID") {
            return Ok(None);
        }
        if self.threshold.is_some() {
            return Err(Error::TRIM_TWICE);
        }
        let has_operator = matches!(next, b"~" | b"=") && request.arg(at + 2).is_some();
        self.approximate = has_operator && next == b"~";
        let threshold_at = at + 1 + usize::from(has_operator);
        let word = request.arg(threshold_at).unwrap_or_default();
        let threshold = if by_len {
            let len = integer(word)?;
            Threshold::MaxLen(u64::try_from(len).map_err(|_| Error::TRIM_MAXLEN_NEGATIVE)?)
        } else {
            Threshold::MinId(exact_id(word)?)
        };
        self.threshold = Some((threshold, threshold_at));
        Ok(Some(threshold_at + 1))
    }

    /// The trim that the options come to.
    pub(super) fn finish(self, ctx: &Ctx<'_>) -> Result<Option<TrimArgs>, Error> {
        if self.limit.is_some_and(|limit| limit > 0) && self.threshold.is_none() {
            return Err(Error::TRIM_LIMIT_ALONE);
        }
        let limit = match self.limit {
            // What is replayed says exactly what goes.
            _ if ctx.origin == Origin::Replay => 0,
            Some(_) if !self.approximate => return Err(Error::TRIM_LIMIT_EXACT),
            Some(limit) => limit,
            None if self.approximate => {
                match ctx
                    .config()
                    .size(id::STREAM_NODE_MAX_ENTRIES)
                    .saturating_mul(NODES_DEFAULT)
                {
                    0 => LIMIT_DEFAULT,
                    limit => limit.min(LIMIT_DEFAULT_MAX),
                }
            }
            None => 0,
        };
        Ok(self.threshold.map(|(threshold, threshold_at)| TrimArgs {
            trim: Trim {
                threshold,
                approximate: self.approximate,
                limit,
            },
            threshold_at,
        }))
    }
}

fn parse(ctx: &Ctx<'_>, request: Request<'_>) -> Result<TrimArgs, Error> {
    let mut options = TrimOptions::default();
    let mut at = 2;
    while at < request.len() {
        at = options.take(request, at)?.ok_or(Error::SYNTAX)?;
    }
    if options.threshold.is_none() && options.limit.is_none_or(|limit| limit == 0) {
        return Err(Error::XTRIM_NO_STRATEGY);
    }
    options.finish(ctx)?.ok_or(Error::XTRIM_NO_STRATEGY)
}

fn xtrim(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let args = parse(ctx, request)?;
    let mut writer = ctx.write(ctx.key(0)?);
    if writer.view::<StreamRef<'_>>()?.is_none() {
        reply.int(0);
        return Ok(());
    }
    let trimmed = with_stream(&mut writer, |stream| {
        let entries = stream.entries_mut();
        (entries.trim(args.trim), Left::after(entries, args.trim))
    });
    let (trimmed, left) = trimmed.unwrap_or_else(|| (Trimmed::default(), Left::Len(0)));
    reply.int(number(trimmed.gone));
    if trimmed.gone == 0 {
        writer.unchanged();
        return Ok(());
    }
    writer.commit(&[(EventFlags::STREAM, "xtrim")]);
    ctx.engine.dbs.bury(trimmed.rest);
    if args.trim.approximate && ctx.wants_effects() {
        rewrite(ctx, request, None, Some((args, left)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, config::id, testkit::Kit};

    #[test]
    fn trims() {
        let mut kit = Kit::new();
        assert_eq!(
            kit.engine
                .config
                .correct(id::STREAM_NODE_MAX_ENTRIES, b"10"),
            Ok(())
        );
        for n in 1..=50 {
            kit.run(&alloc::format!("XADD s {n} f v"));
        }
        assert_eq!(kit.run("XTRIM s MAXLEN ~ 25 LIMIT 9"), "(integer) 0");
        assert_eq!(kit.run("XTRIM s MAXLEN ~ 25 LIMIT 10"), "(integer) 10");
        assert_eq!(
            effects_of(&mut kit, "XTRIM s MAXLEN ~ 25"),
            "XTRIM s MAXLEN = 30"
        );
        assert_eq!(effects_of(&mut kit, "XTRIM s MAXLEN ~ 25"), "");
        assert_eq!(
            effects_of(&mut kit, "XTRIM s MAXLEN 25"),
            "XTRIM s MAXLEN 25"
        );
        assert_eq!(
            effects_of(&mut kit, "XTRIM s MINID ~ 35"),
            "XTRIM s MINID = 31-0"
        );
        assert_eq!(kit.run("XTRIM s MINID = 35"), "(integer) 4");
        assert_eq!(kit.run("XLEN s"), "(integer) 16");
        assert_eq!(kit.run("XTRIM s MAXLEN 0"), "(integer) 16");
        assert_eq!(kit.run("EXISTS s"), "(integer) 1");
        assert_eq!(kit.run("XTRIM none MAXLEN 0"), "(integer) 0");
        for (line, text) in [
            ("XTRIM s MAXLEN", "wrong number of arguments"),
            ("XTRIM s FOO 1", "syntax error"),
            (
                "XTRIM s LIMIT 0",
                "XTRIM must be called with a trimming strategy",
            ),
            ("XTRIM s LIMIT 5", "without specifying a trimming strategy"),
            ("XTRIM s MAXLEN 5 LIMIT 5", "without the special ~ option"),
            ("XTRIM s MINID -", "Invalid stream ID"),
            ("XTRIM s MAXLEN ~", "not an integer"),
        ] {
            assert!(kit.run(line).contains(text), "{line}");
        }
    }
}

//! XADD: entries go to the end of a stream.

use alloc::{boxed::Box, vec::Vec};

use vk_data::{
    num::{INT_TEXT_MAX, format_i64},
    stream::{
        Entries, ID_TEXT_MAX, NewEntry, Stream, StreamId, StreamRef, Threshold, Trim, Trimmed,
    },
    value::{NewValue, Object},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{
    node_limits, put_id,
    trim::{TrimArgs, TrimOptions},
    with_stream,
};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{Expire, WriteCtx},
};

pub(super) const XADD: Command = Command {
    spec: CommandSpec {
        name: "xadd",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Appends an entry to a stream, which is created if needed.",
        complexity: "O(1), and O(N) more for N entries that are trimmed.",
        history: &[
            History {
                version: "6.2.0",
                change: "The options `NOMKSTREAM`, `MINID` and `LIMIT` came.",
            },
            History {
                version: "7.0.0",
                change: "The second part of an id may be left to the server: `<ms>-*`.",
            },
        ],
        arity: -5,
        flags: Flags::DENYOOM.union(Flags::FAST),
        categories: Categories::STREAM,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::pure_token("nomkstream", "NOMKSTREAM")
                .since("6.2.0")
                .optional(),
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
            )
            .optional(),
            ArgSpec::one_of(
                "id-selector",
                &[ArgSpec::pure_token("auto-id", "*"), ArgSpec::string("id")],
            ),
            ArgSpec::block(
                "data",
                &[ArgSpec::string("field"), ArgSpec::string("value")],
            )
            .multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xadd),
};

/// Which id an entry gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IdChoice {
    /// `*`: by the clock.
    Auto,
    /// `<ms>-*`: the next one of this millisecond.
    Within(u64),
    /// This one.
    Exact(StreamId),
}

impl IdChoice {
    fn parse(word: &[u8]) -> Result<Self, Error> {
        if word == b"*" {
            return Ok(Self::Auto);
        }
        if let Some(ms) = StreamId::parse_open(word) {
            return Ok(Self::Within(ms));
        }
        super::exact_id(word).map(Self::Exact)
    }

    fn choose(self, entries: &Entries, now_ms: i64) -> Result<StreamId, Error> {
        let last = entries.info().last_id;
        if last == StreamId::MAX {
            return Err(Error::XADD_EXHAUSTED);
        }
        let chosen = match self {
            Self::Auto => entries.next_id(now_ms),
            Self::Within(ms) => entries.next_id_in(ms),
            Self::Exact(id) => Some(id).filter(|id| *id > last),
        };
        chosen.ok_or(Error::XADD_ID_SMALL)
    }
}

struct Args {
    /// NOMKSTREAM.
    only_existing: bool,
    trim: Option<TrimArgs>,
    id: IdChoice,
    /// The word with the id; the fields are behind it.
    id_at: usize,
}

impl Args {
    fn parse(ctx: &WriteCtx<'_>, request: Request<'_>) -> Result<Self, Error> {
        let mut options = TrimOptions::default();
        let (mut only_existing, mut id) = (false, None);
        let mut at = 2;
        while let Some(word) = request.arg(at) {
            if word == b"*" {
                id = Some(IdChoice::Auto);
                break;
            }
            if let Some(behind) = options.take(request, at)? {
                at = behind;
            } else if super::is(word, "NOMKSTREAM") {
                only_existing = true;
                at += 1;
            } else {
                id = Some(IdChoice::parse(word)?);
                break;
            }
        }
        let trim = options.finish(ctx)?;
        let words = request.len().saturating_sub(at + 1);
        let id = id.filter(|_| words >= 2 && words.is_multiple_of(2));
        let id = id.ok_or_else(|| {
            Error::told(format_args!(
                "ERR wrong number of arguments for 'xadd' command"
            ))
        })?;
        if id == IdChoice::Exact(StreamId::MIN) {
            return Err(Error::XADD_ID_ZERO);
        }
        Ok(Self {
            only_existing,
            trim,
            id,
            id_at: at,
        })
    }
}

fn xadd(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let args = Args::parse(ctx, request)?;
    let (now, limits) = (ctx.now_ms(), node_limits(ctx.config()));
    let mut writer = ctx.write(ctx.key(0)?);
    let id = match writer.view::<StreamRef<'_>>()? {
        Some(stream) => args.id.choose(stream.entries(), now)?,
        None if args.only_existing => {
            reply.null();
            return Ok(());
        }
        None => args.id.choose(&Entries::default(), now)?,
    };
    let words = request.skip(args.id_at + 1).iter();
    let entry = NewEntry::new(words).ok_or(Error::XADD_TOO_LARGE)?;
    if writer.entry().is_none() {
        let stream = Object::Stream(Box::<Stream>::default());
        writer.put(NewValue::Object(stream), Expire::Never);
    }
    let mut trimmed = Trimmed::default();
    let mut left = None;
    with_stream(&mut writer, |stream| {
        let entries = stream.entries_mut();
        entries.append(id, &entry, limits);
        if let Some(args) = &args.trim {
            trimmed = entries.trim(args.trim);
            left = Some(Left::after(entries, args.trim));
        }
    });
    put_id(reply, id);
    let events = [(EventFlags::STREAM, "xadd"), (EventFlags::STREAM, "xtrim")];
    let events = &events[..1 + usize::from(trimmed.gone > 0)];
    writer.commit(events);
    ctx.engine.dbs.bury(trimmed.rest);
    let approximate = args.trim.filter(|args| args.trim.approximate).zip(left);
    if ctx.wants_effects() && (approximate.is_some() || !matches!(args.id, IdChoice::Exact(_))) {
        rewrite(ctx, request, Some((args.id_at, id)), approximate);
    }
    Ok(())
}

/// What an approximate trim came to, as an exact one that does the same.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left {
    /// So many entries.
    Len(u64),
    /// Those from this id on.
    From(StreamId),
}

impl Left {
    pub(super) fn after(entries: &Entries, trim: Trim) -> Self {
        match trim.threshold {
            Threshold::MaxLen(_) => Self::Len(entries.len()),
            Threshold::MinId(_) => Self::From(entries.edge_id()),
        }
    }
}

/// Hands the request on with the id that was chosen and the trim that it came to.
pub(super) fn rewrite(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    id: Option<(usize, StreamId)>,
    trim: Option<(TrimArgs, Left)>,
) {
    let (mut id_text, mut left_text, mut len_text) =
        ([0; ID_TEXT_MAX], [0; ID_TEXT_MAX], [0; INT_TEXT_MAX]);
    let mut words: Vec<&[u8]> = request.iter().collect();
    let mut replace = |at: usize, word| {
        if let Some(place) = words.get_mut(at) {
            *place = word;
        }
    };
    if let Some((at, id)) = id {
        replace(at, id.format(&mut id_text));
    }
    if let Some((args, left)) = trim {
        replace(args.threshold_at - 1, b"=");
        replace(
            args.threshold_at,
            match left {
                Left::Len(len) => format_i64(super::number(len), &mut len_text),
                Left::From(id) => id.format(&mut left_text),
            },
        );
    }
    ctx.effect_as_requested(words);
}

#[cfg(test)]
mod tests {
    use crate::{
        cmd::string::effects_of,
        config::id,
        testkit::{Kit, START_MS},
    };

    #[test]
    fn ids_are_chosen() {
        let mut kit = Kit::new();
        let now = START_MS;
        assert_eq!(kit.run("XADD s * f v"), alloc::format!("\"{now}-0\""));
        assert_eq!(kit.run("XADD s * f v"), alloc::format!("\"{now}-1\""));
        let small = "(error) ERR The ID specified in XADD is equal or smaller than the target \
                     stream top item";
        assert_eq!(kit.run("XADD s 5-5 f v"), small);
        assert_eq!(kit.run("XADD s 5-* f v"), small);
        assert_eq!(kit.run("XADD t 5-* f v"), "\"5-0\"");
        assert_eq!(kit.run("XADD t 5-* f v"), "\"5-1\"");
        assert_eq!(kit.run("XADD t 6 f v"), "\"6-0\"");
        assert_eq!(kit.run("XADD u 0-* f v"), "\"0-1\"");
        assert!(
            kit.run("XADD v 0-0 f v")
                .contains("must be greater than 0-0")
        );
        assert_eq!(kit.run("EXISTS v"), "(integer) 0");
        assert_eq!(kit.run("XADD v NOMKSTREAM * f v"), "(nil)");
        let last = "18446744073709551615-18446744073709551615";
        assert_eq!(
            kit.run(&alloc::format!("XADD w {last} f v")),
            alloc::format!("\"{last}\"")
        );
        assert!(kit.run("XADD w * f v").contains("exhausted"));
        assert!(
            kit.run("XADD s * f")
                .contains("wrong number of arguments for 'xadd'")
        );
        assert!(kit.run("XADD s x-* f v").contains("Invalid stream ID"));
        kit.run("SET str 1");
        assert!(kit.run("XADD str * f v").starts_with("(error) WRONGTYPE"));
    }

    #[test]
    fn trims_as_it_adds() {
        let mut kit = Kit::new();
        for _ in 0..10 {
            kit.run("XADD s MAXLEN 3 * f v");
        }
        assert_eq!(kit.run("XLEN s"), "(integer) 3");
        assert_eq!(
            kit.run("XADD s MINID 8000000000000 9000000000000 f v"),
            "\"9000000000000-0\""
        );
        assert_eq!(kit.run("XLEN s"), "(integer) 1");
        for (line, text) in [
            (
                "XADD s MAXLEN 5 MINID 4 * f v",
                "at the same time are not compatible",
            ),
            (
                "XADD s MAXLEN -1 * f v",
                "The MAXLEN argument must be >= 0.",
            ),
            ("XADD s MAXLEN x * f v", "not an integer"),
            (
                "XADD s MAXLEN ~ 5 LIMIT -1 * f v",
                "The LIMIT argument must be >= 0.",
            ),
            (
                "XADD s LIMIT 5 * f v",
                "without specifying a trimming strategy",
            ),
            (
                "XADD s MAXLEN 5 LIMIT 5 * f v",
                "without the special ~ option",
            ),
        ] {
            assert!(kit.run(line).contains(text), "{line}");
        }
    }

    #[test]
    fn effects_name_what_was_chosen() {
        let mut kit = Kit::new();
        let now = START_MS;
        let effect = |text: &str| text.replace("NOW", &alloc::format!("{now}"));
        assert_eq!(
            effects_of(&mut kit, "XADD s * f v"),
            effect("XADD s NOW-0 f v")
        );
        assert_eq!(
            effects_of(&mut kit, "XADD s 9000000000000-* f v"),
            "XADD s 9000000000000-0 f v"
        );
        assert_eq!(
            effects_of(&mut kit, "XADD s NOMKSTREAM * f v"),
            "XADD s NOMKSTREAM 9000000000000-1 f v"
        );
        assert_eq!(effects_of(&mut kit, "XADD t 1-1 f v"), "XADD t 1-1 f v");
        assert_eq!(
            kit.engine.config.correct(id::STREAM_NODE_MAX_ENTRIES, b"2"),
            Ok(())
        );
        kit.run("XADD t 1-2 f v");
        assert_eq!(
            effects_of(&mut kit, "XADD t MAXLEN ~ 1 LIMIT 100 1-3 f v"),
            "XADD t MAXLEN = 1 LIMIT 100 1-3 f v"
        );
        assert_eq!(
            effects_of(&mut kit, "XADD t MINID ~ 1-3 1-4 f v"),
            "XADD t MINID = 1-3 1-4 f v"
        );
        assert_eq!(effects_of(&mut kit, "XADD none NOMKSTREAM * f v"), "");
    }
}

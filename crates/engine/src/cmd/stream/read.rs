//! XREAD: what came to streams behind given ids, now or later; and the arguments that XREADGROUP
//! shares with it.

use alloc::{borrow::Cow, vec::Vec};
use core::time::Duration;

use smallvec::SmallVec;
use vk_data::{
    stream::{ID_TEXT_MAX, StreamId, StreamRef},
    value::ValueType,
};
use vk_resp::{OwnedRequest, Protocol, ReplyBuf, Request};
use vk_spec::{ArgSpec, Begin, Categories, CommandSpec, Find, Flags, Group, KeyFlags, KeySpec};

use super::{count, exact_id, is, put_entry};
use crate::{
    Error,
    access::KeyRef,
    blocking::{Block, milliseconds},
    cmd::{Command, Run},
    ctx::{Ctx, ReadCtx},
};

pub(super) const XREAD: Command = Command {
    spec: CommandSpec {
        name: "xread",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Tells entries of streams that are newer than given ids, and may wait for them.",
        complexity: "O(N) for N told entries.",
        arity: -4,
        flags: Flags::BLOCKING,
        categories: Categories::STREAM,
        keys: &[KeySpec {
            begin: Begin::Keyword("STREAMS", 1),
            find: Find::Range {
                last: -1,
                step: 1,
                limit: 2,
            },
            flags: KeyFlags::RO.union(KeyFlags::ACCESS),
            notes: "",
        }],
        args: &[
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::integer("milliseconds").token("BLOCK").optional(),
            ArgSpec::block(
                "streams",
                &[
                    ArgSpec::key("key", 0).multiple(),
                    ArgSpec::string("ID").multiple(),
                ],
            )
            .token("STREAMS"),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(xread),
};

/// The arguments of XREAD and XREADGROUP.
pub(super) struct Args<'r> {
    /// How long to wait; `None` not at all, `Some(None)` for ever.
    pub(super) wait: Option<Option<Duration>>,
    /// Entries of each stream, at most.
    pub(super) count: usize,
    /// Group and consumer.
    pub(super) group: Option<(&'r [u8], &'r [u8])>,
    pub(super) noack: bool,
    /// The word with the first key.
    keys_at: usize,
    /// How many keys there are, and as many ids behind them.
    pub(super) streams: usize,
}

impl<'r> Args<'r> {
    pub(super) fn parse(
        ctx: &Ctx<'_>,
        request: Request<'r>,
        of_group: bool,
    ) -> Result<Self, Error> {
        let mut args = Self {
            wait: None,
            count: usize::MAX,
            group: None,
            noack: false,
            keys_at: 0,
            streams: 0,
        };
        let mut at = 1;
        while let Some(word) = request.arg(at) {
            let more = request.len() - at - 1;
            let next = request.arg(at + 1).unwrap_or_default();
            at += 2;
            if is(word, "BLOCK") && more > 0 {
                args.wait = Some(milliseconds(next, ctx.now_ms())?);
            } else if is(word, "COUNT") && more > 0 {
                args.count = match usize::try_from(count(next)?) {
                    Ok(0) | Err(_) => usize::MAX,
                    Ok(count) => count,
                };
            } else if is(word, "STREAMS") && more > 0 {
                args.keys_at = at - 1;
                if !more.is_multiple_of(2) {
                    return Err(unbalanced(of_group));
                }
                args.streams = more / 2;
                break;
            } else if is(word, "GROUP") && more > 1 {
                let consumer = request.arg(at).unwrap_or_default();
                args.group = Some((next, consumer));
                at += 1;
                if !of_group {
                    return Err(Error::XREAD_GROUP);
                }
            } else if is(word, "NOACK") {
                args.noack = true;
                at -= 1;
                if !of_group {
                    return Err(Error::XREAD_NOACK);
                }
            } else {
                return Err(Error::SYNTAX);
            }
        }
        if args.streams == 0 {
            return Err(Error::SYNTAX);
        }
        Ok(args)
    }

    /// Key number `at`, authorised, and the word with its id.
    pub(super) fn stream<'k, 'c: 'k>(
        &self,
        ctx: &Ctx<'c>,
        request: Request<'k>,
        at: usize,
    ) -> Result<(KeyRef<'k>, &'k [u8]), Error> {
        let bytes = request.arg(self.keys_at + at).unwrap_or_default();
        let id = request.arg(self.id_at(at)).unwrap_or_default();
        // The key specs look for the first STREAMS, which an odd request may have as a value.
        let found = ctx.keys().get(at).filter(|key| key.bytes() == bytes);
        let key = match found {
            Some(key) => *key,
            None => ctx.authorize_derived(bytes, KeyFlags::RO.union(KeyFlags::ACCESS))?,
        };
        Ok((key, id))
    }

    /// The word with id number `at`.
    pub(super) const fn id_at(&self, at: usize) -> usize {
        self.keys_at + self.streams + at
    }
}

fn unbalanced(of_group: bool) -> Error {
    let (name, symbol) = if of_group {
        ("xreadgroup", '>')
    } else {
        ("xread", '$')
    };
    Error::told(format_args!(
        "ERR Unbalanced '{name}' list of streams: for each stream key an ID or '{symbol}' must be \
         specified."
    ))
}

/// The streams of a reply: an array of pairs, or in RESP3 a map, that begins with the first one.
#[derive(Debug, Default)]
pub(super) struct Streams {
    all: Option<vk_resp::Deferred>,
    len: usize,
}

impl Streams {
    /// Begins the next one; its entries follow.
    pub(super) fn begin(&mut self, reply: &mut ReplyBuf, key: &[u8]) {
        let of_maps = reply.protocol() == Protocol::Resp3;
        if self.all.is_none() {
            self.all = Some(if of_maps {
                reply.deferred_map()
            } else {
                reply.deferred_array()
            });
        }
        self.len += 1;
        if !of_maps {
            reply.array(2);
        }
        reply.bulk(key);
    }

    /// Ends the reply; tells whether there was one.
    pub(super) fn end(self, reply: &mut ReplyBuf) -> bool {
        let Some(all) = self.all else {
            return false;
        };
        reply.finish(all, self.len);
        true
    }
}

/// A stream to be read, from behind `after`.
struct Wanted<'k> {
    key: KeyRef<'k>,
    after: StreamId,
    /// The id was `$`: what was the end at that time has to be remembered.
    from_end: bool,
}

type AllWanted<'k> = SmallVec<[Wanted<'k>; 4]>;

fn xread(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let args = Args::parse(ctx, request, false)?;
    let mut wanted = AllWanted::new();
    for at in 0..args.streams {
        let (key, word) = args.stream(ctx, request, at)?;
        let stream = ctx.view::<StreamRef<'_>>(key)?;
        let last = stream.map_or(StreamId::MIN, |stream| stream.entries().info().last_id);
        let after = match word {
            b"$" => last,
            b"+" if stream.is_none() => StreamId::MIN,
            b"+" => last.prev().ok_or(Error::XREAD_NO_LAST)?,
            b">" => return Err(Error::XREAD_NEW),
            _ => exact_id(word)?,
        };
        wanted.push(Wanted {
            key,
            after,
            from_end: word == b"$",
        });
    }
    let mut streams = Streams::default();
    for one in &wanted {
        let Some(stream) = ctx.view::<StreamRef<'_>>(one.key)? else {
            continue;
        };
        let entries = stream.entries();
        let last = entries.last().map(|entry| entry.id());
        let Some(start) = one.after.next().filter(|_| last > Some(one.after)) else {
            continue;
        };
        streams.begin(reply, one.key.bytes());
        let array = reply.deferred_array();
        let mut told = 0;
        for entry in entries.range(start, StreamId::MAX).take(args.count) {
            put_entry(reply, &entry);
            told += 1;
        }
        reply.finish(array, told);
    }
    if streams.end(reply) {
        return Ok(());
    }
    match args.wait {
        None => reply.null_array(),
        Some(timeout) => wait(ctx, &args, request, &wanted, timeout, reply),
    }
    Ok(())
}

/// Waits for entries; from now on `$` means the end as it is now.
fn wait(
    ctx: &mut Ctx<'_>,
    args: &Args<'_>,
    request: Request<'_>,
    wanted: &[Wanted<'_>],
    timeout: Option<Duration>,
    reply: &mut ReplyBuf,
) {
    let mut words: Vec<Cow<'_, [u8]>> = request.iter().map(Cow::Borrowed).collect();
    let ids = words.iter_mut().skip(args.id_at(0));
    for (word, one) in ids.zip(wanted).filter(|(_, one)| one.from_end) {
        *word = Cow::Owned(one.after.format(&mut [0; ID_TEXT_MAX]).to_vec());
    }
    let from_end = wanted.iter().any(|one| one.from_end);
    let rewritten = from_end.then(|| OwnedRequest::from_args(words.iter().map(|word| &**word)));
    let keys: SmallVec<[KeyRef<'_>; 4]> = wanted.iter().map(|one| one.key).collect();
    let block = Block {
        keys: &keys,
        serves: ValueType::Stream,
        timeout,
        request: rewritten,
        ends_with_key: false,
    };
    ctx.block(block, reply);
}

#[cfg(test)]
mod tests {
    use crate::{Output, testkit::Kit};

    #[test]
    fn reads_behind_ids() {
        let mut kit = Kit::new();
        kit.run("XADD s 1-1 f a");
        kit.run("XADD s 1-2 f b");
        kit.run("XADD t 5-0 g c");
        let b = "[\"1-2\", [\"f\", \"b\"]]";
        assert_eq!(
            kit.run("XREAD STREAMS s 1-1"),
            alloc::format!("[[\"s\", [{b}]]]")
        );
        assert_eq!(
            kit.run("XREAD COUNT 1 STREAMS s none t 0 0 0"),
            "[[\"s\", [[\"1-1\", [\"f\", \"a\"]]]], [\"t\", [[\"5-0\", [\"g\", \"c\"]]]]]"
        );
        assert_eq!(
            kit.run("XREAD STREAMS s +"),
            alloc::format!("[[\"s\", [{b}]]]")
        );
        assert_eq!(kit.run("XREAD STREAMS s $"), "(nil)");
        assert_eq!(kit.run("XREAD STREAMS none s 0 1-2"), "(nil)");
        kit.run("HELLO 3");
        assert_eq!(
            kit.run("XREAD STREAMS s 1-1"),
            alloc::format!("{{\"s\": [{b}]}}")
        );
        kit.run("HELLO 2");
        kit.run("SET str 1");
        kit.run("XGROUP CREATE empty g 0 MKSTREAM");
        for (line, text) in [
            (
                "XREAD STREAMS s t 0",
                "Unbalanced 'xread' list of streams: for each stream key an ID or '$' must",
            ),
            ("XREAD STREAMS s >", "The > ID can be specified only"),
            ("XREAD STREAMS str 0", "WRONGTYPE"),
            ("XREAD STREAMS s x", "Invalid stream ID"),
            ("XREAD COUNT 1 STREAMS", "syntax error"),
            ("XREAD FOO 1 STREAMS s 0", "syntax error"),
            ("XREAD GROUP g c STREAMS s 0", "You called XREAD instead"),
            ("XREAD NOACK STREAMS s 0", "You called XREAD instead"),
            ("XREAD BLOCK x STREAMS s 0", "timeout is not an integer"),
            ("XREAD BLOCK -1 STREAMS s 0", "timeout is negative"),
            ("XREAD STREAMS empty +", "the stream last element ID is 0-0"),
        ] {
            assert!(kit.run(line).contains(text), "{line}: {}", kit.run(line));
        }
    }

    #[test]
    fn waits_for_what_comes_after_now() {
        let mut kit = Kit::new();
        kit.run("XADD s 1-1 f a");
        let other = kit.connect();
        assert_eq!(kit.run_as(other, "XREAD BLOCK 0 STREAMS none s 0 $"), "");
        kit.run("XDEL s 1-1");
        kit.run("XADD t 1-1 f a");
        assert!(
            !kit.outputs
                .iter()
                .any(|output| matches!(output, Output::Wake { .. }))
        );
        kit.run("XADD s 1-2 f b");
        assert_eq!(kit.woken(), "[[\"s\", [[\"1-2\", [\"f\", \"b\"]]]]]");
        assert_eq!(kit.run_as(other, "XREAD BLOCK 100 STREAMS s $"), "");
        kit.advance_ms(200);
        assert_eq!(kit.woken(), "(nil)");
        kit.run("MULTI");
        kit.run("XREAD BLOCK 0 STREAMS s $");
        assert_eq!(kit.run("EXEC"), "[(nil)]");
    }
}

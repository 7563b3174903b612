//! XDEL, XDELEX, XACKDEL: entries go, and with some of these commands what is pending of them, too.

use smallvec::SmallVec;
use vk_data::stream::{Stream, StreamId, StreamRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, KeyFlags, KeySpec};

use super::{exact_id, exact_ids, integer, is, number, with_stream};
use crate::{
    Error,
    cmd::{Command, Run},
    config::EventFlags,
    ctx::{WriteCtx, Writer},
};

pub(super) const XDEL: Command = Command {
    spec: CommandSpec {
        name: "xdel",
        group: Group::Stream,
        since: "5.0.0",
        summary: "Deletes entries of a stream by their ids.",
        complexity: "O(1) for each entry.",
        arity: -3,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), ArgSpec::string("ID").multiple()],
        ..CommandSpec::NEW
    },
    run: Run::Write(xdel),
};

/// What becomes of entries that groups still refer to.
const REFERENCES: ArgSpec = ArgSpec::one_of(
    "condition",
    &[
        ArgSpec::pure_token("keepref", "KEEPREF"),
        ArgSpec::pure_token("delref", "DELREF"),
        ArgSpec::pure_token("acked", "ACKED"),
    ],
)
.optional();

const IDS: ArgSpec = ArgSpec::block(
    "ids",
    &[ArgSpec::integer("numids"), ArgSpec::string("ID").multiple()],
)
.token("IDS");

pub(super) const XDELEX: Command = Command {
    spec: CommandSpec {
        name: "xdelex",
        group: Group::Stream,
        since: "9.2.0",
        summary: "Deletes entries, with a choice about what groups still refer to.",
        complexity: "O(1) for each entry, times the number of groups with DELREF and ACKED",
        arity: -5,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[ArgSpec::key("key", 0), REFERENCES, IDS],
        ..CommandSpec::NEW
    },
    run: Run::Write(xdelex),
};

pub(super) const XACKDEL: Command = Command {
    spec: CommandSpec {
        name: "xackdel",
        group: Group::Stream,
        since: "9.2.0",
        summary: "Acknowledges entries in a group and deletes them.",
        complexity: "O(1) for each entry, times the number of groups with DELREF and ACKED",
        arity: -6,
        flags: Flags::FAST,
        categories: Categories::STREAM,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::DELETE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("group"),
            REFERENCES,
            IDS,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(xackdel),
};

fn xdel(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let mut writer = ctx.write(ctx.key(0)?);
    if writer.view::<StreamRef<'_>>()?.is_none() {
        reply.int(0);
        return Ok(());
    }
    let ids = exact_ids(request, 2)?;
    let gone = with_stream(&mut writer, |stream| {
        let entries = stream.entries_mut();
        ids.iter().filter(|id| entries.delete(**id)).count()
    });
    reply.int(number(gone.unwrap_or(0)));
    commit(writer, gone.unwrap_or(0) > 0, false);
    Ok(())
}

/// Ends a change: entries were deleted, or only references to them.
fn commit(writer: Writer<'_>, deleted: bool, changed: bool) {
    if deleted {
        writer.commit(&[(EventFlags::STREAM, "xdel")]);
    } else if changed {
        writer.commit(&[]);
    } else {
        writer.unchanged();
    }
}

/// What becomes of entries that groups still refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum References {
    /// KEEPREF: the entry goes, it stays pending.
    Keep,
    /// DELREF: both go.
    Delete,
    /// ACKED: the entry stays as long as a group has not read and acknowledged it.
    Respect,
}

struct Args {
    references: References,
    ids: SmallVec<[StreamId; 8]>,
}

impl Args {
    fn parse(request: Request<'_>, from: usize) -> Result<Self, Error> {
        let (mut references, mut ids) = (None, None);
        let mut at = from;
        while let Some(word) = request.arg(at) {
            at += 1;
            let said = match word {
                _ if is(word, "KEEPREF") => Some(References::Keep),
                _ if is(word, "DELREF") => Some(References::Delete),
                _ if is(word, "ACKED") => Some(References::Respect),
                _ => None,
            };
            if said.is_some() && references.is_none() {
                references = said;
            } else if is(word, "IDS") && ids.is_none() {
                let count = request.arg(at).ok_or(Error::SYNTAX)?;
                let count = integer(count).map_err(|_| Error::IDS_NOT_POSITIVE)?;
                let count = usize::try_from(count).ok().filter(|count| *count > 0);
                let count = count.ok_or(Error::IDS_NOT_POSITIVE)?;
                at += 1;
                let words = request.skip(at);
                if words.len() < count {
                    return Err(Error::IDS_MISMATCH);
                }
                let parsed: Result<_, Error> = words.iter().take(count).map(exact_id).collect();
                ids = Some(parsed?);
                at += count;
            } else if ids.is_some() && said.is_none() {
                return Err(Error::IDS_MISMATCH);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(Self {
            references: references.unwrap_or(References::Keep),
            ids: ids.ok_or(Error::SYNTAX)?,
        })
    }
}

/// What became of an entry, by the number that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i8)]
enum Fate {
    Unknown = -1,
    Deleted = 1,
    Referenced = 2,
}

fn delete(stream: &mut Stream, id: StreamId, references: References) -> Fate {
    if references == References::Respect && stream.is_referenced(id) {
        return Fate::Referenced;
    }
    if references == References::Delete {
        forget(stream, id);
    }
    if stream.entries_mut().delete(id) {
        Fate::Deleted
    } else {
        Fate::Unknown
    }
}

/// No group waits for the entry any longer. Whether one did.
fn forget(stream: &mut Stream, id: StreamId) -> bool {
    let mut did = false;
    stream.for_each_group_mut(&mut |group| did |= group.remove_pending(id));
    did
}

fn tell(reply: &mut ReplyBuf, fates: &[Fate]) {
    reply.array(fates.len());
    for fate in fates {
        reply.int(*fate as i64);
    }
}

fn xdelex(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let args = Args::parse(request, 2)?;
    let mut writer = ctx.write(ctx.key(0)?);
    let mut fates: SmallVec<[Fate; 8]> = SmallVec::from_elem(Fate::Unknown, args.ids.len());
    if writer.view::<StreamRef<'_>>()?.is_none() {
        tell(reply, &fates);
        return Ok(());
    }
    let mut forgotten = false;
    with_stream(&mut writer, |stream| {
        for (fate, id) in fates.iter_mut().zip(&args.ids) {
            if stream.entries().get(*id).is_some() {
                *fate = delete(stream, *id, args.references);
            } else if args.references == References::Delete {
                // Deleted before, and groups may still wait for it.
                forgotten |= forget(stream, *id);
            }
        }
    });
    tell(reply, &fates);
    commit(writer, fates.contains(&Fate::Deleted), forgotten);
    Ok(())
}

fn xackdel(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let args = Args::parse(request, 3)?;
    let name = request.arg(2).unwrap_or_default();
    let mut writer = ctx.write(ctx.key(0)?);
    let mut fates: SmallVec<[Fate; 8]> = SmallVec::from_elem(Fate::Unknown, args.ids.len());
    let stream = writer.view::<StreamRef<'_>>()?;
    if stream.is_none_or(|stream| stream.group(name).is_none()) {
        tell(reply, &fates);
        return Ok(());
    }
    let mut deleted = false;
    with_stream(&mut writer, |stream| {
        for (fate, id) in fates.iter_mut().zip(&args.ids) {
            let group = stream.group_mut(name);
            if group.is_some_and(|mut group| group.remove_pending(*id)) {
                let ended = delete(stream, *id, args.references);
                deleted |= ended == Fate::Deleted;
                // An entry that is gone already is as good as deleted.
                *fate = match ended {
                    Fate::Unknown => Fate::Deleted,
                    ended => ended,
                };
            }
        }
    });
    tell(reply, &fates);
    commit(
        writer,
        deleted,
        fates.iter().any(|fate| *fate != Fate::Unknown),
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    fn filled() -> Kit {
        let mut kit = Kit::new();
        for n in 1..=5 {
            kit.run(&alloc::format!("XADD s {n} f v"));
        }
        kit.run("XGROUP CREATE s g 0");
        kit.run("XGROUP CREATE s h 0");
        kit.run("XREADGROUP GROUP g c COUNT 3 STREAMS s >");
        kit.run("XREADGROUP GROUP h c COUNT 2 STREAMS s >");
        kit
    }

    #[test]
    fn xdel_deletes() {
        let mut kit = filled();
        assert_eq!(kit.run("XDEL s 1 3 9"), "(integer) 2");
        assert_eq!(kit.run("XDEL s 1"), "(integer) 0");
        assert_eq!(kit.run("XLEN s"), "(integer) 3");
        assert_eq!(kit.run("XDEL none 1"), "(integer) 0");
        assert!(kit.run("XDEL s 2 x").contains("Invalid stream ID"));
        assert_eq!(kit.run("XLEN s"), "(integer) 3");
        assert!(
            kit.run("XINFO STREAM s")
                .contains("\"max-deleted-entry-id\", \"3-0\"")
        );
        assert!(
            kit.run("XINFO STREAM s")
                .contains("\"recorded-first-entry-id\", \"2-0\"")
        );
    }

    #[test]
    fn xdelex_looks_at_references() {
        let mut kit = filled();
        assert_eq!(kit.run("XDELEX s IDS 2 1 9"), "[(integer) 1, (integer) -1]");
        assert!(kit.run("XPENDING s g").starts_with("[(integer) 3"));
        assert_eq!(kit.run("XDELEX s DELREF IDS 1 2"), "[(integer) 1]");
        assert!(kit.run("XPENDING s g").starts_with("[(integer) 2"));
        assert!(kit.run("XPENDING s h").starts_with("[(integer) 1"));
        // Deleted above, with its references kept.
        assert_eq!(kit.run("XDELEX s DELREF IDS 1 1"), "[(integer) -1]");
        assert!(kit.run("XPENDING s g").starts_with("[(integer) 1"));
        // Pending in one group, not read by the other.
        assert_eq!(kit.run("XDELEX s ACKED IDS 1 3"), "[(integer) 2]");
        kit.run("XACK s g 3");
        assert_eq!(kit.run("XDELEX s ACKED IDS 1 3"), "[(integer) 2]");
        kit.run("XREADGROUP GROUP h c NOACK STREAMS s >");
        assert_eq!(kit.run("XDELEX s IDS 1 3 ACKED"), "[(integer) 1]");
        assert_eq!(kit.run("XDELEX none IDS 1 3"), "[(integer) -1]");
        for (line, text) in [
            (
                "XDELEX s IDS 0 1",
                "Number of IDs must be a positive integer",
            ),
            (
                "XDELEX s IDS x 1",
                "Number of IDs must be a positive integer",
            ),
            ("XDELEX s IDS 2 1", "must match the number of arguments"),
            ("XDELEX s IDS 1 1 2", "must match the number of arguments"),
            ("XDELEX s FOO IDS 1 1", "syntax error"),
            ("XDELEX s KEEPREF ACKED IDS 1 1", "syntax error"),
            ("XDELEX s IDS 1 x", "Invalid stream ID"),
        ] {
            assert!(kit.run(line).contains(text), "{line}");
        }
    }

    #[test]
    fn xackdel_acknowledges_first() {
        let mut kit = filled();
        assert_eq!(
            kit.run("XACKDEL s g IDS 2 1 4"),
            "[(integer) 1, (integer) -1]"
        );
        assert_eq!(kit.run("XLEN s"), "(integer) 4");
        assert_eq!(kit.run("XACKDEL s g ACKED IDS 1 2"), "[(integer) 2]");
        assert_eq!(kit.run("XACKDEL s h ACKED IDS 1 2"), "[(integer) 1]");
        // Deleted before, still pending of the other group.
        assert_eq!(kit.run("XACKDEL s h DELREF IDS 1 1"), "[(integer) 1]");
        assert_eq!(kit.run("XACKDEL s none IDS 1 3"), "[(integer) -1]");
        assert_eq!(kit.run("XACKDEL none g IDS 1 3"), "[(integer) -1]");
        assert!(kit.run("XPENDING s g").starts_with("[(integer) 1"));
    }
}

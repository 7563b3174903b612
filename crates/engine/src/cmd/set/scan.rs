//! Walking through a set: SSCAN. The rules of cursors and options are SCAN's.

use vk_data::{num::INT_TEXT_MAX, set::SetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::put_member;
use crate::{
    Error,
    cmd::{
        Command, Run,
        generic::scan::{ScanOptions, Scanned, parse_cursor},
    },
    ctx::ReadCtx,
};

pub(super) const SSCAN: Command = Command {
    spec: CommandSpec {
        name: "sscan",
        group: Group::Set,
        since: "2.8.0",
        summary: "Walks through the members of a set, some of them per call.",
        complexity: "O(1) per call, O(N) for a whole walk over N members",
        arity: -3,
        categories: Categories::SET,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("cursor"),
            ArgSpec::pattern("pattern").token("MATCH").optional(),
            ArgSpec::integer("count").token("COUNT").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(sscan),
};

fn sscan(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let cursor = request.arg(2).and_then(parse_cursor);
    let cursor = cursor.ok_or(Error::BAD_CURSOR)?;
    let key = ctx.key(0)?;
    let Some(set) = ctx.view::<SetRef<'_>>(key)? else {
        // Options are not even looked at then.
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(request.skip(3), Scanned::Set)?;
    let mut page = ReplyBuf::new(reply.protocol());
    let mut found = 0;
    let next = set.scan(cursor, options.count, &mut |member| {
        if options.matches(member.bytes(&mut [0; INT_TEXT_MAX])) {
            put_member(&mut page, member);
            found += 1;
        }
    });
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(found);
    reply.append(&page);
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use crate::testkit::Kit;

    #[test]
    fn a_walk_tells_every_member() {
        let mut kit = Kit::new();
        for i in 0..1000 {
            kit.run(&format!("SADD s m{i}"));
        }
        let (mut cursor, mut all, mut calls) = (String::from("0"), BTreeSet::new(), 0);
        loop {
            let reply = kit.run(&format!("SSCAN s {cursor} COUNT 20"));
            let mut words = reply.split('"').skip(1).step_by(2);
            cursor = words.next().map(String::from).unwrap_or_default();
            all.extend(words.map(String::from));
            calls += 1;
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(all.len(), 1000);
        assert!((20..=60).contains(&calls), "{calls}");
    }

    #[test]
    fn a_small_set_is_told_at_once() {
        let mut kit = Kit::new();
        kit.run("SADD ints 1 2 13");
        assert_eq!(
            kit.run("SSCAN ints 0 COUNT 1"),
            "[\"0\", [\"1\", \"2\", \"13\"]]"
        );
        assert_eq!(kit.run("SSCAN ints 7 MATCH 1*"), "[\"0\", [\"1\", \"13\"]]");
        kit.run("SADD words a ab b");
        assert_eq!(
            kit.run("SSCAN words 0 MATCH a*"),
            "[\"0\", [\"a\", \"ab\"]]"
        );
    }

    #[test]
    fn sscan_refuses_in_valkeys_order() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("SSCAN x y z"), "(error) ERR invalid cursor");
        assert_eq!(kit.run("SSCAN x 0 WHAT"), "[\"0\", []]");
        kit.run("SADD s a");
        let syntax = "(error) ERR syntax error";
        for options in ["WHAT", "COUNT 0", "TYPE set", "MATCH"] {
            assert_eq!(
                kit.run(&format!("SSCAN s 0 {options}")),
                syntax,
                "{options}"
            );
        }
        assert_eq!(
            kit.run("SSCAN s 0 NOVALUES"),
            "(error) ERR NOVALUES option can only be used in HSCAN"
        );
        kit.run("SET t 1");
        assert!(kit.run("SSCAN t 0 WHAT").starts_with("(error) WRONGTYPE"));
    }
}

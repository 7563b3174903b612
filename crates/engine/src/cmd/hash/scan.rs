//! Walking through the fields of a hash, some of them per call: HSCAN.

use vk_data::{hash::HashRef, num::INT_TEXT_MAX};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::{now_ms, tell};
use crate::{
    Error,
    cmd::{
        Command, Run,
        generic::scan::{ScanOptions, Scanned, parse_cursor},
    },
    ctx::ReadCtx,
};

pub(super) const HSCAN: Command = Command {
    spec: CommandSpec {
        name: "hscan",
        group: Group::Hash,
        since: "2.8.0",
        summary: "Walks through the fields of a hash, some of them per call.",
        complexity: "O(1) per call, O(N) for a whole walk over N fields",
        arity: -3,
        categories: Categories::HASH,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("cursor"),
            ArgSpec::pattern("pattern").token("MATCH").optional(),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::pure_token("novalues", "NOVALUES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(hscan),
};

fn hscan(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let cursor = request
        .arg(2)
        .and_then(parse_cursor)
        .ok_or(Error::BAD_CURSOR)?;
    let (key, now) = (ctx.key(0)?, now_ms(ctx));
    let Some(hash) = ctx.view::<HashRef<'_>>(key)? else {
        // Without a key nobody looks at the options.
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(request.skip(3), Scanned::Hash)?;
    let mut page = ReplyBuf::new(reply.protocol());
    let mut items = 0_usize;
    let next = hash.scan(cursor, options.count, now, &mut |name, value| {
        if !options.matches(name.bytes(&mut [0; INT_TEXT_MAX])) {
            return;
        }
        tell(&mut page, name);
        items = items.wrapping_add(1);
        if !options.names_only {
            tell(&mut page, value);
            items = items.wrapping_add(1);
        }
    });
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(items);
    reply.append(&page);
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use crate::testkit::Kit;

    fn walk(kit: &mut Kit, options: &str) -> BTreeSet<String> {
        let (mut cursor, mut names) = (String::from("0"), BTreeSet::new());
        loop {
            let reply = kit.run(&format!("HSCAN h {cursor}{options}"));
            let mut words = reply.split('"').skip(1).step_by(2);
            cursor = words.next().map(Into::into).unwrap_or_default();
            names.extend(words.map(String::from));
            if cursor == "0" {
                return names;
            }
        }
    }

    #[test]
    fn a_walk_tells_every_field_that_lives() {
        let mut kit = Kit::new();
        for at in 0..1000 {
            kit.run(&format!("HSET h f{at} v{at}"));
        }
        kit.run("HPEXPIRE h 10 FIELDS 1 f7");
        kit.sleep_ms(11);
        assert_eq!(walk(&mut kit, "").len(), 1998);
        let names = walk(&mut kit, " COUNT 100 NOVALUES");
        assert_eq!(names.len(), 999);
        assert!(!names.contains("f7"));
        assert_eq!(walk(&mut kit, " MATCH f99* NOVALUES").len(), 11);
    }

    #[test]
    fn a_small_hash_comes_at_once() {
        let mut kit = Kit::new();
        assert_eq!(kit.run("HSCAN h 0 FOO"), "[\"0\", []]");
        kit.run("HSET h a 1 2 b");
        assert_eq!(
            kit.run("HSCAN h 5 COUNT 1"),
            "[\"0\", [\"a\", \"1\", \"2\", \"b\"]]"
        );
        assert_eq!(kit.run("HSCAN h 0 NOVALUES"), "[\"0\", [\"a\", \"2\"]]");
        assert_eq!(
            kit.run("HSCAN h 0 MATCH ? COUNT 7 match 2"),
            "[\"0\", [\"2\", \"b\"]]"
        );
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let mut kit = Kit::new();
        kit.run("HSET h a 1");
        assert_eq!(kit.run("HSCAN h x"), "(error) ERR invalid cursor");
        assert_eq!(kit.run("HSCAN h 0 COUNT 0"), "(error) ERR syntax error");
        assert_eq!(kit.run("HSCAN h 0 TYPE hash"), "(error) ERR syntax error");
        assert_eq!(
            kit.run("HSCAN h 0 NOSCORES"),
            "(error) ERR NOSCORES option can only be used in ZSCAN"
        );
    }
}

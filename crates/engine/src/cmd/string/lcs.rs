//! LCS: what two strings have in common. The algorithm is in `vk-data`.

use alloc::vec::Vec;

use vk_data::{
    lcs::{LcsError, LcsMatch, lcs_bytes, lcs_len, lcs_matches},
    num::{INT_TEXT_MAX, parse_i64},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use crate::{
    Error,
    cmd::{Command, Run},
    config::id,
    ctx::ReadCtx,
};

pub(super) const LCS: Command = Command {
    spec: CommandSpec {
        name: "lcs",
        group: Group::String,
        since: "7.0.0",
        summary: "Finds the longest common subsequence of two strings.",
        complexity: "O(N*M) where N and M are the lengths of the strings",
        arity: -3,
        categories: Categories::STRING,
        keys: &[KeySpec::range(
            1,
            1,
            1,
            KeyFlags::RO.union(KeyFlags::ACCESS),
        )],
        args: &[
            ArgSpec::key("key1", 0),
            ArgSpec::key("key2", 0),
            ArgSpec::pure_token("len", "LEN").optional(),
            ArgSpec::pure_token("idx", "IDX").optional(),
            ArgSpec::integer("min-match-len")
                .token("MINMATCHLEN")
                .optional(),
            ArgSpec::pure_token("withmatchlen", "WITHMATCHLEN").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(lcs),
};

fn lcs(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let memory_max = ctx.config().size(id::PROTO_MAX_BULK_LEN);
    let (first, second) = (ctx.key(0)?, ctx.key(1)?);
    let read = |ctx: &mut ReadCtx<'_>, key| match ctx.string(key) {
        Ok(value) => Ok(value.map_or(Vec::new(), |value| {
            value.bytes(&mut [0; INT_TEXT_MAX]).to_vec()
        })),
        Err(_) => Err(Error::LCS_NOT_STRINGS),
    };
    let (a, b) = (read(ctx, first), read(ctx, second));
    let (a, b) = (a?, b?);
    let options = LcsOptions::parse(request)?;
    if options.matches {
        let (len, matches) =
            lcs_matches(&a, &b, options.match_len_min, memory_max).map_err(told)?;
        reply.map(2);
        reply.bulk(b"matches");
        reply.array(matches.len());
        for stretch in &matches {
            reply_match(reply, stretch, options.tells_match_len);
        }
        reply.bulk(b"len");
        reply.int(as_int(len));
    } else if options.len {
        reply.int(as_int(lcs_len(&a, &b, memory_max).map_err(told)?));
    } else {
        reply.bulk(&lcs_bytes(&a, &b, memory_max).map_err(told)?);
    }
    Ok(())
}

fn reply_match(reply: &mut ReplyBuf, stretch: &LcsMatch, tells_len: bool) {
    reply.array(if tells_len { 3 } else { 2 });
    reply.array(2);
    reply.int(stretch.a_first.into());
    reply.int(stretch.a_last.into());
    reply.array(2);
    reply.int(stretch.b_first.into());
    reply.int(stretch.b_last.into());
    if tells_len {
        reply.int(as_int(stretch.match_len()));
    }
}

fn as_int(len: u64) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

fn told(error: LcsError) -> Error {
    match error {
        LcsError::TooLong => Error::LCS_TOO_LONG,
        LcsError::ExceedsLimit => Error::LCS_LIMIT,
        _ => Error::LCS_NO_MEMORY,
    }
}

/// What LCS is asked for.
#[derive(Default)]
struct LcsOptions {
    len: bool,
    matches: bool,
    tells_match_len: bool,
    match_len_min: u64,
}

impl LcsOptions {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let mut options = Self::default();
        let rest = request.skip(3);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("IDX") {
                options.matches = true;
            } else if is("LEN") {
                options.len = true;
            } else if is("WITHMATCHLEN") {
                options.tells_match_len = true;
            } else if is("MINMATCHLEN") {
                let len = words.next().ok_or(Error::SYNTAX)?;
                let len = parse_i64(len).ok_or(Error::NOT_AN_INTEGER)?;
                options.match_len_min = u64::try_from(len).unwrap_or(0);
            } else {
                return Err(Error::SYNTAX);
            }
        }
        if options.len && options.matches {
            return Err(Error::LCS_LEN_AND_IDX);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn tells_what_is_common() {
        let mut kit = Kit::new();
        kit.run("MSET a ohmytext b mynewtext");
        assert_eq!(kit.run("LCS a b"), "\"mytext\"");
        assert_eq!(kit.run("LCS a b LEN"), "(integer) 6");
        assert_eq!(kit.run("LCS a none"), "\"\"");
        let at = |a, b, c, d| {
            alloc::format!("[(integer) {a}, (integer) {b}], [(integer) {c}, (integer) {d}]")
        };
        let (text, my) = (at(4, 7, 5, 8), at(2, 3, 0, 1));
        assert_eq!(
            kit.run("LCS a b IDX"),
            alloc::format!("[\"matches\", [[{text}], [{my}]], \"len\", (integer) 6]")
        );
        assert_eq!(
            kit.run("LCS a b IDX MINMATCHLEN 3 WITHMATCHLEN"),
            alloc::format!("[\"matches\", [[{text}, (integer) 4]], \"len\", (integer) 6]")
        );
        assert_eq!(kit.run("LCS a b FOO"), "(error) ERR syntax error");
        assert_eq!(
            kit.run("LCS a b LEN IDX"),
            "(error) ERR If you want both the length and indexes, please just use IDX."
        );
    }
}

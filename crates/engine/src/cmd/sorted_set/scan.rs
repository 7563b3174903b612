//! ZSCAN: walking through the members of a sorted set.

use alloc::format;

use vk_data::{
    num::INT_TEXT_MAX,
    value::{Encoding, View},
    zset::{Member, ZSetRef},
};
use vk_resp::{DoubleText, ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, History, KeyFlags, KeySpec};

use super::reply_member;
use crate::{
    Error,
    cmd::{
        Command, Run,
        generic::scan::{ScanOptions, Scanned, parse_cursor},
    },
    ctx::ReadCtx,
};

pub(super) const ZSCAN: Command = Command {
    spec: CommandSpec {
        name: "zscan",
        group: Group::SortedSet,
        since: "2.8.0",
        summary: "Walks through the members of a sorted set, some of them per call.",
        complexity: "O(1) per call, O(N) for a whole walk over N members",
        history: &[History {
            version: "8.0.0",
            change: "The option `NOSCORES` came.",
        }],
        arity: -3,
        categories: Categories::SORTEDSET,
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::integer("cursor"),
            ArgSpec::pattern("pattern").token("MATCH").optional(),
            ArgSpec::integer("count").token("COUNT").optional(),
            ArgSpec::pure_token("noscores", "NOSCORES").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(zscan),
};

fn zscan(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let cursor = request.arg(2).and_then(parse_cursor);
    let cursor = cursor.ok_or(Error::BAD_CURSOR)?;
    let Some(entry) = ctx.lookup(ctx.key(0)?) else {
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    };
    let zset = ZSetRef::of(entry).ok_or(Error::WRONG_TYPE)?;
    let small = entry.encoding() == Encoding::Listpack;
    let options = ScanOptions::parse(request.skip(3), Scanned::SortedSet)?;
    let mut page = ReplyBuf::new(reply.protocol());
    let mut words = 0;
    let next = zset.scan(cursor, options.count, &mut |member: Member<'_>, score| {
        if !options.matches(member.bytes(&mut [0; INT_TEXT_MAX])) {
            return;
        }
        reply_member(&mut page, member);
        words += 1;
        if !options.names_only {
            put_score(&mut page, score, small);
            words += 1;
        }
    });
    reply.array(2);
    reply.bulk(itoa::Buffer::new().format(next).as_bytes());
    reply.array(words);
    reply.append(&page);
    Ok(())
}

/// Whole scores below this are told digit by digit.
const WHOLE_END: f64 = 1e15;
/// Digits of the long form.
const DIGITS: i32 = 17;

/// Tells a score as text, in RESP3 too: a small sorted set tells the shortest form, a big one
/// seventeen digits, of which the zeros at the end are left out.
fn put_score(reply: &mut ReplyBuf, score: f64, small: bool) {
    let whole = score as i64;
    if score.abs() < WHOLE_END && whole as f64 == score && (whole != 0 || !score.is_sign_negative())
    {
        reply.bulk_int(whole);
    } else if small || !score.is_finite() {
        reply.bulk(&DoubleText::new(score));
    } else {
        let text = format!("{score:.*e}", DIGITS.unsigned_abs() as usize - 1);
        reply.bulk(long_form(&text).as_bytes());
    }
}

/// `d.ddde-7` as C's `%.17g` lays it out.
fn long_form(scientific: &str) -> alloc::string::String {
    let (sign, rest) = match scientific.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", scientific),
    };
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let digits = mantissa.replacen('.', "", 1);
    let digits = digits.trim_end_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    let point = |at: usize| match digits.split_at_checked(at) {
        Some((whole, "")) => whole.into(),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits:0<at$}"),
    };
    match exponent {
        0..DIGITS => format!("{sign}{}", point(exponent.unsigned_abs() as usize + 1)),
        -4..0 => {
            let zeros = "0".repeat(exponent.unsigned_abs() as usize - 1);
            format!("{sign}0.{zeros}{digits}")
        }
        _ => {
            let mark = if exponent < 0 { '-' } else { '+' };
            let power = exponent.unsigned_abs();
            format!("{sign}{}e{mark}{power:02}", point(1))
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::{collections::BTreeSet, format, string::String};

    use super::{DIGITS, long_form};
    use crate::testkit::Kit;

    #[test]
    fn lays_scores_out() {
        for (score, text) in [
            (0.1, "0.10000000000000001"),
            (-0.1, "-0.10000000000000001"),
            (1.5, "1.5"),
            (-0.0, "-0"),
            (1e-4, "0.0001"),
            (1e-5, "1.0000000000000001e-05"),
            (123_456.789, "123456.789"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1.5e300, "1.5000000000000001e+300"),
            (1e-300, "1e-300"),
            (12_345_678_901_234_567_890.0, "1.2345678901234567e+19"),
        ] {
            let scientific = format!("{score:.*e}", DIGITS.unsigned_abs() as usize - 1);
            assert_eq!(long_form(&scientific), text);
        }
    }

    #[test]
    fn walks_through_all_members() {
        let mut kit = Kit::new();
        for i in 0..500 {
            kit.run(&format!("ZADD z {i}.5 m{i}"));
        }
        let (mut cursor, mut seen) = (String::from("0"), BTreeSet::new());
        loop {
            let reply = kit.run(&format!("ZSCAN z {cursor} COUNT 20"));
            let mut words = reply.split('"').skip(1).step_by(2).map(String::from);
            cursor = words.next().unwrap_or_default();
            while let (Some(member), Some(score)) = (words.next(), words.next()) {
                assert_eq!(member.replace('m', "") + ".5", score);
                seen.insert(member);
            }
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(seen.len(), 500);
    }

    #[test]
    fn tells_a_small_set_at_once() {
        let mut kit = Kit::new();
        kit.run("ZADD z 0.1 a 2 b inf c -1 7");
        let all = "[\"0\", [\"7\", \"-1\", \"a\", \"0.1\", \"b\", \"2\", \"c\", \"inf\"]]";
        assert_eq!(kit.run("ZSCAN z 0"), all);
        assert_eq!(
            kit.run("ZSCAN z 0 NOSCORES MATCH [ab]"),
            "[\"0\", [\"a\", \"b\"]]"
        );
        assert_eq!(kit.run("ZSCAN none 0 FOO"), "[\"0\", []]");
        assert_eq!(kit.run("ZSCAN z x"), "(error) ERR invalid cursor");
        assert_eq!(kit.run("ZSCAN z 0 COUNT 0"), "(error) ERR syntax error");
        assert_eq!(kit.run("ZSCAN z 0 TYPE zset"), "(error) ERR syntax error");
    }
}

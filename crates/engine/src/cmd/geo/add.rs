//! GEOADD: setting positions.

use smallvec::SmallVec;
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::point;
use crate::{
    Error,
    cmd::{
        Command, Run,
        sorted_set::{Addition, Condition, number},
    },
    ctx::WriteCtx,
};

pub(super) const GEOADD: Command = Command {
    spec: CommandSpec {
        name: "geoadd",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Adds members at positions, or moves them there.",
        complexity: "O(log(N)) for each member, N elements being there",
        history: &[History {
            version: "6.2.0",
            change: "The options `CH`, `NX` and `XX` came.",
        }],
        arity: -5,
        flags: Flags::DENYOOM,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RW.union(KeyFlags::UPDATE))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::one_of(
                "condition",
                &[
                    ArgSpec::pure_token("nx", "NX"),
                    ArgSpec::pure_token("xx", "XX"),
                ],
            )
            .since("6.2.0")
            .optional(),
            ArgSpec::pure_token("change", "CH")
                .since("6.2.0")
                .optional(),
            ArgSpec::block(
                "data",
                &[
                    ArgSpec::double("longitude"),
                    ArgSpec::double("latitude"),
                    ArgSpec::string("member"),
                ],
            )
            .multiple(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(geoadd),
};

fn geoadd(ctx: &mut WriteCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let options = Options::parse(request)?;
    let words = request.skip(options.first);
    let mut scores = SmallVec::<[f64; 8]>::new();
    for at in (0..words.len()).step_by(3) {
        scores.push(point(words, at)?.score());
    }
    let members = words.iter().skip(2).step_by(3);
    let addition = Addition {
        elements: scores.iter().copied().zip(members.clone()),
        condition: options.condition,
        increases: false,
    };
    let outcome = addition.run(ctx, ctx.key(0)?)?;
    let changed = outcome.added + outcome.updated;
    if changed > 0 && ctx.wants_effects() {
        let scores: SmallVec<[_; 8]> = scores.iter().map(|score| score_text(*score)).collect();
        let mut effect: SmallVec<[&[u8]; 16]> = SmallVec::new();
        effect.push(b"ZADD");
        effect.extend(request.iter().take(options.first).skip(1));
        for (score, member) in scores.iter().zip(members) {
            effect.push(score.as_bytes());
            effect.push(member);
        }
        ctx.effect_words(effect.into_iter());
    }
    let told = if options.counts_updates {
        changed
    } else {
        outcome.added
    };
    reply.int(number(told));
    Ok(())
}

/// A score is a whole number below 2^54.
fn score_text(score: f64) -> alloc::string::String {
    alloc::format!("{}", score as u64)
}

/// What GEOADD is asked for.
struct Options {
    condition: Condition,
    counts_updates: bool,
    /// Number of the word that holds the first longitude.
    first: usize,
}

impl Options {
    fn parse(request: Request<'_>) -> Result<Self, Error> {
        let mut options = Self {
            condition: Condition::default(),
            counts_updates: false,
            first: 2,
        };
        for word in request.iter().skip(2) {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("NX") {
                options.condition.absent = true;
            } else if is("XX") {
                options.condition.present = true;
            } else if is("CH") {
                options.counts_updates = true;
            } else {
                break;
            }
            options.first += 1;
        }
        let words = request.len().saturating_sub(options.first);
        let both = options.condition.absent && options.condition.present;
        if words == 0 || !words.is_multiple_of(3) || both {
            return Err(Error::SYNTAX);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    #[test]
    fn adds_positions_as_scores() {
        let mut kit = Kit::new();
        assert_eq!(
            effects_of(
                &mut kit,
                "GEOADD g CH 13.361389 38.115556 p 15.087269 37.502669 c"
            ),
            "ZADD g CH 3479099956230698 p 3479447370796909 c"
        );
        assert_eq!(kit.run("ZSCORE g p"), "\"3479099956230698\"");
        assert_eq!(kit.run("GEOADD g NX 0 0 p"), "(integer) 0");
        assert_eq!(kit.run("GEOADD g XX CH 0 0 p 1 1 x"), "(integer) 1");
        assert_eq!(kit.run("GEOADD g XX CH 0 0 p"), "(integer) 0");
        assert_eq!(kit.run("ZRANGE g 0 -1"), "[\"p\", \"c\"]");
    }

    #[test]
    fn refuses_before_it_adds_anything() {
        let mut kit = Kit::new();
        for (line, text) in [
            ("GEOADD g 1 2 a 3 4", "syntax error"),
            ("GEOADD g NX XX 1 2 a", "syntax error"),
            ("GEOADD g CH NX XX", "syntax error"),
            ("GEOADD g 1 2 a x 3 b", "value is not a valid float"),
            (
                "GEOADD g 1 2 a 181 86 b",
                "invalid longitude,latitude pair 181.000000,86.000000",
            ),
        ] {
            let expected = alloc::format!("(error) ERR {text}");
            assert_eq!(kit.run(line), expected, "{line}");
        }
        assert_eq!(kit.run("EXISTS g"), "(integer) 0");
        kit.run("SET s 1");
        assert!(kit.run("GEOADD s 1 1 a").starts_with("(error) WRONGTYPE"));
    }
}

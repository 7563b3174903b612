//! GEOSEARCH and GEOSEARCHSTORE.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Flags, Group, History, KeyFlags, KeySpec};

use super::{ORDER, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, args::Form, query::query};
use crate::{
    Error,
    cmd::{
        Command, Run,
        sorted_set::{limits, number, store},
    },
    ctx::{ReadCtx, WriteCtx},
};

/// The centre; a polygon has its own.
const FROM: ArgSpec = ArgSpec::one_of(
    "from",
    &[
        ArgSpec::string("member").token("FROMMEMBER"),
        ArgSpec::block(
            "fromlonlat",
            &[ArgSpec::double("longitude"), ArgSpec::double("latitude")],
        )
        .token("FROMLONLAT"),
    ],
);

/// The area.
const BY: ArgSpec = ArgSpec::one_of(
    "by",
    &[
        ArgSpec::block(
            "circle",
            &[ArgSpec::double("radius").token("BYRADIUS"), UNIT],
        ),
        ArgSpec::block(
            "box",
            &[
                ArgSpec::double("width").token("BYBOX"),
                ArgSpec::double("height"),
                UNIT,
            ],
        ),
        ArgSpec::block(
            "polygon",
            &[
                ArgSpec::integer("num-vertices").token("BYPOLYGON"),
                ArgSpec::block(
                    "vertices",
                    &[ArgSpec::double("longitude"), ArgSpec::double("latitude")],
                )
                .multiple(),
            ],
        )
        .since("9.0.0"),
    ],
);

/// How many.
const SEARCH_COUNT: ArgSpec = ArgSpec::block(
    "count-block",
    &[
        ArgSpec::integer("count").token("COUNT"),
        ArgSpec::pure_token("any", "ANY").optional(),
    ],
)
.optional();

pub(super) const GEOSEARCH: Command = Command {
    spec: CommandSpec {
        name: "geosearch",
        group: Group::Geo,
        since: "6.2.0",
        summary: "Finds the members inside a circle, a box or a polygon.",
        complexity: "O(N+log(M)) for N members near the area and M in all",
        history: &[
            History {
                version: "7.0.0",
                change: "The unit may be written in capitals.",
            },
            History {
                version: "9.0.0",
                change: "The option `BYPOLYGON` came.",
            },
        ],
        arity: -7,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            FROM,
            BY,
            ORDER,
            SEARCH_COUNT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(geosearch),
};

pub(super) const GEOSEARCHSTORE: Command = Command {
    spec: CommandSpec {
        name: "geosearchstore",
        group: Group::Geo,
        since: "6.2.0",
        summary: "Stores the members inside a circle, a box or a polygon under another key.",
        complexity: "O(N+log(M)) for N members near the area and M in all",
        history: &[
            History {
                version: "7.0.0",
                change: "The unit may be written in capitals.",
            },
            History {
                version: "9.0.0",
                change: "The option `BYPOLYGON` came.",
            },
        ],
        arity: -8,
        flags: Flags::DENYOOM,
        categories: Categories::GEO,
        keys: &[
            KeySpec::one(1, KeyFlags::OW.union(KeyFlags::UPDATE)),
            KeySpec::one(2, KeyFlags::RO.union(KeyFlags::ACCESS)),
        ],
        args: &[
            ArgSpec::key("destination", 0),
            ArgSpec::key("source", 1),
            FROM,
            BY,
            ORDER,
            SEARCH_COUNT,
            ArgSpec::pure_token("storedist", "STOREDIST").optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(geosearchstore),
};

fn geosearch(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    query(ctx, request, Form::Search { stores: false }, reply).map(|_| ())
}

fn geosearchstore(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let key = ctx.key(0)?;
    if let Some(result) = query(ctx, request, Form::Search { stores: true }, reply)? {
        reply.int(number(result.elements.len()));
        store(
            ctx,
            key,
            result.elements.finish(&limits(ctx)),
            "geosearchstore",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    fn kit() -> Kit {
        let mut kit = Kit::new();
        kit.run("GEOADD g 13.361389 38.115556 p 15.087269 37.502669 c");
        kit.run("GEOADD g 12.758489 38.788135 e 17.241510 38.788135 f");
        kit
    }

    #[test]
    fn finds_members_in_areas() {
        let mut kit = kit();
        for (line, expected) in [
            (
                "GEOSEARCH g FROMLONLAT 15 37 BYRADIUS 200 km ASC",
                "[\"c\", \"p\"]",
            ),
            (
                "GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
                "[[\"c\", \"56.4413\"], [\"p\", \"190.4424\"], \
                 [\"f\", \"279.7403\"], [\"e\", \"279.7405\"]]",
            ),
            (
                "GEOSEARCH g BYBOX 400 400 km FROMMEMBER c COUNT 2",
                "[\"c\", \"p\"]",
            ),
            (
                "GEOSEARCH g FROMMEMBER c BYRADIUS 1 km WITHCOORD WITHHASH",
                "[[\"c\", (integer) 3479447370796909, \
                 [\"15.08726745843887329\", \"37.50266842333162032\"]]]",
            ),
            (
                "GEOSEARCH g BYPOLYGON 4 13 37 16 37 16 39 13 39 DESC",
                "[\"p\", \"c\"]",
            ),
            (
                "GEOSEARCH g BYPOLYGON 3 13 38 14 38 13.5 39 COUNT 5",
                "[\"p\"]",
            ),
            ("GEOSEARCH g BYPOLYGON 3 0 0 1 0 0 1", "[]"),
            ("GEOSEARCH none FROMMEMBER x BYRADIUS 1 km", "[]"),
        ] {
            assert_eq!(kit.run(line), expected, "{line}");
        }
        let any = kit.run("GEOSEARCH g FROMLONLAT 15 37 BYBOX 400 400 km COUNT 3 ANY");
        assert_eq!(any.matches('"').count(), 6);
    }

    #[test]
    fn stores_what_it_finds() {
        let mut kit = kit();
        let line = "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km";
        assert_eq!(effects_of(&mut kit, line), line);
        assert_eq!(kit.run("GEOSEARCH d FROMMEMBER p BYRADIUS 1 m"), "[\"p\"]");
        let line = "GEOSEARCHSTORE d g FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST COUNT 1";
        assert_eq!(kit.run(line), "(integer) 1");
        assert!(kit.run("ZSCORE d c").starts_with("\"56.44125"));
        let line = "GEOSEARCHSTORE d g FROMLONLAT 0 0 BYRADIUS 1 km";
        assert_eq!(kit.run(line), "(integer) 0");
        assert_eq!(kit.run("EXISTS d"), "(integer) 0");
    }

    #[test]
    fn refuses_what_does_not_fit_together() {
        let mut kit = kit();
        let from = "exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH";
        let by = "exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH";
        let corners = "GEOSEARCH BYPOLYGON must have at least 3 vertices";
        for (line, text) in [
            ("GEOSEARCH g BYRADIUS 1 km ASC DESC WITHDIST", from),
            ("GEOSEARCH g FROMMEMBER p ASC DESC WITHDIST", by),
            (
                "GEOSEARCH g FROMMEMBER p FROMLONLAT 1 1 BYRADIUS 1 km",
                "syntax error",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYBOX 1 1 km BYRADIUS 1 km",
                "syntax error",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYBOX 1 -1 km",
                "height or width cannot be negative",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYBOX x 1 km",
                "need numeric width",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYBOX 1 x km",
                "need numeric height",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYRADIUS 1 km STORE d",
                "syntax error",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYRADIUS 1 km STOREDIST",
                "syntax error",
            ),
            ("GEOSEARCH g BYPOLYGON 2 1 1 2 2", corners),
            ("GEOSEARCH g BYPOLYGON 3 1 1 2 2", corners),
            (
                "GEOSEARCH g BYPOLYGON x 1 1 2 2",
                "invalid number of vertices",
            ),
            (
                "GEOSEARCH g BYPOLYGON 3 1 1 2 2 3 3 FROMMEMBER p",
                "syntax error",
            ),
            (
                "GEOSEARCH g FROMMEMBER p BYPOLYGON 3 1 1 2 2 3 3",
                "syntax error",
            ),
            (
                "GEOSEARCH g BYPOLYGON 3 1 1 2 2 3 3 BYRADIUS 1 km",
                "syntax error",
            ),
            (
                "GEOSEARCH g BYPOLYGON 3 1 1 2 2 3 93",
                "invalid longitude,latitude pair 3.000000,93.000000",
            ),
            (
                "GEOSEARCHSTORE d g FROMMEMBER p BYRADIUS 1 km WITHDIST",
                "GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options",
            ),
        ] {
            let expected = alloc::format!("(error) ERR {text}");
            assert_eq!(kit.run(line), expected, "{line}");
        }
        kit.run("SET s 1");
        let wrong = kit.run("GEOSEARCH s FOO BAR 1 2 3");
        assert!(wrong.starts_with("(error) WRONGTYPE"));
    }
}

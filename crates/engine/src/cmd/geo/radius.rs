//! The older searches: GEORADIUS and GEORADIUSBYMEMBER, and their forms that store nothing.

use vk_resp::{ReplyBuf, Request};
use vk_spec::{
    ArgSpec, Begin, Categories, CommandSpec, Deprecation, Find, Flags, Group, History, KeyFlags,
    KeySpec,
};

use super::{ORDER, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, args::Form, query::query};
use crate::{
    Error,
    cmd::{
        Command, Run,
        sorted_set::{limits, number, store},
    },
    ctx::{ReadCtx, WriteCtx},
};

/// How many.
const COUNT: ArgSpec = ArgSpec::block(
    "count-block",
    &[
        ArgSpec::integer("count").token("COUNT"),
        ArgSpec::pure_token("any", "ANY").since("6.2.0").optional(),
    ],
)
.optional();

/// As [`COUNT`], around a member: there the record tells no version of `ANY`.
const MEMBER_COUNT: ArgSpec = ArgSpec::block(
    "count-block",
    &[
        ArgSpec::integer("count").token("COUNT"),
        ArgSpec::pure_token("any", "ANY").optional(),
    ],
)
.optional();

/// Where the result goes.
const STORE: ArgSpec = ArgSpec::one_of(
    "store",
    &[
        ArgSpec::key("storekey", 1).token("STORE").display("key"),
        ArgSpec::key("storedistkey", 2)
            .token("STOREDIST")
            .display("key"),
    ],
)
.optional();

const HISTORY: &[History] = &[
    History {
        version: "6.2.0",
        change: "The option `ANY` of `COUNT` came.",
    },
    History {
        version: "7.0.0",
        change: "The unit may be written in capitals.",
    },
];

/// The key behind a keyword, which is word `from` or a later one.
const fn stored_behind(keyword: &'static str, from: i32) -> KeySpec {
    KeySpec {
        begin: Begin::Keyword(keyword, from),
        find: Find::Range {
            last: 0,
            step: 1,
            limit: 0,
        },
        flags: KeyFlags::OW.union(KeyFlags::UPDATE),
        notes: "",
    }
}

pub(super) const GEORADIUS: Command = Command {
    spec: CommandSpec {
        name: "georadius",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Finds the members within a distance of a position, and may store them.",
        complexity: "O(N+log(M)) for N members near the circle and M in all",
        history: HISTORY,
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument",
        }),
        arity: -6,
        flags: Flags::DENYOOM,
        categories: Categories::GEO,
        keys: &[
            KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
            stored_behind("STORE", 6),
            stored_behind("STOREDIST", 6),
        ],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("longitude"),
            ArgSpec::double("latitude"),
            ArgSpec::double("radius"),
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            COUNT,
            ORDER,
            STORE,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(georadius),
};

pub(super) const GEORADIUSBYMEMBER: Command = Command {
    spec: CommandSpec {
        name: "georadiusbymember",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Finds the members within a distance of another, and may store them.",
        complexity: "O(N+log(M)) for N members near the circle and M in all",
        history: HISTORY,
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` \
                arguments",
        }),
        arity: -5,
        flags: Flags::DENYOOM,
        categories: Categories::GEO,
        keys: &[
            KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS)),
            stored_behind("STORE", 5),
            stored_behind("STOREDIST", 5),
        ],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member"),
            ArgSpec::double("radius"),
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            MEMBER_COUNT,
            ORDER,
            STORE,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Write(georadiusbymember),
};

pub(super) const GEORADIUS_RO: Command = Command {
    spec: CommandSpec {
        name: "georadius_ro",
        group: Group::Geo,
        since: "3.2.10",
        summary: "Finds the members within a distance of a position.",
        complexity: "O(N+log(M)) for N members near the circle and M in all",
        history: HISTORY,
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` with the `BYRADIUS` argument",
        }),
        arity: -6,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::double("longitude"),
            ArgSpec::double("latitude"),
            ArgSpec::double("radius"),
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            COUNT,
            ORDER,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(georadius_ro),
};

pub(super) const GEORADIUSBYMEMBER_RO: Command = Command {
    spec: CommandSpec {
        name: "georadiusbymember_ro",
        group: Group::Geo,
        since: "3.2.10",
        summary: "Finds the members within a distance of another.",
        complexity: "O(N+log(M)) for N members near the circle and M in all",
        history: HISTORY,
        deprecated: Some(Deprecation {
            since: "6.2.0",
            replaced_by: "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments",
        }),
        arity: -5,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member"),
            ArgSpec::double("radius"),
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            MEMBER_COUNT,
            ORDER,
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(georadiusbymember_ro),
};

fn georadius(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    search(ctx, request, Form::Radius { stores: true }, reply)
}

fn georadiusbymember(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    search(ctx, request, Form::RadiusByMember { stores: true }, reply)
}

fn georadius_ro(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let form = Form::Radius { stores: false };
    query(ctx, request, form, reply).map(|_| ())
}

fn georadiusbymember_ro(
    ctx: &mut ReadCtx<'_>,
    request: Request<'_>,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let form = Form::RadiusByMember { stores: false };
    query(ctx, request, form, reply).map(|_| ())
}

fn search(
    ctx: &mut WriteCtx<'_>,
    request: Request<'_>,
    form: Form,
    reply: &mut ReplyBuf,
) -> Result<(), Error> {
    let Some(result) = query(ctx, request, form, reply)? else {
        return Ok(());
    };
    // Of several the last one counts, which the key specs do not say.
    let key = ctx.authorize_derived(result.key, KeyFlags::OW.union(KeyFlags::UPDATE))?;
    reply.int(number(result.elements.len()));
    store(
        ctx,
        key,
        result.elements.finish(&limits(ctx)),
        "georadiusstore",
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{cmd::string::effects_of, testkit::Kit};

    fn kit() -> Kit {
        let mut kit = Kit::new();
        kit.run("GEOADD g 13.361389 38.115556 p 15.087269 37.502669 c");
        kit
    }

    #[test]
    fn finds_members_near_by() {
        let mut kit = kit();
        for (line, expected) in [
            ("GEORADIUS g 15 37 200 km ASC", "[\"c\", \"p\"]"),
            ("GEORADIUS g 15 37 200 km DESC COUNT 1", "[\"p\"]"),
            ("GEORADIUS g 15 37 100 km", "[\"c\"]"),
            ("GEORADIUS g 15 37 1 m", "[]"),
            (
                "GEORADIUS_RO g 15 37 200 km WITHDIST WITHHASH ASC",
                "[[\"c\", \"56.4413\", (integer) 3479447370796909], \
                 [\"p\", \"190.4424\", (integer) 3479099956230698]]",
            ),
            ("GEORADIUSBYMEMBER g p 200 km ASC", "[\"p\", \"c\"]"),
            ("GEORADIUSBYMEMBER_RO g p 100 km", "[\"p\"]"),
            ("GEORADIUSBYMEMBER none p 100 km", "[]"),
            ("GEORADIUSBYMEMBER none p x y", "[]"),
        ] {
            assert_eq!(kit.run(line), expected, "{line}");
        }
    }

    #[test]
    fn stores_what_it_finds() {
        let mut kit = kit();
        let line = "GEORADIUS g 15 37 200 km STORE d";
        assert_eq!(effects_of(&mut kit, line), line);
        assert_eq!(kit.run("ZSCORE d p"), "\"3479099956230698\"");
        assert_eq!(
            kit.run("GEORADIUS g 15 37 200 km STOREDIST d COUNT 1"),
            "(integer) 1"
        );
        assert!(
            kit.run("ZRANGE d 0 -1 WITHSCORES")
                .starts_with("[\"c\", \"56.44125")
        );
        assert_eq!(
            kit.run("GEORADIUS g 15 37 200 km STORE d STORE e"),
            "(integer) 2"
        );
        assert_eq!(kit.run("ZCARD e"), "(integer) 2");
        assert_eq!(kit.run("GEORADIUS g 0 0 1 km STORE d"), "(integer) 0");
        assert_eq!(kit.run("EXISTS d"), "(integer) 0");
        assert_eq!(
            kit.run("GEORADIUSBYMEMBER none p 1 km STORE e"),
            "(integer) 0"
        );
        assert_eq!(kit.run("EXISTS e"), "(integer) 0");
        assert_eq!(effects_of(&mut kit, "GEORADIUS g 15 37 200 km"), "");
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let mut kit = kit();
        for (line, text) in [
            ("GEORADIUS g 15 37 x km", "need numeric radius"),
            ("GEORADIUS g 15 37 -1 km", "radius cannot be negative"),
            (
                "GEORADIUS g 15 37 1 yd",
                "unsupported unit provided. please use M, KM, FT, MI",
            ),
            (
                "GEORADIUS g 15 97 1 km",
                "invalid longitude,latitude pair 15.000000,97.000000",
            ),
            ("GEORADIUS g 15 37 1 km COUNT 0", "COUNT must be > 0"),
            (
                "GEORADIUS g 15 37 1 km COUNT x",
                "value is not an integer or out of range",
            ),
            (
                "GEORADIUS g 15 37 1 km ANY",
                "the ANY argument requires COUNT argument",
            ),
            ("GEORADIUS g 15 37 1 km STORE", "syntax error"),
            ("GEORADIUS g 15 37 -1 km STORE", "radius cannot be negative"),
            (
                "GEORADIUSBYMEMBER g p 1 km COUNT -1 STORE",
                "COUNT must be > 0",
            ),
            ("GEORADIUS_RO g 15 37 1 km STORE d", "syntax error"),
            (
                "GEORADIUS g 15 37 1 km STORE d WITHDIST",
                "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and \
                 WITHCOORD options",
            ),
            (
                "GEORADIUSBYMEMBER g x 1 km",
                "could not decode requested zset member",
            ),
        ] {
            let expected = alloc::format!("(error) ERR {text}");
            assert_eq!(kit.run(line), expected, "{line}");
        }
        kit.run("SET s 1");
        let wrong = kit.run("GEORADIUS s 15 37 1 km STORE");
        assert!(wrong.starts_with("(error) WRONGTYPE"));
    }
}

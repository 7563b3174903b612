//! What is known of members: GEODIST, GEOHASH, GEOPOS.

use vk_data::{geo::Point, zset::ZSetRef};
use vk_resp::{ReplyBuf, Request};
use vk_spec::{ArgSpec, Categories, CommandSpec, Group, KeyFlags, KeySpec};

use super::{UNIT, reply_distance, reply_point, unit};
use crate::{
    Error,
    cmd::{Command, Run},
    ctx::ReadCtx,
};

pub(super) const GEODIST: Command = Command {
    spec: CommandSpec {
        name: "geodist",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Tells the distance between two members.",
        complexity: "O(1)",
        arity: -4,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member1"),
            ArgSpec::string("member2"),
            UNIT.optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(geodist),
};

pub(super) const GEOHASH: Command = Command {
    spec: CommandSpec {
        name: "geohash",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Tells the geohash texts of members.",
        complexity: "O(1) for each member asked for",
        arity: -2,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member").multiple().optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(geohash),
};

pub(super) const GEOPOS: Command = Command {
    spec: CommandSpec {
        name: "geopos",
        group: Group::Geo,
        since: "3.2.0",
        summary: "Tells the positions of members.",
        complexity: "O(1) for each member asked for",
        arity: -2,
        categories: Categories::GEO,
        keys: &[KeySpec::one(1, KeyFlags::RO.union(KeyFlags::ACCESS))],
        args: &[
            ArgSpec::key("key", 0),
            ArgSpec::string("member").multiple().optional(),
        ],
        ..CommandSpec::NEW
    },
    run: Run::Read(geopos),
};

fn geodist(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let metres = match request.len() {
        4 => 1.0,
        5 => unit(request.arg(4))?,
        _ => return Err(Error::SYNTAX),
    };
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    let position = |word| position(zset, request.arg(word).unwrap_or_default());
    match (position(2), position(3)) {
        (Some(from), Some(to)) => reply_distance(reply, from.distance_m(to) / metres),
        _ => reply.null(),
    }
    Ok(())
}

fn geohash(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    let members = request.skip(2);
    reply.array(members.len());
    for member in members {
        match position(zset, member) {
            Some(point) => reply.bulk(&point.geohash()),
            None => reply.null(),
        }
    }
    Ok(())
}

fn geopos(ctx: &mut ReadCtx<'_>, request: Request<'_>, reply: &mut ReplyBuf) -> Result<(), Error> {
    let zset = ctx.view::<ZSetRef<'_>>(ctx.key(0)?)?;
    let members = request.skip(2);
    reply.array(members.len());
    for member in members {
        match position(zset, member) {
            Some(point) => reply_point(reply, point),
            None => reply.null_array(),
        }
    }
    Ok(())
}

fn position(zset: Option<ZSetRef<'_>>, member: &[u8]) -> Option<Point> {
    zset?.score(member).map(Point::from_score)
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn tells_where_members_are() {
        let mut kit = Kit::new();
        kit.run("GEOADD g 13.361389 38.115556 p 15.087269 37.502669 c");
        for (line, expected) in [
            ("GEODIST g p c", "\"166274.1516\""),
            ("GEODIST g p c KM", "\"166.2742\""),
            ("GEODIST g p c mi", "\"103.3182\""),
            ("GEODIST g p c ft", "\"545518.8700\""),
            ("GEODIST g p p", "\"0.0000\""),
            ("GEODIST g p x", "(nil)"),
            ("GEODIST none p c", "(nil)"),
            (
                "GEOHASH g p x c",
                "[\"sqc8b49rny0\", (nil), \"sqdtr74hyu0\"]",
            ),
            ("GEOHASH g", "[]"),
            ("GEOPOS none x", "[(nil)]"),
            (
                "GEOPOS g p x",
                "[[\"13.36138933897018433\", \"38.11555639549629859\"], (nil)]",
            ),
            (
                "GEODIST g p c yd",
                "(error) ERR unsupported unit provided. please use M, KM, FT, MI",
            ),
            ("GEODIST g p c km x", "(error) ERR syntax error"),
        ] {
            assert_eq!(kit.run(line), expected, "{line}");
        }
        kit.run("SET s 1");
        assert!(kit.run("GEOPOS s a").starts_with("(error) WRONGTYPE"));
    }
}

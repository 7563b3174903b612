//! Commands on positions: members of sorted sets whose scores are places on the Earth.
//!
//! Here is what the families of this group share: how positions and units are read and told. The
//! commands themselves are in the files below, the arithmetic is in `vk-data`.

mod add;
mod args;
mod query;
mod radius;
mod search;
mod tell;

use vk_data::{
    geo::{COORDINATE_TEXT_MAX, DISTANCE_TEXT_MAX, Point, Unit, coordinate_text, distance_text},
    num::parse_f64,
};
use vk_resp::{Protocol, ReplyBuf, Request};
use vk_spec::ArgSpec;

use super::Command;
use crate::Error;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    add::GEOADD,
    tell::GEODIST,
    tell::GEOHASH,
    tell::GEOPOS,
    radius::GEORADIUS,
    radius::GEORADIUSBYMEMBER,
    radius::GEORADIUSBYMEMBER_RO,
    radius::GEORADIUS_RO,
    search::GEOSEARCH,
    search::GEOSEARCHSTORE,
];

/// A unit of distance.
const UNIT: ArgSpec = ArgSpec::one_of(
    "unit",
    &[
        ArgSpec::pure_token("m", "m"),
        ArgSpec::pure_token("km", "km"),
        ArgSpec::pure_token("ft", "ft"),
        ArgSpec::pure_token("mi", "mi"),
    ],
);

/// By distance.
const ORDER: ArgSpec = ArgSpec::one_of(
    "order",
    &[
        ArgSpec::pure_token("asc", "ASC"),
        ArgSpec::pure_token("desc", "DESC"),
    ],
)
.optional();

const WITH_COORD: ArgSpec = ArgSpec::pure_token("withcoord", "WITHCOORD").optional();
const WITH_DIST: ArgSpec = ArgSpec::pure_token("withdist", "WITHDIST").optional();
const WITH_HASH: ArgSpec = ArgSpec::pure_token("withhash", "WITHHASH").optional();

/// The position in the words `at` and `at + 1`.
fn point(request: Request<'_>, at: usize) -> Result<Point, Error> {
    let degrees = |word| {
        let word = request.arg(word).unwrap_or_default();
        parse_f64(word).ok_or(Error::NOT_A_FLOAT)
    };
    let (lon, lat) = (degrees(at)?, degrees(at + 1)?);
    Point::new(lon, lat).ok_or_else(|| {
        Error::told(format_args!(
            "ERR invalid longitude,latitude pair {lon:.6},{lat:.6}"
        ))
    })
}

/// Metres in one of the unit that a word names.
fn unit(word: Option<&[u8]>) -> Result<f64, Error> {
    let unit = word.and_then(Unit::parse).ok_or(Error::GEO_UNIT)?;
    Ok(unit.metres())
}

fn reply_distance(reply: &mut ReplyBuf, distance: f64) {
    reply.bulk(distance_text(distance, &mut [0; DISTANCE_TEXT_MAX]));
}

fn reply_point(reply: &mut ReplyBuf, point: Point) {
    reply.array(2);
    for degrees in [point.lon(), point.lat()] {
        let mut room = [0; COORDINATE_TEXT_MAX];
        let text = coordinate_text(degrees, &mut room);
        match reply.protocol() {
            Protocol::Resp2 => reply.bulk(text),
            Protocol::Resp3 => {
                reply.raw(b",");
                reply.raw(text);
                reply.raw(b"\r\n");
            }
        }
    }
}

//! The words of a search of an area. Running it is in `query`.

use alloc::vec::Vec;

use vk_data::{
    geo::Point,
    num::{parse_f64, parse_i64},
    zset::ZSetRef,
};
use vk_resp::Request;

use super::{point, unit};
use crate::Error;

/// Which command it is, that is, where its words stand and which options it knows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// GEORADIUS
    Radius { stores: bool },
    /// GEORADIUSBYMEMBER
    RadiusByMember { stores: bool },
    /// GEOSEARCH
    Search { stores: bool },
}

/// What was said of the centre.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Centre {
    Unsaid,
    /// A member; without a sorted set there is no position to it.
    Member(Option<Point>),
    At(Point),
}

/// The area around the centre, in the unit of the search.
#[derive(Debug)]
pub(super) enum Area {
    Unsaid,
    Circle {
        radius: f64,
    },
    Box {
        width: f64,
        height: f64,
    },
    /// With a centre of its own.
    Polygon(Vec<Point>),
}

/// How results are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sorting {
    Unsaid,
    Nearest,
    Farthest,
}

/// What is asked for.
#[derive(Debug)]
pub(super) struct Query<'r> {
    pub(super) centre: Centre,
    pub(super) area: Area,
    /// Metres in one of the unit.
    pub(super) metres: f64,
    pub(super) tells_distance: bool,
    pub(super) tells_hash: bool,
    pub(super) tells_point: bool,
    pub(super) sorting: Sorting,
    pub(super) count: Option<usize>,
    /// Any of them will do, not only the nearest.
    pub(super) any: bool,
    /// The word that names the key; empty for GEOSEARCHSTORE.
    pub(super) store_key: Option<&'r [u8]>,
    pub(super) stores_distance: bool,
}

impl<'r> Query<'r> {
    /// Reads a request; members are looked up in the sorted set.
    pub(super) fn parse(
        request: Request<'r>,
        form: Form,
        zset: Option<ZSetRef<'_>>,
    ) -> Result<Self, Error> {
        let mut query = Self {
            centre: Centre::Unsaid,
            area: Area::Unsaid,
            metres: 1.0,
            tells_distance: false,
            tells_hash: false,
            tells_point: false,
            sorting: Sorting::Unsaid,
            count: None,
            any: false,
            store_key: None,
            stores_distance: false,
        };
        let options = match form {
            Form::Radius { .. } => {
                query.centre = Centre::At(point(request, 2)?);
                query.read_circle(request.skip(4))?;
                6
            }
            Form::RadiusByMember { .. } => {
                query.centre = member(request.arg(2), zset)?;
                // Without a sorted set nothing is read that is not needed for the reply.
                if zset.is_some() {
                    query.read_circle(request.skip(3))?;
                }
                5
            }
            Form::Search { stores: true } => {
                query.store_key = Some(&[]);
                3
            }
            Form::Search { stores: false } => 2,
        };
        let mut rest = request.skip(options);
        while !rest.is_empty() {
            let used = query.read_option(rest, form, zset)?;
            rest = rest.skip(used);
        }
        query.check(request, form)?;
        Ok(query)
    }

    /// Reads an option; returns how many words it takes.
    fn read_option(
        &mut self,
        rest: Request<'r>,
        form: Form,
        zset: Option<ZSetRef<'_>>,
    ) -> Result<usize, Error> {
        let word = rest.arg(0).unwrap_or_default();
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("WITHDIST") {
            self.tells_distance = true;
        } else if is("WITHHASH") {
            self.tells_hash = true;
        } else if is("WITHCOORD") {
            self.tells_point = true;
        } else if is("ANY") {
            self.any = true;
        } else if is("ASC") {
            self.sorting = Sorting::Nearest;
        } else if is("DESC") {
            self.sorting = Sorting::Farthest;
        } else if let (true, Some(count)) = (is("COUNT"), rest.arg(1)) {
            self.count = Some(read_count(count)?);
            return Ok(2);
        } else {
            return match form {
                Form::Search { stores } => self.read_search_option(rest, stores, zset),
                Form::Radius { stores } | Form::RadiusByMember { stores } => {
                    self.read_store(rest, stores)
                }
            };
        }
        Ok(1)
    }

    /// An option of GEORADIUS and GEORADIUSBYMEMBER alone.
    fn read_store(&mut self, rest: Request<'r>, known: bool) -> Result<usize, Error> {
        let word = rest.arg(0).unwrap_or_default();
        let distance = word.eq_ignore_ascii_case(b"STOREDIST");
        if !known || rest.len() < 2 || !(distance || word.eq_ignore_ascii_case(b"STORE")) {
            return Err(Error::SYNTAX);
        }
        self.store_key = rest.arg(1);
        self.stores_distance = distance;
        Ok(2)
    }

    /// An option of GEOSEARCH and GEOSEARCHSTORE alone. What was said may be said again in the same
    /// way, and in no other.
    fn read_search_option(
        &mut self,
        rest: Request<'r>,
        stores: bool,
        zset: Option<ZSetRef<'_>>,
    ) -> Result<usize, Error> {
        let word = rest.arg(0).unwrap_or_default();
        let is =
            |name: &str, words| rest.len() > words && word.eq_ignore_ascii_case(name.as_bytes());
        match (&self.centre, &self.area) {
            _ if stores && is("STOREDIST", 0) => {
                self.stores_distance = true;
                Ok(1)
            }
            (Centre::Unsaid, Area::Unsaid | Area::Polygon(_)) if is("BYPOLYGON", 2) => {
                self.read_polygon(rest.skip(1))
            }
            (_, Area::Polygon(_)) => Err(Error::SYNTAX),
            (Centre::Unsaid | Centre::Member(_), _) if is("FROMMEMBER", 1) => {
                self.centre = member(rest.arg(1), zset)?;
                Ok(2)
            }
            (Centre::Unsaid | Centre::At(_), _) if is("FROMLONLAT", 2) => {
                self.centre = Centre::At(point(rest, 1)?);
                Ok(3)
            }
            (_, Area::Unsaid | Area::Circle { .. }) if is("BYRADIUS", 2) => {
                self.read_circle(rest.skip(1))?;
                Ok(3)
            }
            (_, Area::Unsaid | Area::Box { .. }) if is("BYBOX", 3) => {
                self.read_box(rest.skip(1))?;
                Ok(4)
            }
            _ => Err(Error::SYNTAX),
        }
    }

    /// A radius and a unit.
    fn read_circle(&mut self, words: Request<'_>) -> Result<(), Error> {
        let radius = words.arg(0).and_then(parse_f64);
        let radius = radius.ok_or(Error::GEO_RADIUS_NOT_A_FLOAT)?;
        if radius < 0.0 {
            return Err(Error::GEO_RADIUS_NEGATIVE);
        }
        self.metres = unit(words.arg(1))?;
        self.area = Area::Circle { radius };
        Ok(())
    }

    /// Width, height and a unit.
    fn read_box(&mut self, words: Request<'_>) -> Result<(), Error> {
        let width = words.arg(0).and_then(parse_f64);
        let width = width.ok_or(Error::GEO_WIDTH_NOT_A_FLOAT)?;
        let height = words.arg(1).and_then(parse_f64);
        let height = height.ok_or(Error::GEO_HEIGHT_NOT_A_FLOAT)?;
        if width < 0.0 || height < 0.0 {
            return Err(Error::GEO_BOX_NEGATIVE);
        }
        self.metres = unit(words.arg(2))?;
        self.area = Area::Box { width, height };
        Ok(())
    }

    /// How many corners, and the corners; returns how many words the whole option takes.
    fn read_polygon(&mut self, words: Request<'_>) -> Result<usize, Error> {
        let corners = words.arg(0).and_then(parse_i64);
        let corners = corners.and_then(|corners| i32::try_from(corners).ok());
        let corners = corners.ok_or(Error::GEO_VERTICES_NOT_AN_INTEGER)?;
        let corners = usize::try_from(corners).unwrap_or(0);
        let there = words.len().saturating_sub(1) / 2;
        if corners < 3 || there < corners {
            return Err(Error::GEO_VERTICES);
        }
        let corner = |at| point(words, 2 * at + 1);
        let polygon = (0..corners).map(corner).collect::<Result<_, _>>()?;
        self.area = Area::Polygon(polygon);
        self.metres = 1.0;
        Ok(2 * corners + 2)
    }

    /// What must be said, and what does not fit together.
    fn check(&self, request: Request<'_>, form: Form) -> Result<(), Error> {
        let tells = self.tells_distance || self.tells_hash || self.tells_point;
        let searches = matches!(form, Form::Search { .. });
        if self.store_key.is_some() && tells {
            let what = if searches {
                "GEOSEARCHSTORE"
            } else {
                "STORE option in GEORADIUS"
            };
            return Err(Error::told(format_args!(
                "ERR {what} is not compatible with WITHDIST, WITHHASH and WITHCOORD options"
            )));
        }
        let is_polygon = matches!(self.area, Area::Polygon(_));
        if searches && self.centre == Centre::Unsaid && !is_polygon {
            return Err(exactly_one("FROMMEMBER or FROMLONLAT", request));
        }
        if searches && matches!(self.area, Area::Unsaid) {
            return Err(exactly_one("BYRADIUS and BYBOX", request));
        }
        if self.any && self.count.is_none() {
            return Err(Error::GEO_ANY);
        }
        Ok(())
    }
}

/// The command is named as the client wrote it.
fn exactly_one(of: &str, request: Request<'_>) -> Error {
    let name = alloc::string::String::from_utf8_lossy(request.arg(0).unwrap_or_default());
    Error::told(format_args!(
        "ERR exactly one of {of} can be specified for {name}"
    ))
}

/// The position of a member.
fn member(name: Option<&[u8]>, zset: Option<ZSetRef<'_>>) -> Result<Centre, Error> {
    let Some(zset) = zset else {
        return Ok(Centre::Member(None));
    };
    let score = zset.score(name.unwrap_or_default());
    let score = score.ok_or(Error::GEO_NO_MEMBER)?;
    Ok(Centre::Member(Some(Point::from_score(score))))
}

fn read_count(word: &[u8]) -> Result<usize, Error> {
    let count = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
    if count <= 0 {
        return Err(Error::GEO_COUNT);
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

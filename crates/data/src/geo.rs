//! Points on the Earth: the scores under which sorted sets keep them, their distances, their texts.
//!
//! A score is a cell of a grid of 2^26 by 2^26 cells, the bits of latitude and longitude taken in
//! turns (Morton order), so that neighbours have scores close to each other. Searches are in
//! `search`. Not a map projection, and not the commands.

mod search;
mod text;

pub use search::{Search, Shape};
pub use text::{COORDINATE_TEXT_MAX, DISTANCE_TEXT_MAX, coordinate_text, distance_text};

use core::f64::consts::PI;

/// Largest longitude east and west, in degrees.
pub const LON_MAX: f64 = 180.0;
/// Largest latitude north and south, in degrees: that of the square Mercator map (EPSG:3857).
pub const LAT_MAX: f64 = 85.051_128_78;
/// Radius of the Earth that distances are computed with, in metres.
pub const EARTH_RADIUS_M: f64 = 6_372_797.560_856;

/// Bits of a coordinate in a score.
const STEP_MAX: u32 = 26;
const RADIANS_PER_DEGREE: f64 = PI / 180.0;

/// A position in degrees, within [`LON_MAX`] and [`LAT_MAX`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    lon: f64,
    lat: f64,
}

impl Point {
    /// None beyond the limits of the map.
    #[must_use]
    pub fn new(lon: f64, lat: f64) -> Option<Self> {
        let within = (-LON_MAX..=LON_MAX).contains(&lon) && (-LAT_MAX..=LAT_MAX).contains(&lat);
        within.then_some(Self { lon, lat })
    }

    /// Degrees east.
    #[must_use]
    pub const fn lon(self) -> f64 {
        self.lon
    }

    /// Degrees north.
    #[must_use]
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// The score of the cell that holds the point.
    #[must_use]
    pub fn score(self) -> f64 {
        Cell::of(self, STEP_MAX, LAT_MAX).score_min()
    }

    /// The middle of the cell of a score. A score that is no cell gives some point on the map.
    #[must_use]
    pub fn from_score(score: f64) -> Self {
        const TWO_63: f64 = 9_223_372_036_854_775_808.0;
        // Beyond 64 bits the processor's conversion leaves nothing, below zero it wraps around.
        let bits = match score {
            _ if score < TWO_63 => (score as i64).cast_unsigned(),
            _ if score < 2.0 * TWO_63 => score as u64,
            _ => 0,
        };
        let area = Cell::from_bits(bits).area();
        Self {
            lon: f64::midpoint(area.lon_min, area.lon_max).clamp(-LON_MAX, LON_MAX),
            lat: f64::midpoint(area.lat_min, area.lat_max).clamp(-LAT_MAX, LAT_MAX),
        }
    }

    /// The standard geohash of 11 characters, whose grid reaches from pole to pole. A score has
    /// bits for ten of them; the last one is always `0`.
    #[must_use]
    pub fn geohash(self) -> [u8; 11] {
        const ALPHABET: &[u8; 32] = b"0123456789bcdefghjkmnpqrstuvwxyz";
        let bits = Cell::of(self, STEP_MAX, 90.0).bits();
        let mut text = [b'0'; 11];
        let shifts = (2..=47).rev().step_by(5);
        for (slot, shift) in text.iter_mut().zip(shifts) {
            let index = (bits >> shift) as usize & 31;
            *slot = ALPHABET.get(index).copied().unwrap_or(b'0');
        }
        text
    }

    /// The way along the great circle in metres, by the haversine formula.
    #[must_use]
    pub fn distance_m(self, other: Self) -> f64 {
        Origin::new(self).distance_m(other)
    }
}

/// A point that distances are measured from, with what they have in common.
#[derive(Clone, Copy, Debug)]
struct Origin {
    lon_rad: f64,
    lat_rad: f64,
    lat_cos: f64,
}

impl Origin {
    fn new(point: Point) -> Self {
        let lat_rad = radians(point.lat);
        Self {
            lon_rad: radians(point.lon),
            lat_rad,
            lat_cos: libm::cos(lat_rad),
        }
    }

    fn distance_m(&self, to: Point) -> f64 {
        self.distance_within(to, f64::INFINITY)
            .unwrap_or(f64::INFINITY)
    }

    /// The distance, unless the square of the sine of its half angle is beyond `haversine_max`.
    fn distance_within(&self, to: Point, haversine_max: f64) -> Option<f64> {
        let v = libm::sin((radians(to.lon) - self.lon_rad) / 2.0);
        let lat_rad = radians(to.lat);
        if v == 0.0 {
            return Some(EARTH_RADIUS_M * (lat_rad - self.lat_rad).abs());
        }
        let u = libm::sin((lat_rad - self.lat_rad) / 2.0);
        let haversine = u * u + self.lat_cos * libm::cos(lat_rad) * v * v;
        (haversine <= haversine_max)
            .then(|| 2.0 * EARTH_RADIUS_M * libm::asin(libm::sqrt(haversine)))
    }
}

fn radians(degrees: f64) -> f64 {
    degrees * RADIANS_PER_DEGREE
}

fn degrees(radians: f64) -> f64 {
    radians / RADIANS_PER_DEGREE
}

/// A cell of a grid of 2^step by 2^step. The eastern and northern edges of the map have cells of
/// their own beyond the last ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    lon: u32,
    lat: u32,
    step: u32,
}

/// Edges of a cell, in degrees.
#[derive(Clone, Copy, Debug)]
struct Area {
    lon_min: f64,
    lon_max: f64,
    lat_min: f64,
    lat_max: f64,
}

impl Cell {
    /// The cell that holds a point; the grid reaches to `lat_max` degrees north and south.
    fn of(point: Point, step: u32, lat_max: f64) -> Self {
        let index = |degrees: f64, max: f64| {
            let share = (degrees + max) / (max + max);
            (share * cells_per_side(step)) as u32
        };
        Self {
            lon: index(point.lon, LON_MAX),
            lat: index(point.lat, lat_max),
            step,
        }
    }

    fn from_bits(bits: u64) -> Self {
        Self {
            lon: gather(bits >> 1),
            lat: gather(bits),
            step: STEP_MAX,
        }
    }

    fn bits(self) -> u64 {
        spread(self.lat) | spread(self.lon) << 1
    }

    /// The smallest score in the cell.
    fn score_min(self) -> f64 {
        (self.bits() << (2 * (STEP_MAX - self.step))) as f64
    }

    /// The smallest score behind the cell.
    fn score_end(self) -> f64 {
        (self.bits().wrapping_add(1) << (2 * (STEP_MAX - self.step))) as f64
    }

    fn area(self) -> Area {
        let edge = |index: u32, max: f64| {
            let share = f64::from(index) / cells_per_side(self.step);
            -max + share * (max + max)
        };
        Area {
            lon_min: edge(self.lon, LON_MAX),
            lon_max: edge(self.lon.wrapping_add(1), LON_MAX),
            lat_min: edge(self.lat, LAT_MAX),
            lat_max: edge(self.lat.wrapping_add(1), LAT_MAX),
        }
    }

    /// The cell so many columns east and rows north, around the map.
    fn moved(self, east: i32, north: i32) -> Self {
        let mask = (1_u32 << self.step).wrapping_sub(1);
        let turn = |index: u32, by: i32| match by {
            0 => index,
            by => index.wrapping_add_signed(by) & mask,
        };
        Self {
            lon: turn(self.lon, east),
            lat: turn(self.lat, north),
            step: self.step,
        }
    }
}

fn cells_per_side(step: u32) -> f64 {
    (1_u64 << step) as f64
}

/// Masks of the even bits after each halving of the groups.
const EVEN: [u64; 5] = [
    0x5555_5555_5555_5555,
    0x3333_3333_3333_3333,
    0x0f0f_0f0f_0f0f_0f0f,
    0x00ff_00ff_00ff_00ff,
    0x0000_ffff_0000_ffff,
];

/// Puts a zero behind every bit. Source: Anderson, "Bit Twiddling Hacks", interleaving by binary
/// magic numbers.
fn spread(index: u32) -> u64 {
    let widen = |bits: u64, (level, mask): (usize, &u64)| (bits | bits << (1 << level)) & mask;
    EVEN.iter().enumerate().rev().fold(index.into(), widen)
}

/// Takes every second bit, the lowest first: the way back.
fn gather(bits: u64) -> u32 {
    let [even, rest @ ..] = EVEN;
    let narrow = |bits: u64, (level, mask): (usize, u64)| (bits | bits >> (1 << level)) & mask;
    let bits = rest.into_iter().enumerate().fold(bits & even, narrow);
    (bits | bits >> 16) as u32
}

/// A unit of distance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Metres.
    Metres,
    /// Kilometres.
    Kilometres,
    /// Feet.
    Feet,
    /// Miles.
    Miles,
}

impl Unit {
    /// The unit of this name, in any case: `m`, `km`, `ft`, `mi`.
    #[must_use]
    pub fn parse(name: &[u8]) -> Option<Self> {
        const NAMES: [(&[u8], Unit); 4] = [
            (b"m", Unit::Metres),
            (b"km", Unit::Kilometres),
            (b"ft", Unit::Feet),
            (b"mi", Unit::Miles),
        ];
        let found = NAMES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, unit)| *unit)
    }

    /// Metres in one of it.
    #[must_use]
    pub const fn metres(self) -> f64 {
        match self {
            Self::Metres => 1.0,
            Self::Kilometres => 1000.0,
            Self::Feet => 0.3048,
            Self::Miles => 1609.34,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn scores_are_those_of_the_field() {
        for (lon, lat, score) in [
            (13.361_389, 38.115_556, 3_479_099_956_230_698_u64),
            (15.087_269, 37.502_669, 3_479_447_370_796_909),
            (-73.945_496_6, 40.747_533, 1_791_875_804_419_201),
            (-73.785_813_9, 40.642_898_6, 1_791_895_905_559_723),
            (-180.0, -LAT_MAX, 0),
        ] {
            let point = Point::new(lon, lat).unwrap();
            assert_eq!(point.score(), score as f64, "{lon} {lat}");
        }
    }

    #[test]
    fn distances_are_those_of_the_field() {
        let palermo = Point::from_score(3_479_099_956_230_698.0);
        let catania = Point::from_score(3_479_447_370_796_909.0);
        let metres = palermo.distance_m(catania);
        assert!((metres - 166_274.151_6).abs() < 1e-4, "{metres}");
        assert_eq!(palermo.distance_m(palermo), 0.0);
        assert_eq!(&palermo.geohash(), b"sqc8b49rny0");
        assert_eq!(&catania.geohash(), b"sqdtr74hyu0");
    }

    #[test]
    fn scores_that_are_no_cells_give_points() {
        for score in [
            -1.0,
            f64::INFINITY,
            f64::NEG_INFINITY,
            1e300,
            -1e300,
            1.8e19,
            9.3e18,
            0.5,
            f64::MAX,
        ] {
            let point = Point::from_score(score);
            assert!(Point::new(point.lon, point.lat).is_some(), "{score}");
        }
        assert_eq!(Point::from_score(f64::INFINITY), Point::from_score(0.0));
    }

    #[test]
    fn units_have_names_in_any_case() {
        assert_eq!(Unit::parse(b"Km"), Some(Unit::Kilometres));
        assert_eq!(Unit::parse(b"MI").unwrap().metres(), 1609.34);
        assert_eq!(Unit::parse(b"yd"), None);
        assert_eq!(Unit::parse(b""), None);
    }

    proptest! {
        #[test]
        fn cells_hold_their_points(lon in -LON_MAX..LON_MAX, lat in -LAT_MAX..LAT_MAX) {
            let point = Point::new(lon, lat).unwrap();
            let score = point.score();
            prop_assert!(score < (1_u64 << 52) as f64);
            let middle = Point::from_score(score);
            prop_assert!((middle.lon - lon).abs() <= 360.0 / f64::from(1 << 26));
            prop_assert!((middle.lat - lat).abs() <= 2.0 * LAT_MAX / f64::from(1 << 26));
            prop_assert_eq!(middle.score(), score);
        }

        #[test]
        fn bits_spread_and_gather(index: u32) {
            let naive = (0..32).fold(0, |bits, at| bits | u64::from(index >> at & 1) << (2 * at));
            prop_assert_eq!(spread(index), naive);
            prop_assert_eq!(gather(naive), index);
            prop_assert_eq!(gather(naive << 1), 0);
        }

        #[test]
        fn neighbours_wrap_around(lon: u32, lat: u32, step in 1_u32..=26) {
            let mask = (1_u32 << step) - 1;
            let cell = Cell { lon: lon & mask, lat: lat & mask, step };
            prop_assert_eq!(cell.moved(1, -1).moved(-1, 1), cell);
            prop_assert_eq!(cell.moved(0, 0), cell);
        }
    }
}

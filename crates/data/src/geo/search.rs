//! Searches of an area: which scores to look at, and which points are inside. The scores of an area
//! lie in at most nine ranges, one for the cell around the centre and each of its neighbours. Not
//! the walk over a sorted set.

use super::{Area, Cell, EARTH_RADIUS_M, LAT_MAX, Origin, Point, STEP_MAX, degrees, radians};

/// Half of the Earth's girth on the Mercator map, in metres.
const MERCATOR_MAX_M: f64 = 20_037_726.37;

/// The area of a search.
#[derive(Clone, Copy, Debug)]
pub enum Shape<'p> {
    /// At most so many metres from the centre.
    Circle {
        /// Metres.
        radius_m: f64,
    },
    /// Along the meridian and the parallel at most half of these metres from the centre.
    Box {
        /// Metres from west to east.
        width_m: f64,
        /// Metres from south to north.
        height_m: f64,
    },
    /// Inside of these corners on the flat map, the last one joined to the first.
    Polygon(&'p [Point]),
}

/// A search that is ready to run.
#[derive(Clone, Debug)]
pub struct Search<'p> {
    shape: Shape<'p>,
    origin: Origin,
    bounds: Bounds,
    cells: [Option<Cell>; 9],
    /// Squared sine of half the angle beyond which no point is in the circle.
    haversine_max: f64,
    /// Angle beyond which no latitude is.
    lat_angle_max: f64,
}

/// A rectangle of degrees around the area.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    lon_min: f64,
    lon_max: f64,
    lat_min: f64,
    lat_max: f64,
}

impl<'p> Search<'p> {
    /// A search around a centre.
    #[must_use]
    pub fn around(centre: Point, shape: Shape<'p>) -> Self {
        let (width_m, height_m, radius_m) = match shape {
            Shape::Circle { radius_m } => (radius_m, radius_m, radius_m),
            Shape::Box { width_m, height_m } => {
                let (width_m, height_m) = (width_m / 2.0, height_m / 2.0);
                let diagonal_m = libm::sqrt(width_m * width_m + height_m * height_m);
                (width_m, height_m, diagonal_m)
            }
            Shape::Polygon(corners) => return Self::inside(corners),
        };
        let bounds = Bounds::around(centre, width_m, height_m);
        Self::new(centre, shape, bounds, radius_m)
    }

    /// A search inside a polygon, whose centre is the mean of its corners on the globe.
    #[must_use]
    pub fn inside(corners: &'p [Point]) -> Self {
        let centre = centroid(corners);
        let bounds = Bounds::of(corners);
        let origin = Origin::new(centre);
        let lons = [bounds.lon_min, bounds.lon_max];
        let ends = lons.into_iter().flat_map(|lon| {
            let lats = [bounds.lat_min, bounds.lat_max];
            lats.into_iter().map(move |lat| Point { lon, lat })
        });
        let radius_m = ends.map(|end| origin.distance_m(end)).fold(0.0, f64::max);
        Self::new(centre, Shape::Polygon(corners), bounds, radius_m)
    }

    fn new(centre: Point, shape: Shape<'p>, bounds: Bounds, radius_m: f64) -> Self {
        let angle = radius_m / EARTH_RADIUS_M;
        // The margins are far above the rounding errors: what they let through is compared
        // exactly later.
        let half_sine = libm::sin(angle / 2.0);
        let haversine_max = if angle < 1.0 {
            half_sine * half_sine * (1.0 + 1e-6) + f64::MIN_POSITIVE
        } else {
            f64::INFINITY
        };
        Self {
            shape,
            origin: Origin::new(centre),
            bounds,
            cells: cells(centre, &bounds, radius_m),
            haversine_max,
            lat_angle_max: angle * (1.0 + 1e-6) + 1e-12,
        }
    }

    /// The ranges of scores to look at, in order: from the first one to the second one, which is
    /// not in the range any more.
    pub fn ranges(&self) -> impl Iterator<Item = (f64, f64)> + use<> {
        let cells = self.cells.into_iter().flatten();
        cells.map(|cell| (cell.score_min(), cell.score_end()))
    }

    /// The point of a score and its distance from the centre in metres, if it is in the area.
    #[must_use]
    pub fn find(&self, score: f64) -> Option<(Point, f64)> {
        let point = Point::from_score(score);
        let distance_m = match self.shape {
            Shape::Circle { radius_m } => self.in_circle(point, radius_m)?,
            Shape::Box { width_m, height_m } => self.in_box(point, width_m, height_m)?,
            Shape::Polygon(corners) => {
                let inside = self.bounds.hold(point) && is_inside(point, corners);
                inside.then(|| self.origin.distance_m(point))?
            }
        };
        Some((point, distance_m))
    }

    fn in_circle(&self, point: Point, radius_m: f64) -> Option<f64> {
        if (radians(point.lat) - self.origin.lat_rad).abs() > self.lat_angle_max {
            return None;
        }
        let distance_m = self.origin.distance_within(point, self.haversine_max)?;
        (distance_m <= radius_m).then_some(distance_m)
    }

    fn in_box(&self, point: Point, width_m: f64, height_m: f64) -> Option<f64> {
        let lat_rad = radians(point.lat);
        let north_m = EARTH_RADIUS_M * (lat_rad - self.origin.lat_rad).abs();
        // Comparisons with NaN let a point through.
        if north_m > height_m / 2.0 {
            return None;
        }
        let same_lat = Origin {
            lat_rad,
            lat_cos: libm::cos(lat_rad),
            ..self.origin
        };
        let east_m = same_lat.distance_m(point);
        if east_m > width_m / 2.0 {
            return None;
        }
        Some(self.origin.distance_m(point))
    }
}

impl Bounds {
    /// The parallels are shorter towards the poles: the side that is nearer to one decides.
    fn around(centre: Point, width_m: f64, height_m: f64) -> Self {
        let lat_delta = degrees(height_m / EARTH_RADIUS_M);
        let far_lat = if centre.lat < 0.0 {
            centre.lat - lat_delta
        } else {
            centre.lat + lat_delta
        };
        let lon_delta = degrees(width_m / EARTH_RADIUS_M / libm::cos(radians(far_lat)));
        Self {
            lon_min: centre.lon - lon_delta,
            lon_max: centre.lon + lon_delta,
            lat_min: centre.lat - lat_delta,
            lat_max: centre.lat + lat_delta,
        }
    }

    fn of(corners: &[Point]) -> Self {
        let lons = corners.iter().map(|corner| corner.lon);
        let lats = corners.iter().map(|corner| corner.lat);
        Self {
            lon_min: lons.clone().fold(f64::INFINITY, f64::min),
            lon_max: lons.fold(f64::NEG_INFINITY, f64::max),
            lat_min: lats.clone().fold(f64::INFINITY, f64::min),
            lat_max: lats.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    fn hold(&self, point: Point) -> bool {
        (self.lon_min..=self.lon_max).contains(&point.lon)
            && (self.lat_min..=self.lat_max).contains(&point.lat)
    }
}

/// The mean of the corners in space, put back on the globe.
fn centroid(corners: &[Point]) -> Point {
    let (mut x, mut y, mut z) = (0.0, 0.0, 0.0);
    for corner in corners {
        let (lon, lat) = (radians(corner.lon), radians(corner.lat));
        x += libm::cos(lat) * libm::cos(lon);
        y += libm::cos(lat) * libm::sin(lon);
        z += libm::sin(lat);
    }
    let lon = degrees(libm::atan2(y, x));
    let lat = degrees(libm::atan2(z, libm::sqrt(x * x + y * y)));
    Point {
        lon: lon.clamp(-super::LON_MAX, super::LON_MAX),
        lat: lat.clamp(-LAT_MAX, LAT_MAX),
    }
}

/// Whether a ray to the east crosses the edges an odd number of times. Source: Franklin, "PNPOLY".
fn is_inside(point: Point, corners: &[Point]) -> bool {
    let Some(last) = corners.last() else {
        return false;
    };
    let mut inside = false;
    let mut before = last;
    for corner in corners {
        if (corner.lat > point.lat) != (before.lat > point.lat) {
            let slope = (before.lon - corner.lon) * (point.lat - corner.lat);
            let crossing = slope / (before.lat - corner.lat) + corner.lon;
            inside ^= point.lon < crossing;
        }
        before = corner;
    }
    inside
}

/// The cells that cover the area: the one of the centre and those neighbours that it reaches into.
fn cells(centre: Point, bounds: &Bounds, radius_m: f64) -> [Option<Cell>; 9] {
    let mut step = estimated_step(radius_m, centre.lat);
    let mut cell = Cell::of(centre, step, LAT_MAX);
    let reaches = |cell: Cell| {
        let area = |east, north| cell.moved(east, north).area();
        area(0, 1).lat_max < bounds.lat_max
            || area(0, -1).lat_min > bounds.lat_min
            || area(1, 0).lon_max < bounds.lon_max
            || area(-1, 0).lon_min > bounds.lon_min
    };
    // Near the edge of its cell the area may reach beyond the neighbours.
    if step > 1 && reaches(cell) {
        step -= 1;
        cell = Cell::of(centre, step, LAT_MAX);
    }
    let spared = Spared::new(&cell.area(), bounds, step);
    let mut last = None;
    DIRECTIONS.map(|(east, north)| {
        if spared.has(east, north) {
            return None;
        }
        // On a grid of two by two a neighbour on one side is the one on the other.
        let next = Some(cell.moved(east, north));
        if next == last {
            return None;
        }
        if (east, north) != (0, 0) {
            last = next;
        }
        next
    })
}

/// The centre, then columns and rows to move by, in the order in which results come.
const DIRECTIONS: [(i32, i32); 9] = [
    (0, 0),
    (0, 1),
    (0, -1),
    (1, 0),
    (-1, 0),
    (1, 1),
    (-1, 1),
    (1, -1),
    (-1, -1),
];

/// The sides on which the area does not leave the cell.
struct Spared {
    north: bool,
    south: bool,
    east: bool,
    west: bool,
}

impl Spared {
    fn new(area: &Area, bounds: &Bounds, step: u32) -> Self {
        let some = step > 1;
        Self {
            north: some && area.lat_max > bounds.lat_max,
            south: some && area.lat_min < bounds.lat_min,
            east: some && area.lon_max > bounds.lon_max,
            west: some && area.lon_min < bounds.lon_min,
        }
    }

    fn has(&self, east: i32, north: i32) -> bool {
        (north > 0 && self.north)
            || (north < 0 && self.south)
            || (east > 0 && self.east)
            || (east < 0 && self.west)
    }
}

/// The finest grid whose nine cells cover most areas of a radius: cells become narrow near the
/// poles.
fn estimated_step(radius_m: f64, lat: f64) -> u32 {
    if radius_m == 0.0 {
        return STEP_MAX;
    }
    let mut step = 1_i32;
    let mut reach_m = radius_m;
    while reach_m < MERCATOR_MAX_M {
        reach_m *= 2.0;
        step += 1;
    }
    step -= 2;
    if lat.abs() > 66.0 {
        step -= 1;
    }
    if lat.abs() > 80.0 {
        step -= 1;
    }
    step.clamp(1, STEP_MAX.cast_signed()).unsigned_abs()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn point(lon: f64, lat: f64) -> Point {
        Point::new(lon, lat).unwrap()
    }

    fn covered(search: &Search<'_>, score: f64) -> usize {
        let holds = |(first, end): &(f64, f64)| (*first..*end).contains(&score);
        search.ranges().filter(holds).count()
    }

    #[test]
    fn a_polygon_may_be_concave() {
        let corners = [(0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (2.0, 1.0), (0.0, 4.0)];
        let corners = corners.map(|(lon, lat)| point(lon, lat));
        let search = Search::inside(&corners);
        for (lon, lat, inside) in [
            (0.5, 1.0, true),
            (3.5, 2.0, true),
            (2.0, 3.0, false),
            (2.0, 0.9, true),
            (5.0, 1.0, false),
            (-1.0, 1.0, false),
            (1.0, -1.0, false),
        ] {
            let found = search.find(point(lon, lat).score());
            assert_eq!(found.is_some(), inside, "{lon} {lat}");
        }
        assert!(Search::inside(&[]).find(0.0).is_none());
    }

    #[test]
    fn a_search_of_the_whole_world_looks_once_at_each_score() {
        let shape = Shape::Circle { radius_m: 1e9 };
        let search = Search::around(point(1.0, 1.0), shape);
        let mut ranges: Vec<_> = search.ranges().collect();
        ranges.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut end = 0.0;
        for range in &ranges {
            assert_eq!(range.0, end);
            end = range.1;
        }
        assert_eq!(end, (1_u64 << 52) as f64);
    }

    #[test]
    fn odd_sizes_neither_hang_nor_panic() {
        for radius_m in [0.0, 5e-324, 1e-9, 1e300, f64::INFINITY] {
            for lat in [-LAT_MAX, -81.0, 0.0, 70.0, LAT_MAX] {
                let centre = point(180.0, lat);
                let circle = Search::around(centre, Shape::Circle { radius_m });
                let (width_m, height_m) = (radius_m, f64::INFINITY);
                let area = Search::around(centre, Shape::Box { width_m, height_m });
                for search in [circle, area] {
                    assert!(search.ranges().count() <= 9);
                    let _ = search.find(centre.score());
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]
        #[test]
        fn what_is_in_a_circle_is_looked_at(
            lon in -179.0..179.0, lat in -65.0..65.0, radius_km in 0.01..3000.0,
            east in -1.0..1.0, north in -1.0..1.0,
        ) {
            let centre = point(lon, lat);
            let radius_m = radius_km * 1000.0;
            let search = Search::around(centre, Shape::Circle { radius_m });
            let reach = degrees(radius_m / EARTH_RADIUS_M);
            if let Some(other) = Point::new(lon + reach * east, lat + reach * north) {
                let score = other.score();
                let other = Point::from_score(score);
                let distance_m = centre.distance_m(other);
                let found = search.find(score);
                prop_assert_eq!(found.is_some(), distance_m <= radius_m);
                if let Some((at, found_m)) = found {
                    prop_assert_eq!(at, other);
                    prop_assert_eq!(found_m, distance_m);
                    prop_assert_eq!(covered(&search, score), 1);
                }
            }
        }

        #[test]
        fn what_is_in_a_polygon_is_looked_at(
            lon in -150.0..150.0, lat in -60.0..60.0, size in 0.001..20.0,
            east in 0.0..1.0_f64, north in 0.0..1.0_f64,
        ) {
            let corners = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)];
            let corners = corners.map(|(x, y)| point(lon + x * size, lat + y * size));
            let search = Search::inside(&corners);
            let inner = point(lon + east * size, lat + north * size);
            let score = inner.score();
            let clearly = (east + north - 1.0).abs() > 0.1 && east > 0.1 && north > 0.1;
            if clearly {
                prop_assert_eq!(search.find(score).is_some(), east + north < 1.0);
            }
            if search.find(score).is_some() {
                prop_assert_eq!(covered(&search, score), 1);
            }
        }
    }
}

//! Running a search of an area and telling what was found. Its words are read in `args`.

use alloc::vec::Vec;

use vk_data::{
    geo::{Point, Search, Shape},
    num::INT_TEXT_MAX,
    zset::{Member, ScoreRange, ZSetBuilder, ZSetRef},
};
use vk_resp::{ReplyBuf, Request};
use vk_spec::KeyFlags;

use super::{
    args::{Area, Centre, Form, Query, Sorting},
    reply_distance, reply_point,
};
use crate::{
    Error,
    cmd::sorted_set::{limits, reply_member},
    ctx::ReadCtx,
};

/// Elements to be stored.
pub(super) struct ToStore<'r> {
    /// The word that names the key; empty for GEOSEARCHSTORE.
    pub(super) key: &'r [u8],
    pub(super) elements: ZSetBuilder,
}

/// Runs a search; tells the result, or hands it back if it is to be stored.
pub(super) fn query<'r>(
    ctx: &mut ReadCtx<'_>,
    request: Request<'r>,
    form: Form,
    reply: &mut ReplyBuf,
) -> Result<Option<ToStore<'r>>, Error> {
    let seed = limits(ctx).seed;
    let source = usize::from(matches!(form, Form::Search { stores: true }));
    // STORE without a key makes the key specs find nothing at all.
    let key = match ctx.keys().get(source) {
        Some(key) => *key,
        None => {
            let word = request.arg(1 + source).unwrap_or_default();
            ctx.authorize_derived(word, KeyFlags::RO.union(KeyFlags::ACCESS))?
        }
    };
    let zset = ctx.view::<ZSetRef<'_>>(key)?;
    let query = Query::parse(request, form, zset)?;
    let found = match zset {
        Some(zset) => query.run(zset),
        None => Vec::new(),
    };
    let Some(key) = query.store_key else {
        query.tell(&found, reply);
        return Ok(None);
    };
    let mut elements = ZSetBuilder::new(seed);
    let mut text = [0; INT_TEXT_MAX];
    for place in found {
        let score = if query.stores_distance {
            place.distance_m / query.metres
        } else {
            place.score
        };
        elements.insert(place.member.bytes(&mut text), score);
    }
    Ok(Some(ToStore { key, elements }))
}

/// A member that was found.
struct Place<'z> {
    member: Member<'z>,
    score: f64,
    point: Point,
    distance_m: f64,
}

impl Query<'_> {
    /// The members in the area, in the order and number asked for.
    fn run<'z>(&self, zset: ZSetRef<'z>) -> Vec<Place<'z>> {
        let Some(search) = self.search() else {
            return Vec::new();
        };
        let enough = self.count.filter(|_| self.any).unwrap_or(usize::MAX);
        let mut found = look_up(&search, zset, enough);
        let nearest = match self.sorting {
            Sorting::Nearest => true,
            Sorting::Farthest => false,
            // Only so many: those are the nearest ones.
            Sorting::Unsaid if self.count.is_some() && !self.any => true,
            Sorting::Unsaid => return found,
        };
        let count = self.count.unwrap_or(usize::MAX).min(found.len());
        sort(&mut found, count, nearest);
        found.truncate(count);
        found
    }

    /// None if there is no centre.
    fn search(&self) -> Option<Search<'_>> {
        let shape = match &self.area {
            Area::Polygon(corners) => return Some(Search::inside(corners)),
            Area::Circle { radius } => Shape::Circle {
                radius_m: radius * self.metres,
            },
            Area::Box { width, height } => Shape::Box {
                width_m: width * self.metres,
                height_m: height * self.metres,
            },
            Area::Unsaid => return None,
        };
        match self.centre {
            Centre::At(centre) | Centre::Member(Some(centre)) => {
                Some(Search::around(centre, shape))
            }
            Centre::Unsaid | Centre::Member(None) => None,
        }
    }

    fn tell(&self, found: &[Place<'_>], reply: &mut ReplyBuf) {
        let told = [self.tells_distance, self.tells_hash, self.tells_point];
        let options = told.iter().filter(|told| **told).count();
        reply.array(found.len());
        for place in found {
            if options > 0 {
                reply.array(options + 1);
            }
            reply_member(reply, place.member);
            if self.tells_distance {
                reply_distance(reply, place.distance_m / self.metres);
            }
            if self.tells_hash {
                reply.int(place.score as i64);
            }
            if self.tells_point {
                reply_point(reply, place.point);
            }
        }
    }
}

/// The members in the area, not more than are enough.
fn look_up<'z>(search: &Search<'_>, zset: ZSetRef<'z>, enough: usize) -> Vec<Place<'z>> {
    let mut found = Vec::new();
    for (min, max) in search.ranges() {
        let ranks = zset.score_ranks(&ScoreRange {
            min,
            max,
            min_excluded: false,
            max_excluded: true,
        });
        for (member, score) in zset.iter_from_rank(ranks.start, false).take(ranks.len()) {
            if let Some((point, distance_m)) = search.find(score) {
                found.push(Place {
                    member,
                    score,
                    point,
                    distance_m,
                });
                if found.len() >= enough {
                    return found;
                }
            }
        }
    }
    found
}

/// Puts the nearest, or the farthest, `count` places in order at the beginning. Places at the same
/// distance stay in the order in which they were found.
fn sort(found: &mut Vec<Place<'_>>, count: usize, nearest: bool) {
    let compare = |a: &Place<'_>, b: &Place<'_>| {
        let by_distance = a.distance_m.total_cmp(&b.distance_m);
        if nearest {
            by_distance
        } else {
            by_distance.reverse()
        }
    };
    if count < found.len() && count > 0 {
        let mut indexed: Vec<(usize, Place<'_>)> = found.drain(..).enumerate().collect();
        indexed.select_nth_unstable_by(count - 1, |(a_at, a), (b_at, b)| {
            compare(a, b).then(a_at.cmp(b_at))
        });
        indexed.truncate(count);
        indexed.sort_unstable_by_key(|(at, _)| *at);
        found.extend(indexed.into_iter().map(|(_, place)| place));
    }
    found.sort_by(compare);
}

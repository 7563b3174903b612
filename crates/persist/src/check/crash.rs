//! What a crash may leave, and what the start after it makes of it; each of equal cases once.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    disk::Disk, explore::Violation, hash::hash_of, image::each_image, normal::Form, world::World,
};

/// Crashes and the starts after them, as far as they are known.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    form: Form,
    /// Moments by the states that they were met in.
    seen: BTreeMap<u128, usize>,
    /// Moments by what matters of them.
    places: BTreeMap<u128, usize>,
    moments: Vec<Moment>,
    /// Starts by what they find.
    found: BTreeMap<u128, usize>,
    starts: Vec<Start>,
    /// Servers that have started, and their hashes.
    servers: Vec<(World, u128)>,
    server_places: BTreeMap<u128, usize>,
    /// What starts find, in the one form, where that is another.
    forms: BTreeSet<u128>,
}

/// A moment in which the process may end.
#[derive(Debug, Default)]
struct Moment {
    /// The starts that may follow.
    starts: Vec<usize>,
    /// Crashes in the middle of these were looked at.
    is_deep: bool,
}

/// What comes of a start.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// A server.
    pub(super) server: usize,
    /// Moments on the way to it, in which it may end again, if anybody has asked for them.
    pub(super) moments: Option<Vec<usize>>,
}

/// A moment to be looked at.
struct Fresh {
    moment: usize,
    ended: World,
    is_deep: bool,
}

impl Crashes {
    pub(super) fn new(form: Form) -> Self {
        Self {
            form,
            ..Self::default()
        }
    }

    /// Starts the server from every state that a crash at this moment may leave, and again from
    /// every one that a crash of such a start may leave. The moment's number.
    pub(super) fn check(&mut self, world: &World) -> Result<usize, Violation> {
        let World {
            disk,
            applied,
            promised_process,
            promised_power,
            ids,
            ..
        } = world;
        let seen = hash_of(&(disk, applied, promised_process, promised_power, ids));
        if let Some(moment) = self.seen.get(&seen) {
            return Ok(*moment);
        }
        let mut fresh = Vec::new();
        let moment = self.moment(world.ended(), true, &mut fresh);
        while let Some(next) = fresh.pop() {
            self.crash(&next, &mut fresh)?;
        }
        self.seen.insert(seen, moment);
        Ok(moment)
    }

    /// The starts that may follow on a crash at this moment.
    pub(super) fn starts(&self, moment: usize) -> impl Iterator<Item = &Start> {
        self.moments[moment]
            .starts
            .iter()
            .map(|at| &self.starts[*at])
    }

    /// A server that has started, and its hash.
    pub(super) fn server(&self, at: usize) -> (&World, u128) {
        (&self.servers[at].0, self.servers[at].1)
    }

    /// How many states the disk was in when a server was started.
    pub(super) fn count(&self) -> usize {
        self.starts.len()
    }

    /// The hashes of these states, in the form in which those that go on alike are one.
    pub(super) fn forms(&self) -> BTreeSet<u128> {
        match self.form {
            Form::Normal => self.found.keys().copied().collect(),
            Form::Plain => self.forms.clone(),
        }
    }

    /// The number of a moment; what is not known of it is to be looked at.
    fn moment(&mut self, mut ended: World, is_deep: bool, fresh: &mut Vec<Fresh>) -> usize {
        self.form.give(&mut ended);
        let next = self.moments.len();
        let moment = *self.places.entry(hash_of(&ended)).or_insert(next);
        if moment == next {
            self.moments.push(Moment::default());
        }
        let known = &mut self.moments[moment];
        if moment == next || is_deep && !known.is_deep {
            known.is_deep = is_deep;
            fresh.push(Fresh {
                moment,
                ended,
                is_deep,
            });
        }
        moment
    }

    /// Looks at what may be there after a crash.
    fn crash(&mut self, at: &Fresh, fresh: &mut Vec<Fresh>) -> Result<(), Violation> {
        let mut starts = BTreeSet::new();
        let mut new = Vec::new();
        each_crash(&at.ended, &mut |mut world| {
            self.form.give(&mut world);
            let next = self.starts.len();
            let start = *self.found.entry(hash_of(&world)).or_insert(next);
            if start == next {
                self.starts.push(Start::default());
                if self.form == Form::Plain {
                    self.forms.insert(Form::Normal.hash_of(&world));
                }
            }
            let is_known = start < next && (!at.is_deep || self.starts[start].moments.is_some());
            if starts.insert(start) && !is_known {
                new.push((start, world));
            }
        });
        for (start, world) in new {
            let mut moments = Vec::new();
            let mut server = world.start(&mut |seen| {
                if at.is_deep {
                    moments.push(seen.ended());
                }
            })?;
            if at.is_deep {
                let moments = moments.into_iter();
                let moments = moments.map(|world| self.moment(world, false, fresh));
                let moments: BTreeSet<usize> = moments.collect();
                self.starts[start].moments = Some(moments.into_iter().collect());
            }
            self.form.give(&mut server);
            let hash = hash_of(&server);
            let next = self.servers.len();
            let place = *self.server_places.entry(hash).or_insert(next);
            if place == next {
                self.servers.push((server, hash));
            }
            self.starts[start].server = place;
        }
        self.moments[at.moment].starts = starts.into_iter().collect();
        Ok(())
    }
}

/// The worlds in which no more than that has happened, or the power has failed.
fn each_crash(ended: &World, told: &mut dyn FnMut(World)) {
    told(ended.clone());
    let mut off = ended.clone();
    // What it is to survive is what was promised for this.
    off.promised_process = ended.promised_power;
    each_image(&ended.disk, &mut |image| {
        off.disk = Disk::of(image);
        let mut off = off.clone();
        // Another list may have named more.
        off.tidy();
        told(off);
    });
}

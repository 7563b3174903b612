//! The enumeration of everything that may happen.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
    format,
    string::String,
    vec::Vec,
};

use super::{
    crash::Crashes,
    hash::hash_of,
    normal::Form,
    world::{Event, Omission, World},
};

/// What does not hold, and in which state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation(pub String);

/// How much is enumerated.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Events of a history at most.
    pub events_max: usize,
    /// Of these, failures.
    pub faults_max: usize,
    /// Of these, ends of the process or of the power.
    pub crashes_max: usize,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// States of a server that differ in what may come of them.
    pub worlds: usize,
    /// Events that have happened to them.
    pub events: usize,
    /// States of a disk from which a server was started.
    pub starts: usize,
}

/// The states that may be met: the server's, each with how soon it is met with so many failures
/// left at least; and those of a disk that a start finds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forms {
    servers: BTreeMap<(u128, usize), usize>,
    disks: BTreeSet<u128>,
}

impl Forms {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.servers.len() + self.disks.len()
    }
}

/// Lets everything happen that may, up to the bounds, in the mode of this number, and starts the
/// server from every state that a crash may leave. States that go on alike are one.
///
/// # Errors
/// The first violation.
pub fn explore(policy: u8, omission: Omission, bounds: Bounds) -> Result<Report, Violation> {
    let mut exploration = Exploration::new(Form::Normal, bounds);
    exploration.run(policy, omission)?;
    exploration.report.starts = exploration.crashes.count();
    Ok(exploration.report)
}

/// The same, but tells which states there are, in the form in which those that go on alike are
/// one. With `is_plain` nothing but equal states is one on the way.
///
/// # Errors
/// The first violation.
pub fn forms(policy: u8, bounds: Bounds, is_plain: bool) -> Result<Forms, Violation> {
    let form = if is_plain { Form::Plain } else { Form::Normal };
    let mut exploration = Exploration::new(form, bounds);
    exploration.forms = Some(Forms::default());
    exploration.run(policy, Omission::Nothing)?;
    let mut forms = exploration.forms.take().unwrap_or_default();
    forms.disks = exploration.crashes.forms();
    Ok(forms)
}

/// What is gone on with.
#[derive(Debug)]
enum Node {
    /// A server.
    Running(Box<World>),
    /// One that has just started, by its number.
    Started(usize),
    /// A crash at the moment of this number.
    Crash(usize),
    /// A crash at such a moment in the middle of a start.
    CrashInStart(usize),
}

/// A state, and how many failures and crashes may still happen to it.
#[derive(Debug)]
struct Open {
    hash: u128,
    node: Node,
    faults: usize,
    crashes: usize,
}

/// For a state and a number of failures that may still happen to it, the number of crashes.
type Met = BTreeMap<(u128, usize), usize>;

struct Exploration {
    form: Form,
    bounds: Bounds,
    crashes: Crashes,
    servers: Met,
    moments: Met,
    inner_moments: Met,
    /// Events before the states that are gone on with next.
    level: usize,
    /// These, by the failures that may still happen to them.
    next: Vec<Vec<Open>>,
    forms: Option<Forms>,
    report: Report,
}

impl Exploration {
    fn new(form: Form, bounds: Bounds) -> Self {
        Self {
            form,
            bounds,
            crashes: Crashes::new(form),
            servers: Met::new(),
            moments: Met::new(),
            inner_moments: Met::new(),
            level: 0,
            next: Vec::new(),
            forms: None,
            report: Report::default(),
        }
    }

    fn run(&mut self, policy: u8, omission: Omission) -> Result<(), Violation> {
        let (faults, crashes) = (self.bounds.faults_max, self.bounds.crashes_max);
        self.next.resize_with(faults + 1, Vec::new);
        for is_old in [false, true] {
            let moment = self.crashes.check(&World::new(policy, omission, is_old))?;
            // The first start is no event.
            self.push_starts(moment, faults, crashes);
        }
        for level in 1..=self.bounds.events_max {
            self.level = level;
            let empty = self.next.iter().map(|_| Vec::new()).collect();
            let open = core::mem::replace(&mut self.next, empty);
            // With the most failures first: what was gone on with once needs it not with fewer.
            for open in open.into_iter().rev().flatten() {
                self.go_on(open)?;
            }
        }
        Ok(())
    }

    fn go_on(&mut self, open: Open) -> Result<(), Violation> {
        let more = (open.hash, open.faults + 1)..=(open.hash, self.bounds.faults_max);
        let is_covered = |met: &Met| {
            more.start() <= more.end()
                && met
                    .range(more.clone())
                    .any(|(_, most)| *most >= open.crashes)
        };
        match open.node {
            Node::Crash(moment) => {
                if !is_covered(&self.moments) && open.crashes > 0 {
                    self.push_starts(moment, open.faults, open.crashes - 1);
                }
            }
            Node::CrashInStart(moment) => {
                if !is_covered(&self.inner_moments) && open.crashes > 0 {
                    self.push_servers(moment, open.faults, open.crashes - 1);
                }
            }
            Node::Running(world) if !is_covered(&self.servers) => {
                self.step(&world, open.faults, open.crashes)?;
            }
            Node::Started(at) if !is_covered(&self.servers) => {
                let world = self.crashes.server(at).0.clone();
                self.step(&world, open.faults, open.crashes)?;
            }
            Node::Running(_) | Node::Started(_) => {}
        }
        Ok(())
    }

    /// Lets everything happen to a server that may.
    fn step(&mut self, world: &World, faults: usize, crashes: usize) -> Result<(), Violation> {
        self.report.worlds += 1;
        for event in world.events(faults > 0) {
            // It was looked at behind the event before.
            if event == Event::Crash {
                continue;
            }
            self.report.events += 1;
            let mut after = world.clone();
            let mut moments = BTreeSet::new();
            let mut fault = None;
            after.run(event, &mut |seen| match self.crashes.check(seen) {
                Ok(moment) => _ = moments.insert(moment),
                Err(violation) => fault = fault.take().or(Some(violation)),
            })?;
            if let Some(Violation(text)) = fault {
                return Err(Violation(format!("{event:?}: {text}")));
            }
            let faults = faults - usize::from(event.is_fault());
            for moment in moments {
                self.push(moment as u128, Node::Crash(moment), faults, crashes);
            }
            if !after.is_dead {
                self.form.give(&mut after);
                self.push(
                    hash_of(&after),
                    Node::Running(Box::new(after)),
                    faults,
                    crashes,
                );
            }
        }
        Ok(())
    }

    /// Goes on with the servers that may start after a crash at this moment, and with crashes on
    /// their way.
    fn push_starts(&mut self, moment: usize, faults: usize, crashes: usize) {
        self.push_servers(moment, faults, crashes);
        let starts = self.crashes.starts(moment);
        let moments = starts.flat_map(|start| start.moments.iter().flatten().copied());
        for moment in moments.collect::<BTreeSet<_>>() {
            self.push(moment as u128, Node::CrashInStart(moment), faults, crashes);
        }
    }

    fn push_servers(&mut self, moment: usize, faults: usize, crashes: usize) {
        let servers = self.crashes.starts(moment).map(|start| start.server);
        for server in servers.collect::<BTreeSet<_>>() {
            let hash = self.crashes.server(server).1;
            self.push(hash, Node::Started(server), faults, crashes);
        }
    }

    fn push(&mut self, hash: u128, node: Node, faults: usize, crashes: usize) {
        let left = self.bounds.events_max - self.level;
        // More than there may be events make no difference.
        let crashes = crashes.min(left);
        self.note(hash, &node, faults);
        let met = match node {
            Node::Crash(_) => &mut self.moments,
            Node::CrashInStart(_) => &mut self.inner_moments,
            Node::Running(_) | Node::Started(_) => &mut self.servers,
        };
        let more = (hash, faults)..=(hash, self.bounds.faults_max);
        if left > 0 && !met.range(more).any(|(_, most)| *most >= crashes) {
            met.insert((hash, faults), crashes);
            self.next[faults].push(Open {
                hash,
                node,
                faults,
                crashes,
            });
        }
    }

    /// Notes that a server is met, if that is asked for.
    fn note(&mut self, hash: u128, node: &Node, faults: usize) {
        let Some(forms) = &mut self.forms else {
            return;
        };
        let world = match node {
            Node::Running(world) => world,
            Node::Started(at) => self.crashes.server(*at).0,
            Node::Crash(_) | Node::CrashInStart(_) => return,
        };
        let hash = match self.form {
            Form::Normal => hash,
            Form::Plain => Form::Normal.hash_of(world),
        };
        for faults in 0..=faults {
            forms.servers.entry((hash, faults)).or_insert(self.level);
        }
    }
}

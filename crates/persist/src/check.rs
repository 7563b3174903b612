//! What the log promises through any crash, checked on a model of a disk by the machines that a
//! server uses: the log, its list of files, the reader, the decisions of a start. For exhaustive
//! enumeration, property tests and fuzzers alike. Not an API: a violation is told or asserted.

mod crash;
mod disk;
mod explore;
mod files;
mod hash;
mod image;
mod normal;
mod perform;
mod start;
mod world;

pub use explore::{Bounds, Forms, Report, Violation, explore, forms};
#[cfg(test)]
pub(crate) use files::read_log;
pub use files::{check_log, check_manifest};
pub use world::{Event, Omission, World};

use alloc::vec::Vec;

use crash::Crashes;
use normal::Form;

/// Any bytes choose a mode, and then what happens, one event after the other. Wherever the process
/// may be killed or the power fail on the way, what a start finds is what was promised.
///
/// # Panics
/// When it is not.
pub fn check_trace(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let policy = bytes.next().unwrap_or(0);
    let mut world = World::new(policy, Omission::Nothing, policy & 4 != 0);
    let mut told = alloc::vec![alloc::format!("{:?}", world.policy())];
    // Longer histories only make a run slow.
    let mut faults = 0;
    let mut crashes = Crashes::new(Form::Normal);
    for byte in bytes.take(EVENTS_MAX) {
        let events = world.events(faults < FAULTS_MAX);
        let Some(event) = events.get(usize::from(byte) % events.len().max(1)) else {
            break;
        };
        faults += usize::from(event.is_fault());
        told.push(alloc::format!("{event:?}"));
        let mut moment = 0;
        let mut fault = None;
        let step = world.run(*event, &mut |seen| match crashes.check(seen) {
            Ok(seen) => moment = seen,
            Err(violation) => fault = fault.take().or(Some(violation)),
        });
        let fault = fault.or_else(|| step.err());
        assert!(fault.is_none(), "{fault:?} after {told:?}");
        // A crash goes on with one of the states that it may leave.
        if matches!(event, Event::Crash) {
            let servers: Vec<usize> = crashes.starts(moment).map(|start| start.server).collect();
            let chosen = servers.get(usize::from(byte) * 31 % servers.len().max(1));
            world = chosen.map_or(world, |server| crashes.server(*server).0.clone());
        }
    }
}

/// The longest history of a trace of bytes.
const EVENTS_MAX: usize = 32;
/// Failures in it. Each leaves names behind that may or may not be there for ever.
const FAULTS_MAX: usize = 2;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
        #[test]
        fn any_history_survives_any_crash(data in proptest::collection::vec(any::<u8>(), 2..24)) {
            check_trace(&data);
        }

        #[test]
        fn any_bytes_are_a_log_or_none(data: Vec<u8>) {
            check_log(&data);
            check_manifest(&data);
        }
    }
}

//! Proof: whatever happens to a server with an append-only file, and wherever on the way its
//! process is killed or the power fails, the next start finds a prefix of its history with
//! everything in it that was promised, and so does a start after a crash in the middle of that
//! start.
//!
//! Space: every history of so many events, crashes among them, of which so many are failures of
//! the disk. After every single piece of work with a file, every state that the disk may be in:
//! for every name in a folder that was not synced the old or the new file, each on its own, and
//! of every file that was not synced every part that ends where a write ended, in the middle of
//! one, or beside it; of parts in which the reader finds the same commands and a torn end, one.
//!
//! States that go on alike are looked at once, however many histories lead to them: writes that
//! stand, whole and on disk, side by side wherever one of them stands are as one write. That this
//! loses nothing is looked at, too: without it the same states are met. A crash in the middle of
//! the start after a crash is looked at, a third one in a row in the middle of that start is not.
//!
//! Why so few events are enough: the log has no state that a longer history would reach. It is
//! with or without an increment, waiting, lost, or in the middle of a rewrite, and each of these
//! is reached from a start in at most three events; what is left of eight goes to writes before,
//! between and behind, and to a crash.
//!
//! Histories are longer where CRASH_EVENTS asks for it, as `ci/crash-long` does.

#![expect(clippy::expect_used, clippy::panic, reason = "tests")]

use vk_persist::check::{Bounds, Omission, explore, forms};

fn bounds() -> Bounds {
    let number = |name: &str, default| {
        let text = std::env::var(name).ok();
        text.map_or(default, |text| text.parse().expect("a number"))
    };
    Bounds {
        events_max: number("CRASH_EVENTS", 5),
        faults_max: number("CRASH_FAULTS", 1),
        crashes_max: number("CRASH_CRASHES", 8),
    }
}

fn prove(policy: u8) {
    let begun = std::time::Instant::now();
    let report = explore(policy, Omission::Nothing, bounds());
    let report = report.unwrap_or_else(|violation| panic!("{}", violation.0));
    println!("{:?}: {report:?} in {:?}", bounds(), begun.elapsed());
    assert!(report.worlds > 100 && report.starts > 1000, "{report:?}");
}

#[test]
fn always_loses_nothing() {
    prove(0);
}

#[test]
fn once_per_second_loses_the_end_alone() {
    prove(1);
}

#[test]
fn never_loses_the_end_alone() {
    prove(2);
}

/// States that are taken for one go on alike: with and without that, the same states are met, as
/// soon, and starts find the same.
#[test]
fn states_that_are_one_go_on_alike() {
    let bounds = Bounds {
        events_max: 3,
        ..bounds()
    };
    for policy in 0..3 {
        let [plain, normal] = [true, false].map(|is_plain| {
            let forms = forms(policy, bounds, is_plain);
            forms.unwrap_or_else(|violation| panic!("{}", violation.0))
        });
        assert!(
            plain == normal,
            "{policy}: {} {}",
            plain.count(),
            normal.count()
        );
        assert!(plain.count() > 100, "{}", plain.count());
    }
}

/// A proof that finds nothing may be looking at nothing: each step of the protocol is missed.
#[test]
fn every_step_is_needed() {
    for (omission, events_max, faults_max) in [
        (Omission::FolderSync, 4, 0),
        (Omission::FolderSyncBeforeList, 4, 0),
        (Omission::IncrementSync, 4, 0),
        (Omission::ListSync, 4, 0),
        (Omission::BaseSync, 4, 0),
        (Omission::Settling, 4, 0),
        (Omission::Distrust, 4, 1),
        (Omission::Apart, 5, 0),
    ] {
        let bounds = Bounds {
            events_max,
            faults_max,
            crashes_max: 1,
        };
        let found = (0..3).find_map(|policy| explore(policy, omission, bounds).err());
        let violation = found.unwrap_or_else(|| panic!("{omission:?} is not missed"));
        println!("{omission:?}: {}", violation.0);
    }
}

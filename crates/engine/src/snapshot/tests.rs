//! Large values in snapshots: how little is saved at once, and how little is read at once. That
//! what is read is right is a property of whole histories, see `check`.

use alloc::{format, string::String, vec::Vec};

use crate::check::check_large_values;
use crate::random::Random;
use crate::{Output, SnapshotChunk, SnapshotId, SnapshotStep, WorkBudget, testkit::Kit};

const ELEMENTS: usize = 20_000;
/// What a write may save for a snapshot.
const SAVED_BYTES_MAX: usize = 16 << 10;
/// What a slice may bring beyond what it has to.
const SLICE_BYTES_MAX: usize = 300 << 10;

/// Slices that most values need; nodes of a list are large, and bounded by their bytes.
const SLICES_MIN: usize = ELEMENTS / 1000;

/// A key `big` of many elements.
fn fill(kit: &mut Kit, command: &str) {
    for from in (0..ELEMENTS).step_by(100) {
        let mut line = format!("{command} big");
        for at in from..from + 100 {
            let name = format!("element:{at:08}");
            match command {
                "HSET" => line += &format!(" {name} {at}"),
                "ZADD" => line += &format!(" {at} {name}"),
                _ => line += &format!(" {name}"),
            }
        }
        kit.run(&line);
    }
}

fn fill_stream(kit: &mut Kit) {
    for at in 1..=ELEMENTS {
        kit.run(&format!("XADD big {at} field value:{at}"));
    }
    kit.run("XGROUP CREATE big group 0");
    kit.run("XREADGROUP GROUP group reader STREAMS big >");
}

/// The snapshot that has begun.
fn begun(kit: &Kit) -> SnapshotId {
    let begun = kit.outputs.iter().find_map(|output| match output {
        Output::BackgroundSave(save) => Some(save.id),
        _ => None,
    });
    begun.unwrap()
}

/// Takes a snapshot with `change` in the middle, which has to take so many slices.
fn check(mut kit: Kit, change: &str, slices_min: usize) {
    let digest = kit.engine.digest();
    kit.run("BGSAVE");
    let id = begun(&kit);
    kit.run(change);
    let saved = kit.engine.dbs.cut_saved_bytes();
    assert!((1..=SAVED_BYTES_MAX).contains(&saved), "{change}: {saved}");
    let (mut chunk, mut slices) = (SnapshotChunk::default(), 0);
    for _ in 0..ELEMENTS {
        let budget = WorkBudget { entries_max: 64 };
        let step = kit.engine.snapshot_poll(id, budget, &mut chunk);
        assert!(chunk.bytes.len() <= SLICE_BYTES_MAX, "{change}");
        slices += 1;
        if step == SnapshotStep::Ended {
            break;
        }
    }
    assert!(slices >= slices_min, "{change}: {slices} slices");
    assert!(!kit.engine.snapshot_is_active(id));
    // The same once more, to be read back.
    kit.end_snapshot(Ok(()));
    assert_ne!(kit.engine.digest(), digest, "{change} changes something");
    let digest = kit.engine.digest();
    kit.run("BGSAVE");
    let change = String::from(change);
    let file = kit.write_snapshot(|kit| {
        kit.run(&change);
        kit.run("RENAME big other");
    });
    let mut copy = Kit::new();
    copy.load(&file);
    assert_eq!(copy.engine.digest(), digest, "{change}");
}

/// A few of the histories that the property test has, among the unit tests.
#[test]
fn large_values_are_read_as_they_were() {
    let mut random = Random::new([5, 6, 7, 8]);
    for _ in 0..48 {
        let data: Vec<u8> = (0..1600).map(|_| random.next() as u8).collect();
        check_large_values(&data);
    }
}

#[test]
fn a_large_hash_is_saved_and_read_bit_by_bit() {
    let mut kit = Kit::new();
    fill(&mut kit, "HSET");
    check(kit, "HINCRBY big element:00000777 5", SLICES_MIN);
}

#[test]
fn a_large_set_is_saved_and_read_bit_by_bit() {
    let mut kit = Kit::new();
    fill(&mut kit, "SADD");
    check(kit, "SPOP big", SLICES_MIN);
}

#[test]
fn a_large_sorted_set_is_saved_and_read_bit_by_bit() {
    let mut kit = Kit::new();
    fill(&mut kit, "ZADD");
    check(kit, "ZINCRBY big 7 element:00000777", SLICES_MIN);
}

#[test]
fn a_large_list_is_saved_and_read_bit_by_bit() {
    let mut kit = Kit::new();
    fill(&mut kit, "RPUSH");
    check(kit, "LPOP big", 2);
}

#[test]
fn a_large_stream_is_saved_and_read_bit_by_bit() {
    let mut kit = Kit::new();
    fill_stream(&mut kit);
    check(kit, "XADD big * field value", SLICES_MIN);
    let mut kit = Kit::new();
    fill_stream(&mut kit);
    check(kit, "XTRIM big MAXLEN 19950", SLICES_MIN);
}

#[test]
fn the_pending_entries_of_a_stream_are_saved_one_by_one() {
    let mut kit = Kit::new();
    fill_stream(&mut kit);
    kit.run("BGSAVE");
    kit.run("XACK big group 777-0");
    let saved = kit.engine.dbs.cut_saved_bytes();
    assert!((1..=SAVED_BYTES_MAX).contains(&saved), "{saved}");
}

#[test]
fn a_very_long_string_is_saved_and_read_bit_by_bit() {
    for change in [
        "SETBIT big 8000000 1",
        "SETRANGE big 5 changed",
        "BITFIELD big SET u8 90000000 5 INCRBY u16 90000800 7",
    ] {
        let mut kit = Kit::new();
        kit.run("SETRANGE big 20000000 end");
        kit.run("PEXPIRE big 100000000");
        check(kit, change, SLICES_MIN);
    }
    let mut kit = Kit::new();
    kit.run("SETRANGE big 20000000 end");
    kit.run("BGSAVE");
    let id = begun(&kit);
    kit.run("APPEND big more");
    // The key and its place; of the string nothing was changed that was there.
    assert!(kit.engine.dbs.cut_saved_bytes() < 1000);
    let (mut chunk, mut handed_on) = (SnapshotChunk::default(), 0);
    let budget = WorkBudget { entries_max: 64 };
    while kit.engine.snapshot_poll(id, budget, &mut chunk) == SnapshotStep::More {
        handed_on += chunk.tail.as_ref().map_or(0, |tail| tail.len());
    }
    assert_eq!(handed_on, 20_000_003);
}

#[test]
fn a_long_string_is_shared() {
    let mut kit = Kit::new();
    kit.run("SETRANGE long 1000000 end");
    let digest = kit.engine.digest();
    kit.run("BGSAVE");
    let file = kit.write_snapshot(|kit| {
        kit.run("SETRANGE long 5 changed");
    });
    let mut copy = Kit::new();
    copy.load(&file);
    assert_eq!(copy.engine.digest(), digest);
    kit.run("BGSAVE");
    let id = begun(&kit);
    let (mut chunk, mut shared) = (SnapshotChunk::default(), 0);
    let budget = WorkBudget { entries_max: 64 };
    while kit.engine.snapshot_poll(id, budget, &mut chunk) == SnapshotStep::More {
        assert!(chunk.bytes.len() < 1000, "nothing of it is copied");
        shared += chunk.tail.as_ref().map_or(0, |tail| tail.len());
    }
    assert_eq!(shared, 1_000_003);
}

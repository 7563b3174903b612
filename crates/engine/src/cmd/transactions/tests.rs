//! Transactions and what is watched, where expiry or full memory comes between.

use alloc::{format, string::String};

use crate::testkit::Kit;

/// A kit in which nothing expires by itself.
fn kit() -> Kit {
    let mut kit = Kit::with_debug();
    kit.run("DEBUG SET-ACTIVE-EXPIRE 0");
    kit
}

/// What a transaction of one PING comes to.
fn exec(kit: &mut Kit) -> String {
    kit.run("MULTI");
    kit.run("PING");
    kit.run("EXEC")
}

const DONE: &str = "[PONG]";
const LOST: &str = "(nil)";

fn stale(kit: &mut Kit, db: u32, value: &str) {
    kit.run(&format!("SELECT {db}"));
    kit.run(&format!("SET x {value} PX 1"));
}

#[test]
fn a_key_that_had_expired_is_flushed_unnoticed() {
    for flush in ["FLUSHDB", "FLUSHALL"] {
        let mut kit = kit();
        stale(&mut kit, 0, "a");
        kit.sleep_ms(5);
        kit.run("WATCH x");
        kit.run(flush);
        assert_eq!(exec(&mut kit), DONE);
        kit.run("WATCH x");
        kit.run(flush);
        assert_eq!(exec(&mut kit), DONE);
        kit.run("SET x 1");
        kit.run("WATCH x");
        kit.run(flush);
        assert_eq!(exec(&mut kit), LOST);
    }
}

/// Which databases hold a key that has expired or lives, and whether swapping them is a change for
/// one who watches it in database 1.
#[test]
fn swapped_databases_change_what_lives_in_one_of_them() {
    let states = ["", "stale", "live"];
    for (here, there) in states.iter().flat_map(|a| states.map(|b| (*a, b))) {
        let mut kit = kit();
        for (db, state) in [(1, here), (0, there)] {
            match state {
                "stale" => stale(&mut kit, db, "a"),
                "live" => {
                    kit.run(&format!("SELECT {db}"));
                    kit.run("SET x b");
                }
                _ => {}
            }
        }
        kit.sleep_ms(5);
        kit.run("SELECT 1");
        kit.run("WATCH x");
        kit.run("SWAPDB 0 1");
        let expected = if here == "live" || there == "live" {
            LOST
        } else {
            DONE
        };
        assert_eq!(exec(&mut kit), expected, "{here} for {there}");
    }
}

#[test]
fn what_comes_after_a_swap_is_noticed() {
    let mut kit = kit();
    stale(&mut kit, 0, "a");
    kit.sleep_ms(5);
    kit.run("SELECT 1");
    kit.run("WATCH x");
    kit.run("SWAPDB 0 1");
    // What had expired is removed, which is no change; what is put there is one.
    assert_eq!(kit.run("GET x"), "(nil)");
    kit.run("MULTI");
    let other = kit.connect();
    kit.run_as(other, "SELECT 1");
    kit.run_as(other, "SET x 1");
    assert_eq!(kit.run("EXEC"), LOST);
}

#[test]
fn a_key_that_expires_while_it_is_watched_has_changed() {
    for removed in [false, true] {
        let mut kit = kit();
        kit.run("SET x 1 PX 1");
        kit.run("WATCH x");
        kit.sleep_ms(5);
        if removed {
            assert_eq!(kit.run("GET x"), LOST);
        }
        assert_eq!(exec(&mut kit), LOST);
    }
}

#[test]
fn full_memory_refuses_what_adds_and_ends_the_transaction() {
    let mut kit = Kit::new();
    let other = kit.connect();
    kit.run("SET x value");
    kit.run("MULTI");
    kit.run("GET x");
    kit.run("PING");
    kit.run_as(other, "CONFIG SET maxmemory 1");
    assert_eq!(kit.run("EXEC"), "[\"value\", PONG]");
    kit.run_as(other, "CONFIG SET maxmemory 0");
    kit.run("MULTI");
    kit.run("SET x 1");
    kit.run("GET x");
    kit.run_as(other, "CONFIG SET maxmemory 1");
    let refused = kit.run("EXEC");
    assert!(
        refused.starts_with("(error) EXECABORT Transaction discarded because of: OOM"),
        "{refused}"
    );
    kit.run("MULTI");
    assert!(kit.run("SET x 1").starts_with("(error) OOM"));
    assert_eq!(kit.run("DISCARD"), "OK");
    assert_eq!(kit.run("GET x"), "\"value\"");
}

//! What is recorded stands outside of what is decided: unit tests over the whole machine.

use alloc::format;

use crate::testkit::Kit;

#[test]
fn recording_changes_neither_memory_nor_digest() {
    let mut quiet = Kit::new();
    let mut busy = Kit::new();
    busy.run(
        "CONFIG SET slowlog-log-slower-than 0 commandlog-request-larger-than 0 \
         commandlog-reply-larger-than 0 latency-monitor-threshold 1 hotkeys-top-k 10 \
         hotkeys-sampling-percentage 50",
    );
    quiet.run("CONFIG SET timeout 0");
    for n in 0..50 {
        for kit in [&mut quiet, &mut busy] {
            kit.run(&format!("SADD k {n} a{n}"));
            kit.run("SPOP k");
        }
    }
    assert_eq!(quiet.engine.digest(), busy.engine.digest());
    assert_eq!(
        quiet.engine.used_memory_bytes(),
        busy.engine.used_memory_bytes()
    );
}

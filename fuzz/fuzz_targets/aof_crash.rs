//! Histories of a server with a log, and every crash on the way.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_persist::check::check_trace(data);
});

//! Any bytes as a log of commands, cut in any way; the first byte says how.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_persist::check::check_log(data);
});

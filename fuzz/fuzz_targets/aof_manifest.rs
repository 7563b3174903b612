//! Any bytes as the list of the files of a log.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_persist::check::check_manifest(data);
});

//! Any bytes as a snapshot file, cut in any way. Not the checksum alone: it is looked at and not.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_rdb::check::check_file(data);
});

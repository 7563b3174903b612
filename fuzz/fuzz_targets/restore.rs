//! Any bytes as a value for RESTORE. Not the checksum, which is made right.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_rdb::check::check_restore(data);
});

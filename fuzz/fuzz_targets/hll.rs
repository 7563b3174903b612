//! Any bytes as a HyperLogLog that a client has stored. Not the commands around it.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_data::hll::check::check_hll(data);
});

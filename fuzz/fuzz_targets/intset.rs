//! Any bytes as an intset, and any changes of one. Not the sets that are made of intsets.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_data::intset::check::check_intset_bytes(data);
    vk_data::intset::check::check_intset_edits(data);
});

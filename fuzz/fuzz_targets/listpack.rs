//! Any bytes as a listpack, and any changes of one. Not the types that are made of listpacks.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    vk_data::listpack::check::check_listpack_bytes(data);
    vk_data::listpack::check::check_listpack_edits(data);
});

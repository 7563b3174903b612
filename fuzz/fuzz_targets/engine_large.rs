//! Histories of large values under a snapshot, which are read in pieces while they are changed.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vk_engine::check::check_large_values(data));

//! Histories of requests by the command table's grammar; see the check for the properties.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vk_engine::check::check_commands(data));

//! As `engine_commands`, with memory for a few dozen keys and a policy of the first byte.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vk_engine::check::check_bounded_memory(data));

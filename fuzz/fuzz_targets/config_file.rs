//! Configuration files: reading is total, rewriting keeps the values and is idempotent.
//!
//! Not included files, which are as if empty.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| vk_engine::config::check::check_config_text(data));

//! Patterns and texts: the matcher never panics, and agrees with the model's where that one, which
//! tries everything, can follow. Not how KEYS and SCAN use it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vk_data::glob::{glob_match, glob_match_nocase};

/// Lengths that the model's matcher is asked for.
const PATTERN_MAX: usize = 14;
const TEXT_MAX: usize = 14;

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else {
        return;
    };
    let (pattern, text) = rest.split_at(usize::from(*first).min(rest.len()));
    let found = glob_match(pattern, text);
    let _ = glob_match_nocase(pattern, text);
    if pattern.len() <= PATTERN_MAX && text.len() <= TEXT_MAX {
        assert_eq!(found, vk_model::glob_match(pattern, text));
    }
});

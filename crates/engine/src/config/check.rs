//! The property of files and rewriting, as one function for property tests and the fuzzer.
//!
//! Not part of the interface.

use super::{Config, ConfigId, LoadError, Origin, Source, load, rewrite};
use alloc::string::String;
use alloc::vec::Vec;
use vk_spec::config::Profile;

/// Reads `data` as a configuration file in both profiles. Reading never panics; what could be
/// read is rewritten, reads back to the same values, and rewrites to itself.
///
/// # Panics
/// When the property does not hold.
#[doc(hidden)]
pub fn check_config_text(data: &[u8]) {
    for profile in [Profile::Compatible, Profile::Strict] {
        let Ok(config) = read(profile, data) else {
            continue;
        };
        let text = rewrite(data, &config);
        let again = read(profile, &text);
        assert!(
            again.is_ok(),
            "rewritten text cannot be read: {:?}",
            String::from_utf8_lossy(&text)
        );
        let Ok(again) = again else { continue };
        for id in ConfigId::all() {
            assert_eq!(config.render(id), again.render(id), "{}", id.spec().name);
        }
        assert_eq!(config.command_names(), again.command_names());
        assert_eq!(rewrite(&text, &again), text, "rewriting is not idempotent");
    }
}

fn read(profile: Profile, text: &[u8]) -> Result<Config, LoadError> {
    let source = Source {
        name: "check",
        text,
        origin: Origin::File,
    };
    // Included files are as if empty: what they say is not part of the text.
    let mut include = |_: &[u8]| Ok(Vec::new());
    load(profile, &[source], &mut include).map(|loaded| loaded.config)
}

//! CONFIG GET: which directives a list of names and patterns means, and their values.
//!
//! Not the reply, which is a map of the pairs.

use super::{Config, ConfigId};
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use vk_data::glob::{Case, Glob};
use vk_spec::config::Profile;

/// The longest pattern that is tried; no name is nearly as long.
const PATTERN_MAX: usize = 1024;

/// What stands for a secret.
const REDACTED: &[u8] = b"<redacted>";

impl Config {
    /// The directives that `patterns` mean, sorted by name, each once; an alias is a name of its
    /// own. A plain name is answered as the client wrote it, and finds hidden directives too.
    #[must_use]
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(Cow<'static, str>, Vec<u8>)> {
        let mut found: BTreeMap<String, (Cow<'static, str>, ConfigId)> = BTreeMap::new();
        for pattern in patterns {
            if pattern
                .iter()
                .any(|byte| matches!(byte, b'[' | b'*' | b'?'))
            {
                for (name, id) in matching(pattern) {
                    found
                        .entry(name.into())
                        .or_insert((Cow::Borrowed(name), id));
                }
            } else if let Some(id) = ConfigId::find(pattern) {
                // It equals a name but for case, so it is ASCII.
                let name = String::from_utf8_lossy(pattern).into_owned();
                found
                    .entry(name.to_ascii_lowercase())
                    .or_insert((Cow::Owned(name), id));
            }
        }
        found
            .into_values()
            .map(|(name, id)| (name, self.answer(id)))
            .collect()
    }

    /// The strict profile does not tell secrets.
    fn answer(&self, id: ConfigId) -> Vec<u8> {
        let value = self.render(id);
        let secret = id.spec().sensitive && !value.is_empty();
        if secret && self.profile() == Profile::Strict {
            REDACTED.to_vec()
        } else {
            value
        }
    }
}

fn matching(pattern: &[u8]) -> impl Iterator<Item = (&'static str, ConfigId)> {
    let glob = Glob::new(pattern, Case::Insensitive);
    let fits = pattern.len() <= PATTERN_MAX;
    ConfigId::all()
        .filter(move |id| fits && !id.spec().hidden)
        .flat_map(|id| {
            let spec = id.spec();
            [Some(spec.name), spec.alias]
                .into_iter()
                .flatten()
                .map(move |name| (name, id))
        })
        .filter(move |(name, _)| glob.is_match(name.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SetContext, table::process::REQUIREPASS};

    fn names(patterns: &[&str]) -> Vec<String> {
        let patterns: Vec<&[u8]> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let config = Config::new(Profile::Compatible);
        config
            .get(&patterns)
            .into_iter()
            .map(|(name, _)| name.into_owned())
            .collect()
    }

    #[test]
    fn names_and_patterns_are_merged_and_sorted() {
        assert_eq!(names(&["PORT", "port"]), ["PORT"]);
        assert_eq!(
            names(&["slave-pri*", "hz", "PORT"]),
            ["hz", "PORT", "slave-priority"]
        );
        assert_eq!(names(&["nonsense", "*nonsense*"]), Vec::<String>::new());
        assert_eq!(
            names(&["SLAVEO?", "*aveof", "replicaof"]),
            ["replicaof", "slaveof"]
        );
    }

    #[test]
    fn secrets_are_told_to_compatible_clients_only() {
        let context = SetContext {
            local: false,
            loading: false,
        };
        for (profile, answer) in [
            (Profile::Compatible, &b"x"[..]),
            (Profile::Strict, REDACTED),
        ] {
            let mut config = Config::new(profile);
            assert_eq!(config.get(&[b"requirepass"])[0].1, b"");
            assert!(config.set(&[b"requirepass", b"x"], context).is_ok());
            assert_eq!(config.get(&[b"requirepas?"])[0].1, answer);
            assert_eq!(config.bytes(REQUIREPASS), b"x");
        }
    }

    #[test]
    fn hidden_directives_answer_to_their_name_only() {
        assert_eq!(names(&["watchdog-perio?"]), Vec::<String>::new());
        assert_eq!(names(&["watchdog-period"]), ["watchdog-period"]);
        assert!(!names(&["*"]).iter().any(|name| name == "key-load-delay"));
    }
}

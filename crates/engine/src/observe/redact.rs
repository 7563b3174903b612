//! Which arguments of a request are secrets: the one place that the command log, MONITOR and the
//! server's log ask.
//!
//! Mostly the declaration of the command says it; three commands hold secrets where their other
//! arguments decide.

use alloc::vec::Vec;

use vk_resp::Request;
use vk_spec::CommandSpec;

use crate::config::ConfigId;

/// What stands in the place of a secret.
pub(crate) const REDACTED: &[u8] = b"(redacted)";

/// The places of the secrets of one request.
#[derive(Debug)]
pub(crate) struct Secrets {
    declared: &'static [i32],
    /// Places that the other arguments decide, ascending.
    found: Vec<usize>,
}

impl Secrets {
    pub(crate) fn of(full_name: &str, spec: &CommandSpec, request: Request<'_>) -> Self {
        let found = match full_name {
            "hello" => after_word(request, 2, &[(b"AUTH", 2)]),
            "migrate" => after_word(request, 6, &[(b"AUTH", 1), (b"AUTH2", 2)]),
            "config|set" => sensitive_values(request),
            _ => {
                return Self {
                    declared: spec.secrets,
                    found: Vec::new(),
                };
            }
        };
        Self {
            declared: &[],
            found,
        }
    }

    /// Whether the argument of this number is a secret.
    pub(crate) fn contains(&self, at: usize) -> bool {
        let is_declared = self.declared.iter().any(|place| {
            let from = place.unsigned_abs() as usize;
            at == from || (*place < 0 && at > from)
        });
        is_declared || self.found.binary_search(&at).is_ok()
    }
}

/// So many arguments behind each of the words, from argument `from` on.
fn after_word(request: Request<'_>, from: usize, words: &[(&[u8], usize)]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = from;
    while let Some(word) = request.arg(at) {
        let known = words
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        let count = known.map_or(0, |(_, count)| *count);
        found.extend((1..=count).map(|next| at.saturating_add(next)));
        at = at.saturating_add(count).saturating_add(1);
    }
    found
}

/// Values of directives that are secrets. What stands behind a name that nobody knows is one, too:
/// it may be a password behind a slip of the pen.
fn sensitive_values(request: Request<'_>) -> Vec<usize> {
    let is_open = |name| ConfigId::find(name).is_some_and(|id| !id.spec().sensitive);
    let names = (2..request.len()).step_by(2);
    names
        .filter(|at| !request.arg(*at).is_some_and(is_open))
        .map(|at| at.saturating_add(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use vk_resp::OwnedRequest;

    use super::Secrets;
    use crate::cmd::{CommandNames, CommandTable};

    fn shown(line: &str) -> String {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let request = OwnedRequest::from_args(words.iter().copied());
        let table = CommandTable::new(&CommandNames::default());
        let full = words
            .iter()
            .take(2)
            .copied()
            .collect::<Vec<_>>()
            .join(&b'|');
        let id = table.find_full(&full).or_else(|| table.find(words[0]));
        let (name, spec) = match id {
            Some(id) => (table.full_name(id), table.command(id).spec),
            None => ("migrate", vk_spec::CommandSpec::NEW),
        };
        let secrets = Secrets::of(name, &spec, request.view());
        let word = |(at, word)| if secrets.contains(at) { "*" } else { word };
        let words = line.split(' ').enumerate().map(word);
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn secrets_are_found_wherever_they_stand() {
        for (line, expected) in [
            ("AUTH s", "AUTH *"),
            ("AUTH user s", "AUTH * *"),
            ("AUTH user s more", "AUTH * * *"),
            ("HELLO 3 AUTH u s SETNAME n", "HELLO 3 AUTH * * SETNAME n"),
            ("HELLO 3 SETNAME n auth u s", "HELLO 3 SETNAME n auth * *"),
            ("HELLO 3 AUTH u", "HELLO 3 AUTH *"),
            (
                "CONFIG SET hz 5 REQUIREPASS s timeout 1",
                "CONFIG SET hz 5 REQUIREPASS * timeout 1",
            ),
            ("CONFIG SET requirepas s", "CONFIG SET requirepas *"),
            ("CONFIG GET requirepass", "CONFIG GET requirepass"),
            ("MIGRATE h 1 k 0 5 AUTH s", "MIGRATE h 1 k 0 5 AUTH *"),
            (
                "MIGRATE h 1 k 0 5 copy auth2 u s KEYS k",
                "MIGRATE h 1 k 0 5 copy auth2 * * KEYS k",
            ),
            ("SET auth s", "SET auth s"),
        ] {
            assert_eq!(shown(line), expected);
        }
    }
}

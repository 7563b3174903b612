//! Differences that are known and have a reason: `[[differential]]` tables of the list of
//! deviations. A reply is covered if the command and both replies fit the globs of one table.

use super::Words;
use crate::pattern::fits;
use crate::render;
use crate::report::render_command;
use anyhow::{Context as _, Result};
use std::path::Path;
use vk_resp::Reply;

/// The list, and how often it was needed.
#[derive(Debug, Default)]
pub(super) struct Known {
    list: Vec<Entry>,
    count: usize,
}

/// Globs over the command and the replies as they are shown.
#[derive(Debug)]
struct Entry {
    command: String,
    ours: String,
    peer: String,
}

impl Known {
    pub(super) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let entries = table.get("differential").and_then(toml::Value::as_array);
        let mut list = Vec::new();
        for entry in entries.into_iter().flatten() {
            let field = |name: &str| {
                let text = entry.get(name).and_then(toml::Value::as_str);
                text.filter(|text| !text.trim().is_empty())
                    .map(str::to_owned)
                    .with_context(|| format!("a known difference without {name}"))
            };
            field("reason")?;
            list.push(Entry {
                command: field("command")?.to_lowercase(),
                ours: field("ours")?,
                peer: field("peer")?,
            });
        }
        Ok(Self { list, count: 0 })
    }

    /// Whether this difference is on the list.
    pub(super) fn covers(&mut self, words: &Words, ours: &Reply, peer: &Reply) -> bool {
        let command = render_command(words).to_lowercase();
        let (ours, peer) = (render(ours), render(peer));
        let fit = |glob: &str, text: &str| fits(glob.as_bytes(), text.as_bytes());
        let covered = self.list.iter().any(|entry| {
            fit(&entry.command, &command) && fit(&entry.ours, &ours) && fit(&entry.peer, &peer)
        });
        self.count += usize::from(covered);
        covered
    }

    /// How many replies the list has excused.
    pub(super) const fn count(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Known;
    use vk_resp::Reply;

    #[test]
    fn covers_what_fits_and_nothing_else() {
        let text =
            "[[differential]]\ncommand = 'get *'\nours = '-ERR a*'\npeer = '*'\nreason = 'r'";
        let mut known = Known::parse(text).unwrap();
        let answer = |text: &str| Reply::Error(text.into());
        let words = vec![b"GET".to_vec(), b"k".to_vec()];
        assert!(known.covers(&words, &answer("ERR abc"), &answer("ERR x")));
        assert!(!known.covers(&words, &answer("ERR b"), &answer("ERR x")));
        assert!(!known.covers(&vec![b"SET".to_vec()], &answer("ERR a"), &answer("ERR x")));
        assert_eq!(known.count(), 1);
        assert!(Known::parse("[[differential]]\ncommand = 'get *'\n").is_err());
    }
}

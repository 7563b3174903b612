//! The list of cases that a server is known to fail, each with its reason. A case on the list that
//! holds is a failure too, so that the list cannot rot.

use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::path::Path;

/// Cases and reasons.
#[derive(Debug, Default)]
pub struct Deviations(BTreeMap<String, String>);

impl Deviations {
    /// Reads a file of `[[deviation]]` tables with `case` and `reason`.
    ///
    /// # Errors
    /// It cannot be read, or a table lacks one of the two.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let table: toml::Table = text.parse()?;
        let mut list = BTreeMap::new();
        for (key, value) in &table {
            // Known differences from a peer are another list in the same file.
            if key == "differential" {
                continue;
            }
            // `upstream` names cases of another suite; they are checked for their form alone.
            let tables = value
                .as_array()
                .filter(|_| key == "deviation" || key == "upstream");
            for entry in tables.with_context(|| format!("there is no key {key}"))? {
                let field = |name: &str| {
                    let text = entry.get(name).and_then(toml::Value::as_str).map(str::trim);
                    let text = text.filter(|text| !text.is_empty());
                    text.map(str::to_owned)
                        .with_context(|| format!("a deviation without {name}"))
                };
                let (case, reason) = (field("case")?, field("reason")?);
                if key == "deviation" && list.insert(case, reason).is_some() {
                    bail!("{} is on the list twice", field("case")?);
                }
            }
        }
        Ok(Self(list))
    }

    /// Why a case is known to fail.
    #[must_use]
    pub fn reason(&self, case: &str) -> Option<&str> {
        self.0.get(case).map(String::as_str)
    }

    /// The cases of the list.
    pub fn cases(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::Deviations;

    #[test]
    fn reads_and_refuses() {
        let list = Deviations::parse("[[deviation]]\ncase = 'a/b'\nreason = 'c'\n").unwrap();
        assert_eq!(list.reason("a/b"), Some("c"));
        assert_eq!(list.reason("a"), None);
        assert_eq!(Deviations::parse("").unwrap().cases().count(), 0);
        for text in [
            "[[deviation]]\ncase = 'a/b'\n",
            "[[deviation]]\ncase = 'a/b'\nreason = ' '\n",
            "[[deviatoin]]\ncase = 'a/b'\nreason = 'c'\n",
            "x = 1",
        ] {
            assert!(Deviations::parse(text).is_err(), "{text}");
        }
    }
}

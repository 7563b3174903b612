//! House style, checked by machine: sizes, file headers, width, markers, attributes and the names
//! that only some folders may use. It is no linter of Rust: what clippy or rustfmt can say, they
//! say. There is no list of exceptions on purpose.

mod lines;
mod place;
mod tokens;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use self::place::Place;
use crate::Report;

/// One thing that is not as the house wants it.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Line, counted from 1.
    line: usize,
    what: String,
}

impl Finding {
    fn new(line: usize, what: impl Into<String>) -> Self {
        Self {
            line,
            what: what.into(),
        }
    }
}

/// Checks every Rust source that git tracks or would track.
pub(crate) fn run(root: &Path) -> anyhow::Result<Report> {
    let sources = read_all(root, &list(root)?)?;
    let mut test_modules = BTreeSet::new();
    for (path, text) in &sources {
        test_modules.extend(place::test_modules(path, text));
    }
    let mut findings = Vec::new();
    for (path, text) in &sources {
        let place = Place::of(path, &test_modules);
        for finding in check(&place, text) {
            findings.push(format!(
                "{}:{}: {}",
                path.display(),
                finding.line,
                finding.what
            ));
        }
    }
    Ok(Report {
        findings,
        looked_at: format!("{} files", sources.len()),
    })
}

/// All rules over one file, in the order of lines.
fn check(place: &Place, text: &str) -> Vec<Finding> {
    let mut findings = lines::check(text);
    findings.extend(tokens::check(place, text));
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// The paths, relative to `root`, of the Rust files that are tracked or untracked but not ignored.
fn list(root: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            "*.rs",
        ])
        .current_dir(root)
        .output()
        .context("git ls-files could not be started")?;
    if !output.status.success() {
        bail!(
            "git ls-files: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let text = String::from_utf8(output.stdout).context("a path is not UTF-8")?;
    let paths: BTreeSet<PathBuf> = text
        .split('\0')
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .collect();
    if paths.is_empty() {
        bail!("git ls-files names no Rust file below {}", root.display());
    }
    Ok(paths.into_iter().collect())
}

/// Reads the listed files. One that is gone from the work tree but still tracked is skipped.
fn read_all(root: &Path, paths: &[PathBuf]) -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut sources = Vec::new();
    for path in paths {
        let full = root.join(path);
        if full.is_file() {
            let text = fs::read_to_string(&full)
                .with_context(|| format!("{} could not be read", path.display()))?;
            sources.push((path.clone(), text));
        }
    }
    Ok(sources)
}

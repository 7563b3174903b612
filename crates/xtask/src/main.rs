//! The repository's own checks: `cargo xtask tidy` (house style), `cargo xtask deps` (which crate
//! may use which) and `cargo xtask docs` (the generated pages of the manual). It is not part of the
//! product, and it never changes a source file.

mod deps;
mod docs;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

const USAGE: &str = "\
usage: cargo xtask <check>

  tidy    house style of every Rust source of the tree
  deps    arrows between our crates, and the third-party crates that each may name
  docs    writes docs/commands.md and docs/strict.md; with --check says whether they are stale
";

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs the check that the arguments name, prints its findings and returns their number.
fn run() -> anyhow::Result<usize> {
    let mut args = std::env::args().skip(1);
    let name = args.next().unwrap_or_default();
    let option = args.next();
    let mode = match (name.as_str(), option.as_deref()) {
        ("docs", Some("--check")) => docs::Mode::Check,
        _ => docs::Mode::Write,
    };
    if let Some(extra) = option
        .filter(|_| mode == docs::Mode::Write)
        .or_else(|| args.next())
    {
        bail!("unexpected argument '{extra}'\n\n{USAGE}");
    }
    let root = root()?;
    let report = match name.as_str() {
        "tidy" => tidy::run(&root)?,
        "deps" => deps::run(&root)?,
        "docs" => docs::run(&root, mode)?,
        _ => bail!("no such check: '{name}'\n\n{USAGE}"),
    };
    for finding in &report.findings {
        println!("{finding}");
    }
    println!(
        "{name}: {} looked at, {} finding(s)",
        report.looked_at,
        report.findings.len()
    );
    Ok(report.findings.len())
}

/// The repository's root: two levels above this crate's manifest.
fn root() -> anyhow::Result<PathBuf> {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .map(Path::to_path_buf)
        .context("this crate does not lie in crates/xtask")
}

/// What a check has to say: one printed line per finding, and how many things it looked at.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<String>,
    looked_at: String,
}

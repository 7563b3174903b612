//! Which crate may use which: the arrows between our own crates, the third-party crates that the
//! pure ones may name, the few that only the shell names, and where all code comes from. Features,
//! licences and advisories are not looked at: `deny.toml` has them.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use crate::Report;

/// What a package of ours may use of ours.
#[derive(Debug, Clone, Copy)]
enum Arrows {
    /// These alone.
    To(&'static [&'static str]),
    /// All: a harness, which nothing of the product uses.
    Any,
}

/// One row per package of the workspace. A package without a row is a finding.
const ARROWS: &[(&str, Arrows)] = &[
    ("vk-spec", Arrows::To(&[])),
    ("vk-resp", Arrows::To(&[])),
    ("vk-mem", Arrows::To(&[])),
    ("vk-data", Arrows::To(&["vk-spec", "vk-resp", "vk-mem"])),
    ("vk-rdb", Arrows::To(&["vk-resp", "vk-mem", "vk-data"])),
    (
        "vk-engine",
        Arrows::To(&["vk-spec", "vk-resp", "vk-mem", "vk-data", "vk-rdb"]),
    ),
    ("vk-persist", Arrows::To(&["vk-resp", "vk-data"])),
    ("vk-net", Arrows::To(&["vk-resp"])),
    (
        "vkd",
        Arrows::To(&[
            "vk-spec",
            "vk-resp",
            "vk-mem",
            "vk-data",
            "vk-rdb",
            "vk-persist",
            "vk-engine",
            "vk-net",
        ]),
    ),
    (
        "vkctl",
        Arrows::To(&[
            "vk-spec",
            "vk-resp",
            "vk-net",
            "vk-rdb",
            "vk-persist",
            "vk-engine",
        ]),
    ),
    ("vk-model", Arrows::To(&["vk-spec"])),
    ("vk-compat", Arrows::To(&["vk-resp"])),
    ("vk-proofs", Arrows::Any),
    ("vk-tests", Arrows::Any),
    ("xtask", Arrows::Any),
];

/// Crates that are built without the standard library.
const PURE: [&str; 7] = [
    "vk-spec",
    "vk-resp",
    "vk-mem",
    "vk-data",
    "vk-rdb",
    "vk-persist",
    "vk-engine",
];

/// Third-party crates that a pure crate may name outside its tests.
const PURE_THIRD_PARTY: &[&str] = &[
    "aes-gcm",
    "bitflags",
    "hashbrown",
    "hmac",
    "itoa",
    "libm",
    "memchr",
    "nom",
    "ryu",
    "scrypt",
    "sha2",
    "smallvec",
    "subtle",
    "thiserror",
    "zeroize",
    "zmij",
];

/// Third-party crates that only the named packages, and harnesses, may name outside their tests.
const RESERVED: &[(&str, &[&str])] = &[
    ("rustls", &["vk-net", "vkd", "vkctl"]),
    ("mio", &["vkd", "vkctl"]),
    ("rustix", &["vkd", "vkctl"]),
    ("socket2", &["vkd", "vkctl"]),
];

/// Crates that may not be built into anything of ours, each with the reason. (The lock file may
/// name them: it also lists what a disabled feature would need.)
const BANNED: [(&str, &str); 4] = [
    ("native-tls", "TLS is rustls"),
    ("openssl", "TLS is rustls"),
    ("openssl-sys", "TLS is rustls"),
    ("ring", "aws-lc-rs is the one provider of cryptography"),
];

/// The one place that code of others comes from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Checks the manifests of the workspace and its lock file.
pub(crate) fn run(root: &Path) -> anyhow::Result<Report> {
    let packages = packages(&metadata(root)?)?;
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
    let mut findings: Vec<String> = packages.iter().flat_map(check_package).collect();
    findings.extend(check_lock(&lock));
    findings.extend(check_built(&built(root)?));
    Ok(Report {
        findings,
        looked_at: format!("{} packages", packages.len()),
    })
}

/// A package of the workspace with what it declares.
#[derive(Debug)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Debug)]
struct Dependency {
    name: String,
    /// Used by tests alone.
    dev: bool,
    /// Lies in this repository.
    ours: bool,
}

fn metadata(root: &Path) -> anyhow::Result<Value> {
    let text = cargo(root, &["metadata", "--no-deps", "--format-version", "1"])?;
    serde_json::from_str(&text).context("cargo metadata printed no JSON")
}

/// One line per crate that a build of the workspace and its tests takes in on this platform: the
/// name, a space, the version.
fn built(root: &Path) -> anyhow::Result<String> {
    cargo(
        root,
        &["tree", "--workspace", "--prefix", "none", "--format", "{p}"],
    )
}

/// What Cargo prints when called with `args`.
fn cargo(root: &Path, args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(args)
        .current_dir(root)
        .output()
        .context("cargo could not be started")?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("cargo {}: {}", args.join(" "), error.trim());
    }
    String::from_utf8(output.stdout).context("cargo printed something that is not UTF-8")
}

fn packages(metadata: &Value) -> anyhow::Result<Vec<Package>> {
    let list = |value: &Value, key: &str| -> anyhow::Result<Vec<Value>> {
        let items = value.get(key).and_then(Value::as_array);
        items
            .cloned()
            .with_context(|| format!("cargo metadata has no list '{key}'"))
    };
    let name = |value: &Value| -> anyhow::Result<String> {
        let name = value.get("name").and_then(Value::as_str);
        name.map(str::to_owned)
            .context("cargo metadata has an entry without a name")
    };
    let mut packages = Vec::new();
    for package in list(metadata, "packages")? {
        let mut dependencies = Vec::new();
        for dependency in list(&package, "dependencies")? {
            dependencies.push(Dependency {
                name: name(&dependency)?,
                dev: dependency.get("kind").and_then(Value::as_str) == Some("dev"),
                ours: dependency.get("path").is_some_and(Value::is_string),
            });
        }
        packages.push(Package {
            name: name(&package)?,
            dependencies,
        });
    }
    Ok(packages)
}

/// The findings about one package. Development dependencies are free, but for the model: an oracle
/// that shares code with what it judges is none.
fn check_package(package: &Package) -> Vec<String> {
    let Some((name, arrows)) = ARROWS.iter().find(|(name, _)| *name == package.name) else {
        return vec![format!("{}: no row in the table of arrows", package.name)];
    };
    let Arrows::To(allowed) = arrows else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for dependency in &package.dependencies {
        let used = dependency.name.as_str();
        if dependency.ours {
            let free = dependency.dev && *name != "vk-model";
            if !free && !allowed.contains(&used) {
                findings.push(format!("{name}: may not use {used}"));
            }
        } else if !dependency.dev {
            if PURE.contains(name) && !PURE_THIRD_PARTY.contains(&used) {
                findings.push(format!("{name}: {used} is not on the list for pure crates"));
            }
            let reserved = RESERVED.iter().find(|(reserved, _)| *reserved == used);
            if reserved.is_some_and(|(_, users)| !users.contains(name)) {
                findings.push(format!("{name}: {used} is not for this crate"));
            }
        }
    }
    findings
}

/// The findings about `Cargo.lock`.
fn check_lock(lock: &str) -> Vec<String> {
    let mut findings = Vec::new();
    let mut name = "";
    for line in lock.lines() {
        let Some((key, value)) = line.split_once(" = ") else {
            continue;
        };
        let value = value.trim_matches('"');
        if key == "name" {
            name = value;
        } else if key == "source" && value != REGISTRY {
            findings.push(format!("Cargo.lock: {name} comes from {value}"));
        }
    }
    findings
}

/// The findings about what is built, as [`built`] lists it.
fn check_built(tree: &str) -> Vec<String> {
    let is_built = |name: &str| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(name))
    };
    BANNED
        .iter()
        .filter(|(name, _)| is_built(name))
        .map(|(name, reason)| format!("{name} is built in and banned: {reason}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, &str)]) -> Package {
        let dependency = |(name, kind): &(&str, &str)| Dependency {
            name: (*name).to_owned(),
            dev: kind.ends_with("dev"),
            ours: kind.starts_with("our"),
        };
        Package {
            name: name.to_owned(),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    fn found(name: &str, dependencies: &[(&str, &str)]) -> Vec<String> {
        check_package(&package(name, dependencies))
    }

    #[test]
    fn arrows() {
        assert_eq!(
            found("vk-data", &[("vk-resp", "our")]),
            Vec::<String>::new()
        );
        assert_eq!(
            found("vk-resp", &[("vk-data", "our")]),
            ["vk-resp: may not use vk-data"]
        );
        assert_eq!(
            found("vk-net", &[("vk-engine", "our")]),
            ["vk-net: may not use vk-engine"]
        );
        assert_eq!(
            found("vk-tests", &[("vk-engine", "our")]),
            Vec::<String>::new()
        );
        assert_eq!(
            found("vk-other", &[]),
            ["vk-other: no row in the table of arrows"]
        );
    }

    #[test]
    fn tests_are_free_but_the_model_is_not() {
        assert_eq!(
            found("vk-data", &[("vk-model", "our dev")]),
            Vec::<String>::new()
        );
        assert_eq!(
            found("vk-model", &[("vk-data", "our dev")]),
            ["vk-model: may not use vk-data"]
        );
    }

    #[test]
    fn third_party_crates_of_pure_crates() {
        assert_eq!(found("vk-mem", &[("libm", "")]), Vec::<String>::new());
        assert_eq!(
            found("vk-mem", &[("rand", ""), ("proptest", "dev")]),
            ["vk-mem: rand is not on the list for pure crates"]
        );
        assert_eq!(found("vkd", &[("rand", "")]), Vec::<String>::new());
    }

    #[test]
    fn crates_of_the_shell() {
        assert_eq!(found("vk-net", &[("rustls", "")]), Vec::<String>::new());
        assert_eq!(
            found("vk-net", &[("mio", "")]),
            ["vk-net: mio is not for this crate"]
        );
        assert_eq!(
            found("vk-compat", &[("rustls", "")]),
            ["vk-compat: rustls is not for this crate"]
        );
        assert_eq!(
            found("vk-compat", &[("rustls", "dev")]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn lock_file() {
        let entry = |name: &str, source: &str| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n{source}\n")
        };
        let good = format!("source = \"{REGISTRY}\"");
        assert_eq!(check_lock(&entry("libm", &good)), Vec::<String>::new());
        assert_eq!(
            check_lock(&entry(
                "libm",
                "source = \"git+https://example.org/libm#1\""
            )),
            ["Cargo.lock: libm comes from git+https://example.org/libm#1"]
        );
    }

    #[test]
    fn banned_crates() {
        assert_eq!(
            check_built("rustls v0.23.1\nring-buffer v1.0.0\n"),
            Vec::<String>::new()
        );
        for (name, reason) in BANNED {
            assert_eq!(
                check_built(&format!("rustls v0.23.1\n{name} v1.0.0\n")),
                [format!("{name} is built in and banned: {reason}")]
            );
        }
    }

    #[test]
    fn what_cargo_prints_is_read() -> anyhow::Result<()> {
        let packages = packages(&serde_json::json!({ "packages": [{
            "name": "vk-net",
            "dependencies": [
                { "name": "vk-resp", "kind": null, "path": "/a" },
                { "name": "rcgen", "kind": "dev" },
            ],
        }] }))?;
        let shape: Vec<(&str, bool, bool)> = packages[0]
            .dependencies
            .iter()
            .map(|d| (d.name.as_str(), d.dev, d.ours))
            .collect();
        assert_eq!(shape, [("vk-resp", false, true), ("rcgen", true, false)]);
        assert!(super::packages(&serde_json::json!({})).is_err());
        Ok(())
    }
}

//! Where a file stands in the tree, and what follows for the names that it may use. Paths decide,
//! and `#[cfg(test)] mod name;` in another file; nothing is read from manifests.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};

use super::tokens;

/// Crates that are built without the standard library.
const PURE: [&str; 5] = ["spec", "resp", "mem", "data", "engine"];
/// Crates that talk to the operating system.
const SHELL: [&str; 3] = ["server", "vkctl", "xtask"];
/// Top folders that hold checks only.
const HARNESSES: [&str; 4] = ["tests", "compat-suite", "fuzz", "proofs"];
/// Folders of a crate that Cargo builds for its tests alone.
const TEST_FOLDERS: [&str; 3] = ["tests", "benches", "examples"];

/// What a file may do, from its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// May name files, sockets, threads, clocks and the environment.
    pub(super) host: bool,
    /// May say `unsafe`.
    pub(super) raw: bool,
    /// Is the root of a crate that must say `no_std`.
    pub(super) pure_root: bool,
}

impl Place {
    /// The place of `path`; `test_modules` are the modules that other files declare for tests.
    pub(super) fn of(path: &Path, test_modules: &BTreeSet<PathBuf>) -> Self {
        let parts = parts(path);
        let (top, krate) = (parts.first().copied(), parts.get(1).copied());
        let within = |list: &[&str], name: Option<&str>| name.is_some_and(|n| list.contains(&n));
        let in_crates = top == Some("crates");
        let of_tests = within(&TEST_FOLDERS, parts.get(2).copied())
            || path
                .ancestors()
                .any(|a| test_modules.contains(&a.with_extension("")));
        Self {
            host: within(&HARNESSES, top) || in_crates && (within(&SHELL, krate) || of_tests),
            raw: in_crates && krate == Some("mem"),
            pure_root: in_crates
                && within(&PURE, krate)
                && parts.get(2..) == Some(&["src", "lib.rs"]),
        }
    }
}

/// The modules that the file `path` declares as `#[cfg(test)] mod name;`, as paths without the
/// extension: `a/lib.rs` with `mod tests;` yields `a/tests`, `a/b.rs` yields `a/b/tests`.
pub(super) fn test_modules(path: &Path, text: &str) -> Vec<PathBuf> {
    let Ok(stream) = TokenStream::from_str(text) else {
        return Vec::new();
    };
    let folder = match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("lib" | "main" | "mod") => path.parent().map(Path::to_path_buf),
        _ => Some(path.with_extension("")),
    };
    let Some(folder) = folder else {
        return Vec::new();
    };
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut found = Vec::new();
    let mut index = 0;
    while index < trees.len() {
        let Some(end) = tokens::test_item_end(&trees, index) else {
            index += 1;
            continue;
        };
        if let Some(name) = declared(trees.get(index..end).unwrap_or_default()) {
            found.push(folder.join(name));
        }
        index = end;
    }
    found
}

/// The name in an item that ends with `mod name;`.
fn declared(item: &[TokenTree]) -> Option<String> {
    match item {
        [
            ..,
            TokenTree::Ident(word),
            TokenTree::Ident(name),
            TokenTree::Punct(end),
        ] if word == "mod" && end.as_char() == ';' => Some(name.to_string()),
        _ => None,
    }
}

fn parts(path: &Path) -> Vec<&str> {
    path.components()
        .filter_map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str) -> Place {
        Place::of(
            Path::new(path),
            &BTreeSet::from([PathBuf::from("crates/data/src/set/tests")]),
        )
    }

    #[test]
    fn host_names_belong_to_the_shell_and_to_tests() {
        for path in [
            "crates/server/src/main.rs",
            "crates/vkctl/src/main.rs",
            "crates/xtask/src/tidy.rs",
            "crates/engine/tests/config.rs",
            "crates/data/src/set/tests.rs",
            "crates/data/src/set/tests/more.rs",
            "tests/src/lib.rs",
            "compat-suite/src/main.rs",
            "fuzz/fuzz_targets/request_parser.rs",
            "proofs/src/resp.rs",
        ] {
            assert!(place(path).host, "{path}");
        }
        for path in [
            "crates/engine/src/lib.rs",
            "crates/net/src/tests.rs",
            "crates/model/src/lib.rs",
            "crates/data/src/set.rs",
            "crates/data/src/tests/set.rs",
        ] {
            assert!(!place(path).host, "{path}");
        }
    }

    #[test]
    fn one_crate_may_be_unsafe() {
        assert!(place("crates/mem/src/alloc.rs").raw);
        assert!(!place("crates/memory/src/alloc.rs").raw);
        assert!(!place("crates/data/src/mem/alloc.rs").raw);
        assert!(!place("tests/src/mem.rs").raw);
    }

    #[test]
    fn roots_of_pure_crates() {
        assert!(place("crates/engine/src/lib.rs").pure_root);
        assert!(!place("crates/engine/src/cmd/lib.rs").pure_root);
        assert!(!place("crates/net/src/lib.rs").pure_root);
    }

    #[test]
    fn modules_declared_for_tests() {
        let declares = |path: &str, text: &str| test_modules(Path::new(path), text);
        let text = "mod a; #[cfg(test)] mod b; #[cfg(test)] mod c {} mod d;";
        assert_eq!(declares("x/lib.rs", text), [PathBuf::from("x/b")]);
        assert_eq!(declares("x/y.rs", text), [PathBuf::from("x/y/b")]);
        let text = "#[cfg(test)] #[expect(clippy::unwrap_used, reason = \"tests\")] mod tests;";
        assert_eq!(declares("x/y.rs", text), [PathBuf::from("x/y/tests")]);
        assert_eq!(
            declares("x/y.rs", "#[cfg(not(test))] mod z;"),
            Vec::<PathBuf>::new()
        );
    }
}

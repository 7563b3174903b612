//! Each rule over tokens is shown failing, and its nearest allowed neighbour passing.

use super::*;

const PURE: Place = Place {
    host: false,
    raw: false,
    pure_root: false,
};
const SHELL: Place = Place { host: true, ..PURE };
const RAW: Place = Place { raw: true, ..PURE };
const ROOT: Place = Place {
    pure_root: true,
    ..PURE
};

fn found(place: Place, text: &str) -> Vec<String> {
    check(&place, text)
        .into_iter()
        .map(|f| format!("{}: {}", f.line, f.what))
        .collect()
}

fn clean(place: Place, text: &str) {
    assert_eq!(found(place, text), Vec::<String>::new(), "{text}");
}

fn only(place: Place, text: &str, what: &str) {
    assert_eq!(found(place, text), [what], "{text}");
}

/// A function whose text is `lines` lines long.
fn function(lines: usize) -> String {
    format!("fn long() {{\n{}}}\n", "    step();\n".repeat(lines - 2))
}

#[test]
fn text_that_is_not_rust() {
    let findings = found(PURE, "fn f() {\n    \"open\n");
    assert_eq!(findings.len(), 1);
    assert!(findings[0].contains("not Rust"), "{findings:?}");
}

#[test]
fn length_of_functions() {
    clean(PURE, &function(70));
    only(
        PURE,
        &function(71),
        "1: fn long of 71 lines, 70 are allowed",
    );
    // Attributes and comments in front do not count.
    clean(PURE, &format!("/// Long.\n#[inline]\n{}", function(70)));
    // Within impl blocks, nested functions and macros.
    only(
        PURE,
        &format!("impl A {{\n{}}}", function(71)),
        "2: fn long of 71 lines, 70 are allowed",
    );
    only(
        PURE,
        &format!("check! {{\n{}}}", function(71)),
        "2: fn long of 71 lines, 70 are allowed",
    );
    let named = function(71).replace("long", "$name");
    only(
        PURE,
        &format!("m! {{\n{named}}}"),
        "2: fn name of 71 lines, 70 are allowed",
    );
    // A closure counts to its function, a declaration has no body.
    let closure = format!(
        "fn long() {{ let f = || {{\n{}}}; }}",
        "step();\n".repeat(69)
    );
    only(PURE, &closure, "1: fn long of 71 lines, 70 are allowed");
    clean(
        PURE,
        &format!(
            "trait A {{ fn f(); }} struct B {{\n{}}}",
            "x: fn(u8),\n".repeat(80)
        ),
    );
}

#[test]
fn attributes_that_hide_a_failing_test() {
    only(
        PURE,
        "#[ignore] fn f() {}",
        "1: attribute `ignore`: a test runs and passes, or goes",
    );
    let reasoned = "#[ignore = \"slow\"] fn f() {}";
    only(
        PURE,
        reasoned,
        "1: attribute `ignore`: a test runs and passes, or goes",
    );
    let panics = "#[test]\n#[should_panic(expected = \"x\")]\nfn f() {}";
    only(
        PURE,
        panics,
        "2: attribute `should_panic`: a test runs and passes, or goes",
    );
    clean(PURE, "fn ignore() { should_panic(ignore); }");
    clean(PURE, "// #[ignore]\nconst A: &str = \"#[should_panic]\";");
}

#[test]
fn reasons() {
    only(
        PURE,
        "#[allow(dead_code)] fn f() {}",
        "1: `allow(..)` without a reason",
    );
    only(
        PURE,
        "#![allow(dead_code)]",
        "1: `allow(..)` without a reason",
    );
    only(
        PURE,
        "#[expect(dead_code)] fn f() {}",
        "1: `expect(..)` without a reason",
    );
    let nested = "fn f() {\n    #[cfg_attr(test, allow(dead_code))]\n    let a = 1;\n}";
    only(PURE, nested, "2: `allow(..)` without a reason");
    clean(
        PURE,
        "#[allow(dead_code, reason = \"used by tests\")] fn f() {}",
    );
    clean(PURE, "fn f() { policy.allow(client); }");
}

#[test]
fn raw_code() {
    only(
        PURE,
        "fn f() {\n    unsafe { g() }\n}",
        "2: `unsafe` outside crates/mem",
    );
    only(
        SHELL,
        "unsafe impl Send for A {}",
        "1: `unsafe` outside crates/mem",
    );
    only(
        PURE,
        "#[cfg(test)] mod t { unsafe fn f() {} }",
        "1: `unsafe` outside crates/mem",
    );
    clean(RAW, "fn f() { unsafe { g() } }");
    clean(
        PURE,
        "#![forbid(unsafe_code)]\n// unsafe\nconst A: &str = \"unsafe\";",
    );
}

#[test]
fn names_of_the_host() {
    for module in HOST_MODULES {
        let what = format!("1: `std::{module}` outside the shell");
        only(PURE, &format!("use std::{module};"), &what);
        only(PURE, &format!("fn f() {{ ::std::{module}::g() }}"), &what);
        only(PURE, &format!("use std::{{fmt, {module}::x}};"), &what);
        clean(SHELL, &format!("use std::{module};"));
        clean(
            PURE,
            &format!("use std::{{fmt::{module}}}; use core::{module};"),
        );
    }
    only(PURE, "use mio::Poll;", "1: `mio` outside the shell");
    clean(SHELL, "use mio::Poll;");
    clean(PURE, "use std::vec::Vec; fn f() { a.mio }");
}

#[test]
fn names_of_the_host_in_tests() {
    clean(
        PURE,
        "#[cfg(test)] mod tests { use std::fs; fn f() { std::env::var(\"A\") } }",
    );
    clean(PURE, "#[cfg(test)] use std::fs;");
    clean(
        PURE,
        "#[cfg(test)] #[expect(clippy::a, reason = \"tests\")] mod t { use std::fs; }",
    );
    clean(PURE, "#![cfg(test)] use std::fs;");
    clean(PURE, "#[cfg(all(test, unix))] mod t { use std::fs; }");
    let after = "#[cfg(test)] mod t {}\nuse std::fs;";
    only(PURE, after, "2: `std::fs` outside the shell");
    let not = "#[cfg(not(test))] mod t { use std::fs; }";
    only(PURE, not, "1: `std::fs` outside the shell");
}

#[test]
fn roots_of_pure_crates() {
    clean(ROOT, "//! A.\n#![no_std]\n#![forbid(unsafe_code)]\nmod a;");
    clean(
        ROOT,
        "#![cfg_attr(not(test), no_std)]\n#![forbid(unsafe_code)]",
    );
    only(
        ROOT,
        "#![forbid(unsafe_code)]",
        "1: a pure crate says `#![no_std]`",
    );
    only(
        ROOT,
        "#![no_std]",
        "1: a pure crate says `#![forbid(unsafe_code)]`",
    );
    clean(Place { raw: true, ..ROOT }, "#![no_std]");
}

//! Rules over the tokens of a file: length of functions, attributes, `unsafe`, and names of the
//! standard library. Tokens and not a syntax tree, so that the bodies of macros are seen too;
//! comments and the insides of literals are not.

use std::str::FromStr;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

use super::Finding;
use super::place::Place;

/// Longest function, in lines from its name's line to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Parts of the standard library that reach out of the process.
const HOST_MODULES: [&str; 6] = ["env", "fs", "net", "process", "thread", "time"];
/// Attributes that would hide a failing test.
const TEST_ATTRIBUTES: [&str; 2] = ["ignore", "should_panic"];

/// Applies every rule of this file to `text`.
pub(super) fn check(place: &Place, text: &str) -> Vec<Finding> {
    let stream = match TokenStream::from_str(text) {
        Ok(stream) => stream,
        Err(error) => {
            let line = error.span().start().line;
            return vec![Finding::new(line, format!("not Rust: {error}"))];
        }
    };
    let trees: Vec<TokenTree> = stream.into_iter().collect();
    let mut walk = Walk {
        place: *place,
        findings: Vec::new(),
    };
    let test_file = inner_attributes(&trees).any(|attribute| is_cfg_test(&attribute));
    walk.trees(&trees, test_file);
    if place.pure_root {
        walk.check_pure_root(&trees);
    }
    walk.findings
}

/// The end (exclusive) of the item that begins at `start` with `#[cfg(test)]`, perhaps after other
/// attributes; `None` where no such item begins there.
pub(super) fn test_item_end(trees: &[TokenTree], start: usize) -> Option<usize> {
    let mut index = start;
    let mut of_tests = false;
    while let Some(attribute) = attribute_at(trees, index) {
        of_tests |= is_cfg_test(attribute);
        index += 2;
    }
    if !of_tests {
        return None;
    }
    let ends = |tree: &TokenTree| match tree {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        TokenTree::Punct(punct) => punct.as_char() == ';',
        _ => false,
    };
    let rest = trees.get(index..).unwrap_or_default();
    Some(
        rest.iter()
            .position(ends)
            .map_or(trees.len(), |at| index + at + 1),
    )
}

struct Walk {
    place: Place,
    findings: Vec<Finding>,
}

impl Walk {
    /// Walks one level of tokens and, through groups, all below it. `test` says whether the code is
    /// built for tests only.
    fn trees(&mut self, trees: &[TokenTree], test: bool) {
        let mut test_end = 0;
        for (index, tree) in trees.iter().enumerate() {
            if index >= test_end
                && let Some(end) = test_item_end(trees, index)
            {
                test_end = end;
            }
            let test = test || index < test_end;
            self.check_attribute(trees, index);
            self.check_function(trees, index);
            self.check_words(tree);
            if !test && !self.place.host {
                self.check_host_names(trees, index);
            }
            if let TokenTree::Group(group) = tree {
                let below: Vec<TokenTree> = group.stream().into_iter().collect();
                self.trees(&below, test);
            }
        }
    }

    fn find(&mut self, tree: &TokenTree, what: impl Into<String>) {
        self.findings
            .push(Finding::new(tree.span().start().line, what));
    }

    fn check_attribute(&mut self, trees: &[TokenTree], index: usize) {
        let (Some(group), Some(tree)) = (attribute_at(trees, index), trees.get(index)) else {
            return;
        };
        let body: Vec<TokenTree> = group.stream().into_iter().collect();
        let name = body.first().map(ToString::to_string).unwrap_or_default();
        if TEST_ATTRIBUTES.contains(&name.as_str()) {
            self.find(
                tree,
                format!("attribute `{name}`: a test runs and passes, or goes"),
            );
        }
        for pair in unreasoned(&body) {
            self.find(tree, format!("`{pair}(..)` without a reason"));
        }
    }

    fn check_function(&mut self, trees: &[TokenTree], index: usize) {
        let Some((name, last)) = function_at(trees, index) else {
            return;
        };
        let Some(first) = trees.get(index) else {
            return;
        };
        let lines = last + 1 - first.span().start().line;
        if lines > FUNCTION_LINES_MAX {
            let what = format!("fn {name} of {lines} lines, {FUNCTION_LINES_MAX} are allowed");
            self.find(first, what);
        }
    }

    fn check_words(&mut self, tree: &TokenTree) {
        if is_word(tree, "unsafe") && !self.place.raw {
            self.find(tree, "`unsafe` outside crates/mem");
        }
    }

    fn check_host_names(&mut self, trees: &[TokenTree], index: usize) {
        let Some(tree) = trees.get(index) else { return };
        if is_word(tree, "mio") && !follows_path(trees, index) {
            self.find(tree, "`mio` outside the shell");
        }
        if !is_word(tree, "std") || path_separator(trees, index + 1).is_none() {
            return;
        }
        for name in imported(trees.get(index + 3)) {
            if HOST_MODULES.contains(&name.as_str()) {
                self.find(tree, format!("`std::{name}` outside the shell"));
            }
        }
    }

    fn check_pure_root(&mut self, trees: &[TokenTree]) {
        let bodies: Vec<String> = inner_attributes(trees)
            .map(|group| group.stream().to_string().replace(char::is_whitespace, ""))
            .collect();
        if !bodies
            .iter()
            .any(|body| body == "no_std" || body == "cfg_attr(not(test),no_std)")
        {
            self.findings
                .push(Finding::new(1, "a pure crate says `#![no_std]`"));
        }
        if !self.place.raw && !bodies.iter().any(|body| body == "forbid(unsafe_code)") {
            self.findings.push(Finding::new(
                1,
                "a pure crate says `#![forbid(unsafe_code)]`",
            ));
        }
    }
}

/// The bracket group of an attribute, `#[..]` or `#![..]`, whose `#` is at `index`.
fn attribute_at(trees: &[TokenTree], index: usize) -> Option<&Group> {
    if !is_punct(trees.get(index), '#') {
        return None;
    }
    let at = if is_punct(trees.get(index + 1), '!') {
        index + 2
    } else {
        index + 1
    };
    match trees.get(at) {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Bracket => Some(group),
        _ => None,
    }
}

/// The attributes `#![..]` of this level.
fn inner_attributes(trees: &[TokenTree]) -> impl Iterator<Item = Group> + '_ {
    (0..trees.len())
        .filter(|index| is_punct(trees.get(index + 1), '!'))
        .filter_map(|index| attribute_at(trees, index).cloned())
}

/// Whether an attribute's group is `cfg(test)` or `cfg(all(test, ..))`.
fn is_cfg_test(group: &Group) -> bool {
    let body: String = group.stream().to_string().replace(char::is_whitespace, "");
    body == "cfg(test)" || body.starts_with("cfg(all(test,")
}

/// The names among `allow` and `expect` in an attribute that give no reason; those within
/// `cfg_attr(..)` too.
fn unreasoned(body: &[TokenTree]) -> Vec<String> {
    let mut names = Vec::new();
    for (index, tree) in body.iter().enumerate() {
        let TokenTree::Group(group) = tree else {
            continue;
        };
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        let name = index
            .checked_sub(1)
            .and_then(|at| body.get(at))
            .map(ToString::to_string);
        match name.as_deref() {
            Some(name @ ("allow" | "expect"))
                if !inner.iter().any(|word| is_word(word, "reason")) =>
            {
                names.push(name.to_owned());
            }
            Some("cfg_attr") => names.extend(unreasoned(&inner)),
            _ => {}
        }
    }
    names
}

/// The name and the last line of the function whose `fn` is at `index`; `None` for function types
/// and for declarations without a body.
fn function_at(trees: &[TokenTree], index: usize) -> Option<(String, usize)> {
    if !trees.get(index).is_some_and(|tree| is_word(tree, "fn")) {
        return None;
    }
    let name = match trees.get(index + 1)? {
        TokenTree::Ident(name) => name.to_string(),
        // The name is a parameter of the macro around it.
        TokenTree::Punct(punct) if punct.as_char() == '$' => trees.get(index + 2)?.to_string(),
        _ => return None,
    };
    for tree in trees.get(index + 1..)? {
        match tree {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => {
                return Some((name, group.span_close().end().line));
            }
            TokenTree::Punct(punct) if punct.as_char() == ';' => return None,
            _ => {}
        }
    }
    None
}

/// The names that stand directly behind `std::`: one, or those of a braced list.
fn imported(tree: Option<&TokenTree>) -> Vec<String> {
    match tree {
        Some(TokenTree::Ident(name)) => vec![name.to_string()],
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            let first = |at: usize| at == 0 || is_punct(inner.get(at - 1), ',');
            (0..inner.len())
                .filter(|at| first(*at))
                .filter_map(|at| inner.get(at).map(ToString::to_string))
                .collect()
        }
        _ => Vec::new(),
    }
}

fn path_separator(trees: &[TokenTree], index: usize) -> Option<()> {
    (is_punct(trees.get(index), ':') && is_punct(trees.get(index + 1), ':')).then_some(())
}

/// Whether the token at `index` is the later part of a path, a field or a method.
fn follows_path(trees: &[TokenTree], index: usize) -> bool {
    let before = index.checked_sub(1).and_then(|at| trees.get(at));
    is_punct(before, ':') || is_punct(before, '.')
}

fn is_word(tree: &TokenTree, word: &str) -> bool {
    matches!(tree, TokenTree::Ident(ident) if ident == word)
}

fn is_punct(tree: Option<&TokenTree>, wanted: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}

#[cfg(test)]
mod tests;

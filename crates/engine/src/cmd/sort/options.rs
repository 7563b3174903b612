//! The options of SORT, read and not yet carried out.

use alloc::vec::Vec;
use core::ops::Range;

use vk_data::num::parse_i64;
use vk_resp::Request;

use super::pattern::Pattern;
use crate::Error;

/// What SORT is asked for. Of an option that is given twice the last one holds, but for GET.
#[derive(Debug)]
pub(super) struct Options<'r> {
    pub(super) descending: bool,
    /// By text, not by number.
    pub(super) alpha: bool,
    offset: i64,
    count: i64,
    pub(super) by: By<'r>,
    /// What is told of each element; nothing means the element.
    pub(super) gets: Vec<Pattern<'r>>,
    /// The result is stored.
    pub(super) stores: bool,
}

/// What decides the order.
#[derive(Debug, Clone, Copy)]
pub(super) enum By<'r> {
    /// The element.
    Element,
    /// What a key or a field named after the element holds.
    Pattern(Pattern<'r>),
    /// Nothing: elements stay in the order of their collection.
    Nothing,
}

impl<'r> Options<'r> {
    /// Reads the words behind the key. SORT_RO stores nothing.
    pub(super) fn parse(rest: Request<'r>, may_store: bool) -> Result<Self, Error> {
        let mut options = Self {
            descending: false,
            alpha: false,
            offset: 0,
            count: -1,
            by: By::Element,
            gets: Vec::new(),
            stores: false,
        };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
            if is("ASC") {
                options.descending = false;
            } else if is("DESC") {
                options.descending = true;
            } else if is("ALPHA") {
                options.alpha = true;
            } else if is("LIMIT") && words.len() >= 2 {
                let mut number = || words.next().and_then(parse_i64);
                options.offset = number().ok_or(Error::NOT_AN_INTEGER)?;
                options.count = number().ok_or(Error::NOT_AN_INTEGER)?;
            } else if may_store && is("STORE") && words.len() >= 1 {
                // Which key that is, the key specs have found out.
                words.next();
                options.stores = true;
            } else if is("BY") {
                options.by = match Pattern::new(words.next().ok_or(Error::SYNTAX)?) {
                    Pattern::Constant => By::Nothing,
                    // Not even `#` is special here.
                    Pattern::Element => By::Nothing,
                    pattern => By::Pattern(pattern),
                };
            } else if is("GET") {
                let word = words.next().ok_or(Error::SYNTAX)?;
                options.gets.push(Pattern::new(word));
            } else {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// The part of `len` sorted elements that is wanted.
    pub(super) fn window(&self, len: usize) -> Range<usize> {
        let within = |number: i64| usize::try_from(number.max(0)).map_or(len, |n| n.min(len));
        let start = within(self.offset);
        let end = if self.count < 0 {
            len
        } else {
            start.saturating_add(within(self.count)).min(len)
        };
        start..end
    }
}

//! Keys and fields that are named after an element: the patterns of BY and GET.

use alloc::vec::Vec;

use vk_data::{hash::HashRef, value::StrRef, value::View};
use vk_spec::KeyFlags;

use crate::{Error, ctx::ReadCtx};

/// A pattern, taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Pattern<'r> {
    /// `#`: the element itself.
    Element,
    /// Without a `*` it names no key of an element.
    Constant,
    /// The element between two texts is the key of a string, or of a hash with this field.
    Key {
        before: &'r [u8],
        after: &'r [u8],
        field: Option<&'r [u8]>,
    },
}

impl<'r> Pattern<'r> {
    /// Takes a pattern apart.
    pub(super) fn new(word: &'r [u8]) -> Self {
        if word == b"#" {
            return Self::Element;
        }
        let Some(star) = word.iter().position(|byte| *byte == b'*') else {
            return Self::Constant;
        };
        let (before, rest) = word.split_at(star);
        let rest = rest.get(1..).unwrap_or_default();
        // An arrow at the end belongs to the key.
        let arrow = rest.windows(2).position(|pair| pair == b"->");
        let arrow = arrow.filter(|at| at + 2 < rest.len());
        let (after, field) = match arrow {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 2..)),
            None => (rest, None),
        };
        Self::Key {
            before,
            after,
            field,
        }
    }

    /// Hands `take` what the pattern names for `element`; `name` is room for the key.
    pub(super) fn look_up<R>(
        &self,
        ctx: &mut ReadCtx<'_>,
        element: &[u8],
        name: &mut Vec<u8>,
        take: impl FnOnce(Option<StrRef<'_>>) -> R,
    ) -> Result<R, Error> {
        let (before, after, field) = match self {
            Self::Element => return Ok(take(Some(StrRef::Bytes(element)))),
            Self::Constant => return Ok(take(None)),
            Self::Key {
                before,
                after,
                field,
            } => (before, after, field),
        };
        name.clear();
        for part in [before, element, after] {
            name.extend_from_slice(part);
        }
        let key = ctx.authorize_derived(name, KeyFlags::RO.union(KeyFlags::ACCESS))?;
        let now_ms = ctx.now_ms();
        let entry = ctx.lookup(key);
        Ok(take(match field {
            None => entry.and_then(|entry| entry.str()),
            Some(field) => entry
                .and_then(HashRef::of)
                .and_then(|hash| hash.get(field, now_ms)),
        }))
    }
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::String};

    use super::Pattern;

    fn shown(word: &str) -> String {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match Pattern::new(word.as_bytes()) {
            Pattern::Element => "element".into(),
            Pattern::Constant => "constant".into(),
            Pattern::Key {
                before,
                after,
                field,
            } => format!("{}|{}|{:?}", text(before), text(after), field.map(text)),
        }
    }

    #[test]
    fn patterns_are_taken_apart() {
        assert_eq!(shown("#"), "element");
        assert_eq!(shown("nosort"), "constant");
        assert_eq!(shown("a->b"), "constant");
        assert_eq!(shown("w_*"), "w_||None");
        assert_eq!(shown("w_*_x*"), "w_|_x*|None");
        assert_eq!(shown("h:*->f"), "h:||Some(\"f\")");
        assert_eq!(shown("h:*:x->f->g"), "h:|:x|Some(\"f->g\")");
        assert_eq!(shown("a->b*"), "a->b||None");
        assert_eq!(shown("h:*->"), "h:|->|None");
        assert_eq!(shown("*"), "||None");
    }
}

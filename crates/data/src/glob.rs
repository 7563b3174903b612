//! Glob patterns as KEYS, SCAN MATCH, PSUBSCRIBE and CONFIG GET understand them.
//!
//! `*` any run, `?` one byte, `[abc]`, `[^a]`, `[a-z]` one byte of a class, `\x` the byte x itself.
//! Not a path glob: `/` is a byte like any other, and there are no alternatives in braces.
//!
//! Peculiarities of the wire contract that are kept on purpose:
//! - An empty text is matched by the empty pattern alone, not by `*`. (The keyspace commands treat
//!   a pattern that is exactly `*` as "no filter"; [`Glob::is_unfiltered`] is for them.)
//! - A class without `]` ends with the pattern. `[]` matches nothing, `[^]` and `[^` any byte.
//! - In a class a range takes any byte as its end, `]` and `\` too; reversed ends are swapped.
//! - A backslash at the very end stands for itself. In a class an escaped byte is compared exactly,
//!   even when case is ignored.
//! - A pattern with more than [`STARS_MAX`] stars in its middle matches nothing.
//!
//! Bytes compare as unsigned, on every platform. The matcher is iterative and takes at most
//! O(pattern * text) steps and no memory.

/// Runs of `*` followed by something else that a pattern may hold and still match.
pub const STARS_MAX: usize = 1_000;

/// Whether letters of different case are equal (ASCII only).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// `a` and `A` differ.
    Sensitive,
    /// `a` and `A` are equal.
    Insensitive,
}

/// A pattern that was looked at once, to be matched against many texts.
#[derive(Clone, Copy, Debug)]
pub struct Glob<'p> {
    pattern: &'p [u8],
    case: Case,
    shape: Shape<'p>,
}

/// The shapes that need no matcher.
#[derive(Clone, Copy, Debug)]
enum Shape<'p> {
    Literal,
    Prefix(&'p [u8]),
    General,
}

impl<'p> Glob<'p> {
    /// Looks at `pattern`; never fails, every byte string is a pattern.
    #[must_use]
    pub fn new(pattern: &'p [u8], case: Case) -> Self {
        let shape = match pattern.iter().position(|&b| is_special(b)) {
            None => Shape::Literal,
            Some(at) => match pattern.split_at_checked(at) {
                Some((head, tail)) if tail.iter().all(|&b| b == b'*') => Shape::Prefix(head),
                _ => Shape::General,
            },
        };
        Self {
            pattern,
            case,
            shape,
        }
    }

    /// Whether `text` matches.
    #[must_use]
    pub fn is_match(&self, text: &[u8]) -> bool {
        match (self.shape, self.case) {
            (Shape::Literal, Case::Sensitive) => self.pattern == text,
            (Shape::Literal, Case::Insensitive) => self.pattern.eq_ignore_ascii_case(text),
            (Shape::Prefix(head), Case::Sensitive) => !text.is_empty() && text.starts_with(head),
            (Shape::Prefix(head), Case::Insensitive) => {
                !text.is_empty()
                    && text
                        .get(..head.len())
                        .is_some_and(|t| t.eq_ignore_ascii_case(head))
            }
            (Shape::General, case) => Matcher::new(self.pattern, text, case).run(),
        }
    }

    /// Whether the pattern is exactly `*`, which KEYS and SCAN take as "every key", the empty one
    /// included.
    #[must_use]
    pub fn is_unfiltered(&self) -> bool {
        self.pattern == b"*"
    }

    /// The only text that can match, if the pattern has no special byte and case matters.
    #[must_use]
    pub fn literal(&self) -> Option<&'p [u8]> {
        match (self.shape, self.case) {
            (Shape::Literal, Case::Sensitive) => Some(self.pattern),
            _ => None,
        }
    }
}

/// Whether `text` matches `pattern`, letters of different case being different.
#[must_use]
pub fn glob_match(pattern: &[u8], text: &[u8]) -> bool {
    Glob::new(pattern, Case::Sensitive).is_match(text)
}

/// Whether `text` matches `pattern`, ASCII case ignored.
#[must_use]
pub fn glob_match_nocase(pattern: &[u8], text: &[u8]) -> bool {
    Glob::new(pattern, Case::Insensitive).is_match(text)
}

/// What every text that matches `pattern` begins with: the bytes before the first special one.
#[must_use]
pub fn literal_prefix(pattern: &[u8]) -> &[u8] {
    let end = pattern.iter().position(|&byte| is_special(byte));
    end.and_then(|end| pattern.get(..end)).unwrap_or(pattern)
}

/// Bytes that begin something other than themselves.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'\\')
}

/// The state of one match: two cursors, and the last star to fall back to. Only the last star ever
/// needs another try: what an earlier star could still swallow, the later one can swallow too.
struct Matcher<'a> {
    pattern: &'a [u8],
    text: &'a [u8],
    case: Case,
    at_pattern: usize,
    at_text: usize,
    /// Position behind the last star in the pattern, and where in the text its rest was tried.
    star: Option<(usize, usize)>,
    stars: usize,
}

impl<'a> Matcher<'a> {
    const fn new(pattern: &'a [u8], text: &'a [u8], case: Case) -> Self {
        Self {
            pattern,
            text,
            case,
            at_pattern: 0,
            at_text: 0,
            star: None,
            stars: 0,
        }
    }

    fn run(mut self) -> bool {
        if self.text.is_empty() {
            return self.pattern.is_empty();
        }
        while let Some(&byte) = self.text.get(self.at_text) {
            if self.pattern.get(self.at_pattern) == Some(&b'*') {
                self.skip_stars();
                if self.at_pattern == self.pattern.len() {
                    return true;
                }
                self.stars += 1;
                if self.stars > STARS_MAX {
                    return false;
                }
                self.star = Some((self.at_pattern, self.at_text));
                if !self.seek() {
                    return false;
                }
                continue;
            }
            match self.step(byte) {
                Some(next) => {
                    self.at_pattern = next;
                    self.at_text += 1;
                }
                None => {
                    if !self.retry() {
                        return false;
                    }
                }
            }
        }
        self.skip_stars();
        self.at_pattern == self.pattern.len()
    }

    fn skip_stars(&mut self) {
        while self.pattern.get(self.at_pattern) == Some(&b'*') {
            self.at_pattern += 1;
        }
    }

    /// Lets the last star swallow one more byte. False when there is none, or no text is left.
    fn retry(&mut self) -> bool {
        let Some((behind, tried)) = self.star else {
            return false;
        };
        self.at_pattern = behind;
        self.at_text = tried + 1;
        self.star = Some((behind, self.at_text));
        self.seek()
    }

    /// Behind a star: moves to the next byte that can begin the rest. False when there is none.
    fn seek(&mut self) -> bool {
        let Some(rest) = self.text.get(self.at_text..) else {
            return false;
        };
        let Some(&first) = self.pattern.get(self.at_pattern) else {
            return false;
        };
        if rest.is_empty() {
            return false;
        }
        if is_special(first) {
            return true;
        }
        let found = match self.case {
            Case::Sensitive => rest.iter().position(|&b| b == first),
            Case::Insensitive => rest.iter().position(|&b| b.eq_ignore_ascii_case(&first)),
        };
        let Some(skip) = found else { return false };
        self.at_text += skip;
        self.star = Some((self.at_pattern, self.at_text));
        true
    }

    /// Matches one byte against the element under the cursor: the position behind that element.
    fn step(&self, byte: u8) -> Option<usize> {
        let at = self.at_pattern;
        let matched = match *self.pattern.get(at)? {
            b'?' => return Some(at + 1),
            b'[' => return self.class(at + 1, byte),
            b'\\' => match self.pattern.get(at + 1) {
                Some(&escaped) => return self.equal(escaped, byte).then_some(at + 2),
                None => self.equal(b'\\', byte),
            },
            literal => self.equal(literal, byte),
        };
        matched.then_some(at + 1)
    }

    /// Matches one byte against the class that begins behind the bracket at `at`.
    fn class(&self, mut at: usize, byte: u8) -> Option<usize> {
        let negated = self.pattern.get(at) == Some(&b'^');
        at += usize::from(negated);
        let mut found = false;
        loop {
            match self.pattern.get(at..) {
                Some([b'\\', escaped, ..]) => {
                    found |= *escaped == byte;
                    at += 2;
                }
                Some([b']', ..]) => {
                    at += 1;
                    break;
                }
                Some([low, b'-', high, ..]) => {
                    found |= self.in_range(*low, *high, byte);
                    at += 3;
                }
                Some([literal, ..]) => {
                    found |= self.equal(*literal, byte);
                    at += 1;
                }
                _ => break,
            }
        }
        (found != negated).then_some(at)
    }

    /// The ends are swapped before they are folded: `[Z-a]` without case is therefore empty.
    fn in_range(&self, low: u8, high: u8, byte: u8) -> bool {
        let (low, high) = if low > high { (high, low) } else { (low, high) };
        match self.case {
            Case::Sensitive => (low..=high).contains(&byte),
            Case::Insensitive => (low.to_ascii_lowercase()..=high.to_ascii_lowercase())
                .contains(&byte.to_ascii_lowercase()),
        }
    }

    const fn equal(&self, left: u8, right: u8) -> bool {
        match self.case {
            Case::Sensitive => left == right,
            Case::Insensitive => left.eq_ignore_ascii_case(&right),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    /// The semantics as a recursion: what the first element of the pattern may consume.
    fn naive(pattern: &[u8], text: &[u8], fold: bool) -> bool {
        if text.is_empty() {
            return pattern.is_empty();
        }
        naive_rest(pattern, text, fold)
    }

    fn naive_rest(pattern: &[u8], text: &[u8], fold: bool) -> bool {
        let lower = |b: u8| if fold { b.to_ascii_lowercase() } else { b };
        match (pattern, text) {
            ([], _) => text.is_empty(),
            ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| naive_rest(rest, &text[n..], fold)),
            (_, []) => false,
            ([b'?', rest @ ..], [_, tail @ ..]) => naive_rest(rest, tail, fold),
            ([b'[', rest @ ..], [byte, tail @ ..]) => {
                let (set, rest) = naive_class(rest, fold);
                set[usize::from(*byte)] && naive_rest(rest, tail, fold)
            }
            ([b'\\', c, rest @ ..] | [c, rest @ ..], [byte, tail @ ..]) => {
                lower(*c) == lower(*byte) && naive_rest(rest, tail, fold)
            }
        }
    }

    /// The set of bytes of a class, and the pattern behind it.
    fn naive_class(mut rest: &[u8], fold: bool) -> (Vec<bool>, &[u8]) {
        let mut set = vec![false; 256];
        let lower = |b: u8| if fold { b.to_ascii_lowercase() } else { b };
        let negated = rest.first() == Some(&b'^');
        if negated {
            rest = &rest[1..];
        }
        while !rest.is_empty() && rest[0] != b']' {
            let taken = if rest[0] == b'\\' && rest.len() >= 2 {
                set[usize::from(rest[1])] = true;
                2
            } else if rest.len() >= 3 && rest[1] == b'-' {
                let (low, high) = (rest[0].min(rest[2]), rest[0].max(rest[2]));
                for b in 0..=255u8 {
                    set[usize::from(b)] |= lower(low) <= lower(b) && lower(b) <= lower(high);
                }
                3
            } else {
                for b in 0..=255u8 {
                    set[usize::from(b)] |= lower(b) == lower(rest[0]);
                }
                1
            };
            rest = &rest[taken..];
        }
        if negated {
            set.iter_mut().for_each(|bit| *bit = !*bit);
        }
        (set, rest.get(1..).unwrap_or_default())
    }

    #[test]
    fn table() {
        let yes: &[(&[u8], &[u8])] = &[
            (b"h?llo", b"hello"),
            (b"h*llo", b"heeeello"),
            (b"h[^e]llo", b"hallo"),
            (b"h[a-b]llo", b"hbllo"),
            (b"h[z-a]llo", b"hmllo"),
            (b"a*", b"a"),
            (b"a***", b"a"),
            (b"\\*x", b"*x"),
            (b"x\\", b"x\\"),
            (b"[^", b"q"),
            (b"[^]", b"q"),
            (b"[a", b"a"),
            (b"[a-]", b"^"),
            (b"[\\]]", b"]"),
            (b"", b""),
            (b"*a*b*c", b"zzazzbzzbc"),
        ];
        for (pattern, text) in yes {
            assert!(glob_match(pattern, text), "{pattern:?} {text:?}");
        }
        let no: &[(&[u8], &[u8])] = &[
            (b"*", b""),
            (b"**", b""),
            (b"?", b""),
            (b"[]", b"]"),
            (b"[", b"["),
            (b"h[^e]llo", b"hello"),
            (b"a", b"A"),
            (b"*a", b"b"),
            (b"a*b", b"a"),
        ];
        for (pattern, text) in no {
            assert!(!glob_match(pattern, text), "{pattern:?} {text:?}");
        }
        assert!(glob_match_nocase(b"HeL*[X-Z]", b"hello y"));
        assert!(!glob_match_nocase(b"[\\A]", b"a"));
        assert!(Glob::new(b"*", Case::Sensitive).is_unfiltered());
        assert_eq!(
            Glob::new(b"ab", Case::Sensitive).literal(),
            Some(&b"ab"[..])
        );
    }

    #[test]
    fn too_many_stars_match_nothing() {
        let text = vec![b'a'; 5_000];
        assert!(glob_match(&b"*?".repeat(STARS_MAX), &text));
        assert!(!glob_match(&b"*?".repeat(STARS_MAX + 1), &text));
    }

    #[test]
    fn hostile_pattern_is_quick() {
        let text = vec![b'a'; 20_000];
        let mut pattern = b"*a".repeat(900);
        pattern.push(b'b');
        assert!(!glob_match(&pattern, &text));
    }

    fn piece() -> impl Strategy<Value = u8> {
        prop::sample::select(&b"*?[]^-\\abcABZ*?[z\xff\x80"[..])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn equals_the_recursion(
            pattern in prop::collection::vec(piece(), 0..12),
            text in prop::collection::vec(prop::sample::select(&b"aabbcABZz]^-\\[\xff"[..]), 0..9),
        ) {
            prop_assert_eq!(glob_match(&pattern, &text), naive(&pattern, &text, false));
            prop_assert_eq!(glob_match_nocase(&pattern, &text), naive(&pattern, &text, true));
        }

        #[test]
        fn never_panics(pattern: Vec<u8>, text: Vec<u8>) {
            let _ = glob_match(&pattern, &text);
            let _ = glob_match_nocase(&pattern, &text);
        }
    }
}

//! The grammar of a command's arguments, as `COMMAND DOCS` tells it.
//!
//! A description for people, completion and generators of requests; handlers parse by themselves.

use bitflags::bitflags;

bitflags! {
    /// How often and in which form an argument appears.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct ArgFlags: u8 {
        /// May be left out.
        const OPTIONAL = 1;
        /// May be given several times.
        const MULTIPLE = 1 << 1;
        /// Its token is repeated with it.
        const MULTIPLE_TOKEN = 1 << 2;
    }
}

/// What an argument is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ArgKind {
    /// Any bytes.
    String,
    /// A decimal 64-bit integer.
    Integer,
    /// A floating-point number.
    Double,
    /// The name of a key, found by this key spec.
    Key(u8),
    /// A glob pattern.
    Pattern,
    /// A Unix time.
    UnixTime,
    /// The token alone.
    PureToken,
    /// Exactly one of the inner arguments.
    OneOf(&'static [ArgSpec]),
    /// All of the inner arguments in order.
    Block(&'static [ArgSpec]),
}

/// One argument of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ArgSpec {
    /// Name, unique among its siblings.
    pub name: &'static str,
    /// Text shown instead of the name, or empty.
    pub display: &'static str,
    /// Kind, with the inner arguments of a group.
    pub kind: ArgKind,
    /// Number of the key spec that finds the keys which it names; of [`ArgKind::Key`] the kind
    /// says it.
    pub key_spec: Option<u8>,
    /// Literal that stands before the value, or empty (which is a token too: see `has_token`).
    pub token: Option<&'static str>,
    /// First version that has it, or empty for the command's own.
    pub since: &'static str,
    /// Version that deprecated it, or empty.
    pub deprecated_since: &'static str,
    /// How often it appears.
    pub flags: ArgFlags,
}

impl ArgSpec {
    const fn new(name: &'static str, kind: ArgKind) -> Self {
        Self {
            name,
            display: "",
            kind,
            key_spec: None,
            token: None,
            since: "",
            deprecated_since: "",
            flags: ArgFlags::empty(),
        }
    }

    /// Any bytes.
    #[must_use]
    pub const fn string(name: &'static str) -> Self {
        Self::new(name, ArgKind::String)
    }

    /// A decimal integer.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, ArgKind::Integer)
    }

    /// A floating-point number.
    #[must_use]
    pub const fn double(name: &'static str) -> Self {
        Self::new(name, ArgKind::Double)
    }

    /// A key, found by key spec number `spec`.
    #[must_use]
    pub const fn key(name: &'static str, spec: u8) -> Self {
        Self::new(name, ArgKind::Key(spec))
    }

    /// A glob pattern.
    #[must_use]
    pub const fn pattern(name: &'static str) -> Self {
        Self::new(name, ArgKind::Pattern)
    }

    /// A glob pattern of keys, found by key spec number `spec`.
    #[must_use]
    pub const fn key_pattern(name: &'static str, spec: u8) -> Self {
        let mut pattern = Self::pattern(name);
        pattern.key_spec = Some(spec);
        pattern
    }

    /// A Unix time.
    #[must_use]
    pub const fn unix_time(name: &'static str) -> Self {
        Self::new(name, ArgKind::UnixTime)
    }

    /// A literal by itself.
    #[must_use]
    pub const fn pure_token(name: &'static str, token: &'static str) -> Self {
        Self::new(name, ArgKind::PureToken).token(token)
    }

    /// Exactly one of `inner`.
    #[must_use]
    pub const fn one_of(name: &'static str, inner: &'static [Self]) -> Self {
        Self::new(name, ArgKind::OneOf(inner))
    }

    /// All of `inner` in order.
    #[must_use]
    pub const fn block(name: &'static str, inner: &'static [Self]) -> Self {
        Self::new(name, ArgKind::Block(inner))
    }

    /// With a literal before the value.
    #[must_use]
    pub const fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }

    /// With another text to show.
    #[must_use]
    pub const fn display(mut self, display: &'static str) -> Self {
        self.display = display;
        self
    }

    /// Since this version.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.since = version;
        self
    }

    /// Deprecated since this version.
    #[must_use]
    pub const fn deprecated_since(mut self, version: &'static str) -> Self {
        self.deprecated_since = version;
        self
    }

    /// May be left out.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.flags = self.flags.union(ArgFlags::OPTIONAL);
        self
    }

    /// May be repeated.
    #[must_use]
    pub const fn multiple(mut self) -> Self {
        self.flags = self.flags.union(ArgFlags::MULTIPLE);
        self
    }

    /// Is repeated together with its token.
    #[must_use]
    pub const fn multiple_token(mut self) -> Self {
        self.flags = self.flags.union(ArgFlags::MULTIPLE_TOKEN);
        self
    }

    /// The fewest words that this argument takes on the wire.
    #[must_use]
    pub const fn words_min(&self) -> usize {
        if self.flags.contains(ArgFlags::OPTIONAL) {
            return 0;
        }
        let token = self.token.is_some() as usize;
        match self.kind {
            ArgKind::PureToken => 1,
            ArgKind::Block(inner) => token + words_min_of_all(inner),
            ArgKind::OneOf(inner) => token + words_min_of_any(inner),
            _ => token + 1,
        }
    }
}

/// The fewest words that a list of arguments takes.
#[must_use]
pub(crate) const fn words_min_of_all(mut args: &[ArgSpec]) -> usize {
    let mut sum = 0;
    while let [first, rest @ ..] = args {
        sum += first.words_min();
        args = rest;
    }
    sum
}

const fn words_min_of_any(mut args: &[ArgSpec]) -> usize {
    let mut least = usize::MAX;
    while let [first, rest @ ..] = args {
        let words = first.words_min();
        if words < least {
            least = words;
        }
        args = rest;
    }
    if least == usize::MAX { 0 } else { least }
}

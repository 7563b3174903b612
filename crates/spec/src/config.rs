//! What one configuration directive is: its name, the values that it takes, who may change it
//! when, and whether this version does what it asks for.
//!
//! Not the table of directives and not their current values: both are the engine's.

/// One directive, as data. Feeds the file loader, CONFIG GET, SET and REWRITE and the reference.
#[derive(Clone, Copy, Debug)]
pub struct ConfigSpec {
    /// The name that CONFIG REWRITE writes.
    pub name: &'static str,
    /// A second name that is accepted, and listed by CONFIG GET, like the first.
    pub alias: Option<&'static str>,
    /// The values that it takes.
    pub kind: ConfigKind,
    /// The value of a server that was told nothing, in the form that CONFIG SET takes.
    pub default: &'static str,
    /// The default of the strict profile, where it differs.
    pub default_strict: Option<&'static str>,
    /// Whether it may change while the server runs.
    pub mutability: Mutability,
    /// CONFIG SET is subject to `enable-protected-configs`.
    pub protected: bool,
    /// CONFIG GET answers it to its exact name only, never to a pattern.
    pub hidden: bool,
    /// The value is a secret: never logged, never part of an error.
    pub sensitive: bool,
    /// It takes several words, in the file and in one argument of CONFIG SET.
    pub multi_word: bool,
    /// It may stand on several lines that add up, or that stand for different things.
    pub multi_line: bool,
    /// CONFIG SET is refused while data is being loaded.
    pub deny_loading: bool,
    /// The value names something outside (a file): setting it again to the same value means
    /// "read it again".
    pub volatile: bool,
    /// What this version does about it.
    pub state: ConfigState,
    /// Who has to act when it changes.
    pub actor: Actor,
    /// One sentence for the reference.
    pub summary: &'static str,
    /// What to do when this version does not act on a value; empty when it always does.
    pub cure: &'static str,
}

/// The shape of a directive's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigKind {
    /// `yes` or `no`.
    Bool,
    /// One name of a list; names of equal number are synonyms and the first is answered.
    Enum(&'static [(&'static str, i64)]),
    /// Several names of a list, a bit each; the name of 0 stands for none.
    Flags(&'static [(&'static str, i64)]),
    /// A whole number.
    Int {
        /// The smallest value; for [`IntUnit::MemoryOrPercent`] minus the greatest percentage.
        min: i128,
        /// The greatest value.
        max: i128,
        /// How it is written.
        unit: IntUnit,
    },
    /// A text; see [`TextRule`] for what is refused.
    Text(TextRule),
    /// A structure of its own.
    Special(Special),
}

/// How a whole number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntUnit {
    /// Decimal digits.
    Plain,
    /// Bytes, with an optional `b`, `k`, `kb`, `m`, `mb`, `g`, `gb`.
    Memory,
    /// Bytes as above, or a percentage such as `5%`, kept as a negative number.
    MemoryOrPercent,
    /// Octal digits, as in file modes.
    Octal,
}

/// What a text must satisfy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextRule {
    /// Anything; the empty text means that nothing is set, and the line is not kept.
    Optional,
    /// Anything; the empty text is a value like others.
    Any,
    /// Not empty.
    NotEmpty,
    /// Not empty, and no path: a plain file name.
    FileName,
    /// Not empty, and no path: a plain folder name.
    FolderName,
    /// Empty, or an IPv4 address.
    Ipv4,
    /// Empty, or an IPv6 address.
    Ipv6,
    /// Empty, or a host name.
    HostName,
    /// Empty, or a display name of a cluster node.
    NodeName,
    /// A template of the process title.
    TitleTemplate,
}

/// Values with a grammar of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Special {
    /// A folder; relative to the folder that was current before.
    Folder,
    /// Pairs of seconds and changes.
    Save,
    /// Groups of class, hard limit, soft limit, soft seconds.
    OutputLimits,
    /// Three numbers of -2000 to 2000.
    OomScores,
    /// Letters of keyspace event classes.
    Events,
    /// Up to [`WORDS_MAX`] words: addresses to listen on.
    Addresses,
    /// Any number of words.
    Words,
    /// `host port`, or `no one`.
    Primary,
    /// Numbers of 0 to 100.
    Percentiles,
    /// Only a line of the file, not a value: CONFIG GET and SET do not know it.
    LineOnly,
}

/// How many addresses `bind` takes.
pub const WORDS_MAX: usize = 16;

/// Whether a directive may change while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutability {
    /// CONFIG SET changes it.
    Mutable,
    /// It is decided at start.
    Immutable,
}

/// What this version does about a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigState {
    /// It does what the directive says, or the directive asks for something that holds anyway.
    Implemented,
    /// Not acted upon; only speed or comfort depends on it. Another value than the default is
    /// accepted with a warning.
    Tunes,
    /// Not acted upon, and durability, access or memory depend on it. Another value than the
    /// default is refused by the strict profile and warned of loudly by the compatible one.
    Guards,
}

/// Who has to act when a directive changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Nobody: it is read where it is used.
    Reader,
    /// The engine keeps something derived from it.
    Engine,
    /// The shell around the engine, which may fail; the change is then taken back.
    Shell(ShellArea),
}

/// The parts of the shell that hold something derived from the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum ShellArea {
    /// Listening sockets: addresses and ports.
    Listeners,
    /// TLS material and parameters.
    Tls,
    /// Level, format and place of the log.
    Log,
    /// The number of clients, and the descriptors that they need.
    MaxClients,
    /// Options of accepted sockets.
    Sockets,
    /// The turn of the event loop: timers, fairness.
    Loop,
    /// The working folder.
    Folder,
    /// Title, scores and other properties of the process.
    Process,
    /// The append-only file.
    AppendOnly,
}

/// The two sets of defaults and refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Refuses what is not safe.
    Strict,
    /// Takes what Valkey takes, and warns.
    Compatible,
}

impl Profile {
    /// The word of the `security-profile` directive.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "strict",
            Self::Compatible => "compatible",
        }
    }
}

impl ConfigSpec {
    /// A directive that is mutable, implemented, read where it is used, and not special in any way.
    #[must_use]
    pub const fn new(name: &'static str, kind: ConfigKind, default: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            default,
            default_strict: None,
            mutability: Mutability::Mutable,
            protected: false,
            hidden: false,
            sensitive: false,
            multi_word: matches!(
                kind,
                ConfigKind::Flags(_)
                    | ConfigKind::Special(
                        Special::Save
                            | Special::OutputLimits
                            | Special::OomScores
                            | Special::Addresses
                            | Special::Words
                            | Special::Primary
                            | Special::Percentiles
                    )
            ),
            multi_line: matches!(
                kind,
                ConfigKind::Special(Special::Save | Special::OutputLimits | Special::LineOnly)
            ),
            deny_loading: false,
            volatile: false,
            state: ConfigState::Implemented,
            actor: Actor::Reader,
            summary: "",
            cure: "",
        }
    }

    /// A `yes` or `no`.
    #[must_use]
    pub const fn bool(name: &'static str, default: &'static str) -> Self {
        Self::new(name, ConfigKind::Bool, default)
    }

    /// A decimal number of `min` to `max`.
    #[must_use]
    pub const fn int(name: &'static str, min: i128, max: i128, default: &'static str) -> Self {
        Self::new(
            name,
            ConfigKind::Int {
                min,
                max,
                unit: IntUnit::Plain,
            },
            default,
        )
    }

    /// A size in bytes of `min` to `max`.
    #[must_use]
    pub const fn memory(name: &'static str, min: i128, max: i128, default: &'static str) -> Self {
        Self::new(
            name,
            ConfigKind::Int {
                min,
                max,
                unit: IntUnit::Memory,
            },
            default,
        )
    }

    /// A text.
    #[must_use]
    pub const fn text(name: &'static str, rule: TextRule, default: &'static str) -> Self {
        Self::new(name, ConfigKind::Text(rule), default)
    }

    /// One name of `choices`.
    #[must_use]
    pub const fn choice(
        name: &'static str,
        choices: &'static [(&'static str, i64)],
        default: &'static str,
    ) -> Self {
        Self::new(name, ConfigKind::Enum(choices), default)
    }

    /// A value with its own grammar.
    #[must_use]
    pub const fn special(name: &'static str, special: Special, default: &'static str) -> Self {
        Self::new(name, ConfigKind::Special(special), default)
    }

    /// Adds the second name.
    #[must_use]
    pub const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// Sets the default of the strict profile.
    #[must_use]
    pub const fn strict(mut self, default: &'static str) -> Self {
        self.default_strict = Some(default);
        self
    }

    /// Decided at start.
    #[must_use]
    pub const fn immutable(mut self) -> Self {
        self.mutability = Mutability::Immutable;
        self
    }

    /// Subject to `enable-protected-configs`.
    #[must_use]
    pub const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    /// Answered to its exact name only.
    #[must_use]
    pub const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// A secret.
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    /// Not to be set while loading.
    #[must_use]
    pub const fn deny_loading(mut self) -> Self {
        self.deny_loading = true;
        self
    }

    /// Names something outside that is read again on every set.
    #[must_use]
    pub const fn volatile(mut self) -> Self {
        self.volatile = true;
        self
    }

    /// The shell acts on a change.
    #[must_use]
    pub const fn shell(mut self, area: ShellArea) -> Self {
        self.actor = Actor::Shell(area);
        self
    }

    /// The engine acts on a change.
    #[must_use]
    pub const fn engine(mut self) -> Self {
        self.actor = Actor::Engine;
        self
    }

    /// Not acted upon yet, and harmless.
    #[must_use]
    pub const fn tunes(mut self, cure: &'static str) -> Self {
        self.state = ConfigState::Tunes;
        self.cure = cure;
        self
    }

    /// Not acted upon yet, and dangerous to ignore.
    #[must_use]
    pub const fn guards(mut self, cure: &'static str) -> Self {
        self.state = ConfigState::Guards;
        self.cure = cure;
        self
    }

    /// Sets the sentence of the reference.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    /// The default under `profile`.
    #[must_use]
    pub const fn default_for(&self, profile: Profile) -> &'static str {
        match (profile, self.default_strict) {
            (Profile::Strict, Some(value)) => value,
            _ => self.default,
        }
    }

    /// Whether `name` is its name or its alias, in any case.
    #[must_use]
    pub fn is_named(&self, name: &[u8]) -> bool {
        self.name.as_bytes().eq_ignore_ascii_case(name)
            || self
                .alias
                .is_some_and(|alias| alias.as_bytes().eq_ignore_ascii_case(name))
    }
}

//! The declaration of one command.
//!
//! Flags and categories that follow from what a command does (`write`, `readonly`, `@fast`,
//! `@dangerous`, ...) are derived by the engine and are never typed in here.

use bitflags::bitflags;

use crate::{ArgKind, ArgSpec, ChannelSpec, KeySpec, args::words_min_of_all};

bitflags! {
    /// Properties of a command that do not follow from anything else.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// May grow the dataset, so it is refused when memory is full.
        const DENYOOM = 1;
        /// Is for administrators.
        const ADMIN = 1 << 1;
        /// Belongs to publish and subscribe.
        const PUBSUB = 1 << 2;
        /// Is refused in scripts.
        const NOSCRIPT = 1 << 3;
        /// May block the session.
        const BLOCKING = 1 << 4;
        /// Is allowed while the dataset is loading.
        const LOADING = 1 << 5;
        /// Is allowed on a replica with stale data.
        const STALE = 1 << 6;
        /// Is not shown to MONITOR.
        const SKIP_MONITOR = 1 << 7;
        /// Is not logged as slow.
        const SKIP_SLOWLOG = 1 << 8;
        /// Carries an implicit ASKING.
        const ASKING = 1 << 9;
        /// Runs in constant or logarithmic time.
        const FAST = 1 << 10;
        /// Needs no authentication.
        const NO_AUTH = 1 << 11;
        /// May have no key though it has key specs.
        const NO_MANDATORY_KEYS = 1 << 12;
        /// Is refused while loading asynchronously.
        const NO_ASYNC_LOADING = 1 << 13;
        /// Is refused inside a transaction.
        const NO_MULTI = 1 << 14;
        /// Is allowed while a script is busy.
        const ALLOW_BUSY = 1 << 15;
        /// Is replicated though it is no write.
        const MAY_REPLICATE = 1 << 16;
        /// Is guarded by its own configuration directive.
        const PROTECTED = 1 << 17;
        /// Touches keys that its arguments do not name.
        const TOUCHES_ARBITRARY_KEYS = 1 << 18;
        /// Is sent by servers to each other.
        const SYSCMD = 1 << 19;
    }
}

bitflags! {
    /// ACL categories.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub struct Categories: u32 {
        /// `@keyspace`
        const KEYSPACE = 1;
        /// `@read`
        const READ = 1 << 1;
        /// `@write`
        const WRITE = 1 << 2;
        /// `@set`
        const SET = 1 << 3;
        /// `@sortedset`
        const SORTEDSET = 1 << 4;
        /// `@list`
        const LIST = 1 << 5;
        /// `@hash`
        const HASH = 1 << 6;
        /// `@string`
        const STRING = 1 << 7;
        /// `@bitmap`
        const BITMAP = 1 << 8;
        /// `@hyperloglog`
        const HYPERLOGLOG = 1 << 9;
        /// `@geo`
        const GEO = 1 << 10;
        /// `@stream`
        const STREAM = 1 << 11;
        /// `@pubsub`
        const PUBSUB = 1 << 12;
        /// `@admin`
        const ADMIN = 1 << 13;
        /// `@fast`
        const FAST = 1 << 14;
        /// `@slow`
        const SLOW = 1 << 15;
        /// `@blocking`
        const BLOCKING = 1 << 16;
        /// `@dangerous`
        const DANGEROUS = 1 << 17;
        /// `@connection`
        const CONNECTION = 1 << 18;
        /// `@transaction`
        const TRANSACTION = 1 << 19;
        /// `@scripting`
        const SCRIPTING = 1 << 20;
    }
}

/// The group under which a command is documented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Group {
    /// Bitmaps.
    Bitmap,
    /// Cluster management.
    Cluster,
    /// Connections and sessions.
    Connection,
    /// Keys of any type.
    Generic,
    /// Geospatial indexes.
    Geo,
    /// Hashes.
    Hash,
    /// HyperLogLogs.
    HyperLogLog,
    /// Lists.
    List,
    /// Publish and subscribe.
    PubSub,
    /// Scripts and functions.
    Scripting,
    /// Administration of the server.
    Server,
    /// Sets.
    Set,
    /// Sorted sets.
    SortedSet,
    /// Streams.
    Stream,
    /// Strings.
    String,
    /// Transactions.
    Transactions,
}

impl Group {
    /// The name that COMMAND DOCS answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bitmap => "bitmap",
            Self::Cluster => "cluster",
            Self::Connection => "connection",
            Self::Generic => "generic",
            Self::Geo => "geo",
            Self::Hash => "hash",
            Self::HyperLogLog => "hyperloglog",
            Self::List => "list",
            Self::PubSub => "pubsub",
            Self::Scripting => "scripting",
            Self::Server => "server",
            Self::Set => "set",
            Self::SortedSet => "sorted-set",
            Self::Stream => "stream",
            Self::String => "string",
            Self::Transactions => "transactions",
        }
    }
}

/// A change of a command since its first version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct History {
    /// The version that brought the change.
    pub version: &'static str,
    /// What changed.
    pub change: &'static str,
}

/// Since when a command is deprecated, and in favour of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deprecation {
    /// The version that deprecated it.
    pub since: &'static str,
    /// What to use instead.
    pub replaced_by: &'static str,
}

/// Everything that is said about a command but how it runs.
#[derive(Debug, Clone, Copy)]
pub struct CommandSpec {
    /// Name in lower case; of a subcommand its own word only.
    pub name: &'static str,
    /// Documentation group.
    pub group: Group,
    /// First version.
    pub since: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Cost.
    pub complexity: &'static str,
    /// Changes since.
    pub history: &'static [History],
    /// Set if deprecated.
    pub deprecated: Option<Deprecation>,
    /// Words in all, command name (and subcommand) included; negative: at least so many.
    pub arity: i32,
    /// Flags that are not derived.
    pub flags: Flags,
    /// ACL categories that are not derived.
    pub categories: Categories,
    /// Hints for clients and proxies.
    pub tips: &'static [&'static str],
    /// Where the keys are.
    pub keys: &'static [KeySpec],
    /// Where the channels are.
    pub channels: Option<ChannelSpec>,
    /// The grammar of the arguments.
    pub args: &'static [ArgSpec],
    /// Numbers of the arguments (command name = 0) that hold secrets and are never logged; a
    /// negative number means from there to the end: -2 is every argument from the second on.
    pub secrets: &'static [i32],
}

impl CommandSpec {
    /// A declaration to start from with `..CommandSpec::NEW`.
    pub const NEW: Self = Self {
        name: "",
        group: Group::Generic,
        since: "1.0.0",
        summary: "",
        complexity: "O(1)",
        history: &[],
        deprecated: None,
        arity: 1,
        flags: Flags::empty(),
        categories: Categories::empty(),
        tips: &[],
        keys: &[],
        channels: None,
        args: &[],
        secrets: &[],
    };

    /// Whether a request of `words` words has the right number of them.
    #[must_use]
    pub const fn accepts_words(&self, words: usize) -> bool {
        let least = self.arity.unsigned_abs() as usize;
        if self.arity >= 0 {
            words == least
        } else {
            words >= least
        }
    }

    /// Whether the declaration agrees with itself: the arguments fit the arity and every key
    /// argument has its key spec. `depth` is 1 for a command and 2 for a subcommand.
    #[must_use]
    pub const fn is_consistent(&self, depth: usize) -> bool {
        let least = self.arity.unsigned_abs() as usize;
        let needed = depth + words_min_of_all(self.args);
        let fits = if self.args.is_empty() {
            least >= depth
        } else {
            needed <= least
        };
        fits && !self.name.is_empty() && keys_have_specs(self.args, self.keys.len())
    }
}

const fn keys_have_specs(mut args: &[ArgSpec], specs: usize) -> bool {
    while let [first, rest @ ..] = args {
        let good = match first.kind {
            ArgKind::Key(spec) => (spec as usize) < specs,
            ArgKind::OneOf(inner) | ArgKind::Block(inner) => keys_have_specs(inner, specs),
            _ => true,
        };
        if !good {
            return false;
        }
        args = rest;
    }
    true
}

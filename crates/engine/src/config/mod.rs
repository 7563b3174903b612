//! The configuration: current values of all directives, and the ways to change them.
//!
//! [`load`] reads files and arguments, [`Config::set`] is CONFIG SET, [`Config::get`] CONFIG GET,
//! [`rewrite()`] CONFIG REWRITE. Pure: files are read and written by the shell, which also acts on
//! what changed outside the engine.

pub mod args;
pub mod check;
pub mod file;
pub mod id;
pub mod lists;
mod query;
mod rewrite;
mod set;
pub mod table;
mod value;
pub mod words;

pub use args::arguments_to_text;
pub use file::{Include, LoadError, Loaded, Origin, Source, Warning, load};
pub use lists::{EventFlags, OutputLimit, OutputLimits, SavePoint};
pub use rewrite::{rewrite, rewrite_all};
pub use set::{Changed, Ignored, SetContext, SetError};
pub use table::ConfigId;
pub use value::{TITLE_VARIABLES, Value};

use crate::cmd::CommandNames;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use vk_spec::config::{Actor, ConfigKind, ConfigSpec, ConfigState, Profile, Special};

/// The current values of all directives.
///
/// Reading one by its id is an array access; nothing is parsed or allocated.
#[derive(Clone, Debug)]
pub struct Config {
    profile: Profile,
    slots: Vec<Slot>,
    command_names: CommandNames,
}

/// One directive's current value, with what hot paths read of it.
#[derive(Clone, PartialEq)]
struct Slot {
    number: i64,
    value: Value,
    origin: Origin,
}

impl Config {
    /// The defaults of `profile`.
    #[must_use]
    pub fn new(profile: Profile) -> Self {
        let slots = table::TABLE
            .iter()
            .map(|spec| Slot::default_of(spec, profile))
            .collect();
        Self {
            profile,
            slots,
            command_names: CommandNames::default(),
        }
    }

    /// The profile whose defaults hold.
    #[must_use]
    pub const fn profile(&self) -> Profile {
        self.profile
    }

    /// What the commands are called, by the lines of `rename-command`.
    #[must_use]
    pub const fn command_names(&self) -> &CommandNames {
        &self.command_names
    }

    /// A whole number, the number of a choice, or the bits of flags and events. A percentage is
    /// negative; what does not fit is clamped.
    #[must_use]
    pub fn int(&self, id: ConfigId) -> i64 {
        self.slots.get(id.index()).map_or(0, |slot| slot.number)
    }

    /// A number that is not negative, such as a size in bytes; up to `u64::MAX`.
    #[must_use]
    pub fn size(&self, id: ConfigId) -> u64 {
        match self.value(id) {
            Value::Int(value) => {
                u64::try_from(*value).unwrap_or(if *value < 0 { 0 } else { u64::MAX })
            }
            _ => u64::try_from(self.int(id)).unwrap_or(0),
        }
    }

    /// A `yes` or `no`.
    #[must_use]
    pub fn bool(&self, id: ConfigId) -> bool {
        self.int(id) != 0
    }

    /// A text as bytes; empty for directives of other kinds.
    #[must_use]
    pub fn bytes(&self, id: ConfigId) -> &[u8] {
        match self.value(id) {
            Value::Text(text) => text,
            _ => &[],
        }
    }

    /// A text; bytes that are no UTF-8 are replaced.
    #[must_use]
    pub fn text(&self, id: ConfigId) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(id))
    }

    /// The words of `bind` or `tls-san`.
    #[must_use]
    pub fn words(&self, id: ConfigId) -> &[Vec<u8>] {
        match self.value(id) {
            Value::Words(words) => words,
            _ => &[],
        }
    }

    /// The name of a choice, as CONFIG GET answers it.
    #[must_use]
    pub fn choice(&self, id: ConfigId) -> String {
        String::from_utf8_lossy(&self.render(id)).into_owned()
    }

    /// When snapshots are due.
    #[must_use]
    pub fn save_points(&self) -> &[SavePoint] {
        match self.value(table::snapshot::SAVE) {
            Value::Save(points) => points,
            _ => &[],
        }
    }

    /// Output limits of normal clients, replicas and subscribers.
    #[must_use]
    pub fn output_limits(&self) -> OutputLimits {
        match self.value(table::limits::CLIENT_OUTPUT_BUFFER_LIMIT) {
            Value::OutputLimits(limits) => *limits,
            _ => {
                [OutputLimit {
                    hard_bytes: 0,
                    soft_bytes: 0,
                    soft_seconds: 0,
                }; 3]
            }
        }
    }

    /// The classes of keyspace events that are published.
    #[must_use]
    pub fn events(&self) -> EventFlags {
        match self.value(table::keyspace::NOTIFY_KEYSPACE_EVENTS) {
            Value::Events(flags) => *flags,
            _ => EventFlags::NONE,
        }
    }

    /// Scores of a primary, a replica and a background child for the kernel's killer.
    #[must_use]
    pub fn oom_scores(&self) -> [i64; 3] {
        match self.value(table::process::OOM_SCORE_ADJ_VALUES) {
            Value::Scores(scores) => *scores,
            _ => [0; 3],
        }
    }

    /// The percentiles that INFO shows.
    #[must_use]
    pub fn percentiles(&self) -> &[f64] {
        match self.value(table::observe::LATENCY_TRACKING_INFO_PERCENTILES) {
            Value::Percentiles(values) => values,
            _ => &[],
        }
    }

    /// Any value.
    #[must_use]
    pub fn value(&self, id: ConfigId) -> &Value {
        self.slots
            .get(id.index())
            .map_or(&Value::Bool(false), |slot| &slot.value)
    }

    /// Where a value came from.
    #[must_use]
    pub fn origin(&self, id: ConfigId) -> Origin {
        self.slots
            .get(id.index())
            .map_or(Origin::Default, |slot| slot.origin)
    }

    /// A value as CONFIG GET answers it.
    #[must_use]
    pub fn render(&self, id: ConfigId) -> Vec<u8> {
        self.value(id).render(id.spec())
    }

    /// Whether a value is the default of the profile.
    #[must_use]
    pub fn is_default(&self, id: ConfigId) -> bool {
        Slot::default_of(id.spec(), self.profile).value == *self.value(id)
    }

    /// Whether a value asks for something that this version does not do.
    #[must_use]
    pub fn is_ignored(&self, id: ConfigId) -> bool {
        let no_snapshots = id == table::snapshot::SAVE && self.save_points().is_empty();
        id.spec().state != ConfigState::Implemented && !no_snapshots && !self.is_default(id)
    }

    /// Puts in a value that the shell found out, such as the absolute working folder or the number
    /// of clients that the descriptors allow. Keeps the origin. Nobody has to act.
    ///
    /// # Errors
    /// What is wrong with the value; nothing changed then.
    pub fn correct(&mut self, id: ConfigId, value: &[u8]) -> Result<(), String> {
        let spec = id.spec();
        let words = set::split_value(spec, value);
        let value = Value::parse(spec, &words, Some(self.value(id)))?;
        self.put(id, value, self.origin(id));
        Ok(())
    }

    fn put(&mut self, id: ConfigId, value: Value, origin: Origin) {
        if let Some(slot) = self.slots.get_mut(id.index()) {
            *slot = Slot {
                number: value.number(),
                value,
                origin,
            };
        }
    }
}

impl fmt::Debug for Slot {
    /// The value stays out: it may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

impl Slot {
    fn default_of(spec: &ConfigSpec, profile: Profile) -> Self {
        let text = spec.default_for(profile).as_bytes();
        let none = matches!(spec.kind, ConfigKind::Special(Special::Primary));
        // A test goes through the table: every default is a value, so the other branch is not
        // taken. The primary is the one directive whose default cannot be written.
        let value = if none {
            Value::Primary(None)
        } else {
            Value::parse(spec, &set::split_value(spec, text), None).unwrap_or(Value::Bool(false))
        };
        Self {
            number: value.number(),
            value,
            origin: Origin::Default,
        }
    }
}

/// Keeps `hz` in the range that the event loop serves; a value outside it is taken as the nearest.
fn settle(id: ConfigId, value: Value) -> Value {
    const HZ_MIN: i128 = 1;
    const HZ_MAX: i128 = 500;
    match value {
        Value::Int(hz) if id == table::process::HZ => Value::Int(hz.clamp(HZ_MIN, HZ_MAX)),
        other => other,
    }
}

/// Who has to act on a change of `id`.
#[must_use]
pub fn actor(id: ConfigId) -> Actor {
    id.spec().actor
}

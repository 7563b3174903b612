//! One value of a directive: reading it from words, writing it for CONFIG GET.
//!
//! The texts of refusals are those that clients see. Not the rules of when a value may change.

use super::lists::{
    EventFlags, OutputLimit, OutputLimits, SavePoint, parse_memory, parse_output_limits,
    parse_percentiles, parse_save, parse_scores, render_output_limits, render_percentiles,
    render_save,
};
use super::words::{canonical_int, lenient_int};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use vk_spec::config::{ConfigKind, ConfigSpec, IntUnit, Special, TextRule, WORDS_MAX};

/// A value of any kind of directive.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `yes` or `no`.
    Bool(bool),
    /// A whole number; a percentage is negative.
    Int(i128),
    /// The number of a choice, or the bits of several.
    Choice(i64),
    /// A text.
    Text(Vec<u8>),
    /// Words, such as addresses.
    Words(Vec<Vec<u8>>),
    /// When snapshots are taken.
    Save(Vec<SavePoint>),
    /// Output limits by class.
    OutputLimits(OutputLimits),
    /// Scores of the kernel's killer.
    Scores([i64; 3]),
    /// Percentiles.
    Percentiles(Vec<f64>),
    /// Event classes.
    Events(EventFlags),
    /// A primary's host and port, or none.
    Primary(Option<(Vec<u8>, u16)>),
}

impl Value {
    /// Reads the words after a directive's name. `current` is what a partial value is merged with.
    ///
    /// # Errors
    /// What is wrong, in the words that CONFIG SET answers.
    pub(super) fn parse(
        spec: &ConfigSpec,
        words: &[Vec<u8>],
        current: Option<&Self>,
    ) -> Result<Self, String> {
        match spec.kind {
            ConfigKind::Flags(choices) => parse_choices(words, choices),
            ConfigKind::Special(special) => parse_special(special, words, current),
            kind => {
                let [word] = words else {
                    return Err("wrong number of arguments".into());
                };
                match kind {
                    ConfigKind::Bool => parse_bool(word),
                    ConfigKind::Int { min, max, unit } => parse_int(word, min, max, unit),
                    ConfigKind::Enum(choices) => parse_choices(words, choices),
                    ConfigKind::Text(rule) => parse_text(spec, rule, word),
                    _ => Err("unsupported kind of directive".into()),
                }
            }
        }
    }

    /// What CONFIG GET answers.
    #[must_use]
    pub(super) fn render(&self, spec: &ConfigSpec) -> Vec<u8> {
        match self {
            Self::Bool(value) => Vec::from(if *value { "yes" } else { "no" }),
            Self::Int(value) => render_int(*value, spec.kind).into_bytes(),
            Self::Choice(value) => render_choices(*value, spec.kind).into_bytes(),
            Self::Text(text) => text.clone(),
            Self::Words(words) => words.join(&b' '),
            Self::Save(points) => render_save(points).into_bytes(),
            Self::OutputLimits(limits) => render_output_limits(limits).into_bytes(),
            Self::Scores([a, b, c]) => format!("{a} {b} {c}").into_bytes(),
            Self::Percentiles(values) => render_percentiles(values).into_bytes(),
            Self::Events(flags) => flags.render(),
            Self::Primary(None) => Vec::new(),
            Self::Primary(Some((host, port))) => {
                [host.as_slice(), format!(" {port}").as_bytes()].concat()
            }
        }
    }

    /// The value as a number where it has one: 0 or 1, a number, a choice, bits; clamped.
    #[must_use]
    pub(super) fn number(&self) -> i64 {
        match self {
            Self::Bool(value) => i64::from(*value),
            Self::Int(value) => {
                i64::try_from(*value).unwrap_or(if *value < 0 { i64::MIN } else { i64::MAX })
            }
            Self::Choice(value) => *value,
            Self::Events(flags) => i64::from(flags.bits()),
            _ => 0,
        }
    }
}

fn parse_bool(word: &[u8]) -> Result<Value, String> {
    if word.eq_ignore_ascii_case(b"yes") {
        Ok(Value::Bool(true))
    } else if word.eq_ignore_ascii_case(b"no") {
        Ok(Value::Bool(false))
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn parse_choices(words: &[Vec<u8>], choices: &[(&str, i64)]) -> Result<Value, String> {
    let find = |word: &Vec<u8>| {
        choices
            .iter()
            .find(|(name, _)| name.as_bytes().eq_ignore_ascii_case(word))
    };
    let bits = words
        .iter()
        .try_fold(0, |bits, word| find(word).map(|(_, value)| bits | value));
    match bits {
        Some(bits) if !words.is_empty() => {
            // The one rule between flags: `save` (2) and `nosave` (1) exclude each other.
            let both = choices.iter().any(|(name, _)| *name == "nosave") && bits & 3 == 3;
            if both {
                return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
            }
            Ok(Value::Choice(bits))
        }
        _ => {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            Err(format!(
                "argument(s) must be one of the following: {}",
                names.join(", ")
            ))
        }
    }
}

fn render_choices(value: i64, kind: ConfigKind) -> String {
    let (ConfigKind::Enum(choices) | ConfigKind::Flags(choices)) = kind else {
        return String::new();
    };
    if let Some((name, _)) = choices.iter().find(|(_, known)| *known == value) {
        return (*name).into();
    }
    let names: Vec<&str> = choices
        .iter()
        .filter(|(_, bit)| *bit != 0 && value & bit == *bit)
        .map(|(name, _)| *name)
        .collect();
    names.join(" ")
}

fn parse_int(word: &[u8], min: i128, max: i128, unit: IntUnit) -> Result<Value, String> {
    let (value, complaint) = match unit {
        IntUnit::Plain => (
            canonical_int(word).map(i128::from),
            "argument couldn't be parsed into an integer",
        ),
        IntUnit::Memory => (
            parse_memory(word).map(i128::from),
            "argument must be a memory value",
        ),
        IntUnit::MemoryOrPercent => (
            parse_memory(word)
                .map(i128::from)
                .or_else(|| parse_percent(word)),
            "argument must be a memory or percent value",
        ),
        IntUnit::Octal => (
            parse_octal(word),
            "argument couldn't be parsed as an octal number",
        ),
    };
    let value = value.ok_or(complaint)?;
    if unit == IntUnit::MemoryOrPercent && value < 0 {
        return if value >= min {
            Ok(Value::Int(value))
        } else {
            let most = min.unsigned_abs();
            Err(format!(
                "percentage argument must be less or equal to {most}"
            ))
        };
    }
    let floor = if unit == IntUnit::MemoryOrPercent {
        0
    } else {
        min
    };
    if (floor..=max).contains(&value) {
        return Ok(Value::Int(value));
    }
    Err(if unit == IntUnit::Octal {
        format!("argument must be between {min:o} and {max:o} inclusive")
    } else {
        format!("argument must be between {min} and {max} inclusive")
    })
}

fn parse_percent(word: &[u8]) -> Option<i128> {
    let number = canonical_int(word.strip_suffix(b"%")?)?;
    (number >= 0).then(|| i128::from(number).wrapping_neg())
}

fn parse_octal(word: &[u8]) -> Option<i128> {
    i64::from_str_radix(core::str::from_utf8(word).ok()?, 8)
        .ok()
        .map(i128::from)
}

fn render_int(value: i128, kind: ConfigKind) -> String {
    match kind {
        ConfigKind::Int {
            unit: IntUnit::Octal,
            ..
        } => format!("{value:o}"),
        ConfigKind::Int {
            unit: IntUnit::MemoryOrPercent,
            ..
        } if value < 0 => {
            format!("{}%", value.unsigned_abs())
        }
        _ => format!("{value}"),
    }
}

/// Longest host name that a cluster node announces, in bytes.
const HOST_NAME_MAX: usize = 255;

fn parse_text(spec: &ConfigSpec, rule: TextRule, word: &[u8]) -> Result<Value, String> {
    // A path or a name with a NUL byte would mean something else to the system than to us.
    if word.contains(&0) && !spec.sensitive {
        return Err("argument must not contain a NUL byte".into());
    }
    let name = spec.name;
    let text = core::str::from_utf8(word).ok();
    let is_path = word.contains(&b'/') || word.contains(&b'\\');
    let complaint = match rule {
        TextRule::NotEmpty | TextRule::FileName | TextRule::FolderName if word.is_empty() => {
            Some(format!("{name} can't be empty"))
        }
        TextRule::FileName if is_path => Some(format!("{name} can't be a path, just a filename")),
        TextRule::FolderName if is_path => Some(format!("{name} can't be a path, just a dirname")),
        TextRule::Ipv4 if !word.is_empty() => {
            let good = text.is_some_and(|text| text.parse::<Ipv4Addr>().is_ok());
            (!good).then(|| "Invalid IPv4 address".into())
        }
        TextRule::Ipv6 if !word.is_empty() => {
            let good = text.is_some_and(|text| text.parse::<Ipv6Addr>().is_ok());
            (!good).then(|| "Invalid IPv6 address".into())
        }
        TextRule::HostName => host_name_complaint(word),
        TextRule::NodeName => word
            .iter()
            .any(|byte| b"!#$%&()*+;<>?@[]^{|}~".contains(byte))
            .then(|| "Announced human node name contained invalid character".into()),
        TextRule::TitleTemplate if !is_title_template(word) => {
            Some("template format is invalid or contains unknown variables".into())
        }
        _ => None,
    };
    complaint.map_or_else(|| Ok(Value::Text(word.to_vec())), Err)
}

fn host_name_complaint(word: &[u8]) -> Option<String> {
    if word.len() > HOST_NAME_MAX {
        return Some(format!(
            "Hostnames must be less than {} characters",
            HOST_NAME_MAX + 1
        ));
    }
    let known = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    (!word.iter().all(known))
        .then(|| "Hostnames may only contain alphanumeric characters, hyphens or dots".into())
}

/// Variables of the process title.
pub const TITLE_VARIABLES: [&str; 7] = [
    "title",
    "listen-addr",
    "server-mode",
    "config-file",
    "port",
    "tls-port",
    "unixsocket",
];

fn is_title_template(template: &[u8]) -> bool {
    let mut rest = template;
    while let Some(at) = rest.iter().position(|byte| *byte == b'{') {
        let after = rest.get(at.saturating_add(1)..).unwrap_or_default();
        rest = if let [b'{', tail @ ..] = after {
            tail
        } else {
            let mut parts = after.splitn(2, |byte| *byte == b'}');
            let name = parts.next().unwrap_or_default();
            let known = TITLE_VARIABLES
                .iter()
                .any(|variable| variable.as_bytes() == name);
            match parts.next() {
                Some(tail) if known => tail,
                _ => return false,
            }
        };
    }
    !template.is_empty()
}

fn parse_special(
    special: Special,
    words: &[Vec<u8>],
    current: Option<&Value>,
) -> Result<Value, String> {
    let only_empty = matches!(words, [only] if only.is_empty());
    match special {
        Special::Save => parse_save(words).map(Value::Save),
        Special::OutputLimits => {
            let none = OutputLimit {
                hard_bytes: 0,
                soft_bytes: 0,
                soft_seconds: 0,
            };
            let before = match current {
                Some(Value::OutputLimits(limits)) => *limits,
                _ => [none; 3],
            };
            parse_output_limits(words, before).map(Value::OutputLimits)
        }
        Special::OomScores => parse_scores(words).map(Value::Scores),
        Special::Percentiles => parse_percentiles(words).map(Value::Percentiles),
        Special::Addresses if words.len() > WORDS_MAX => {
            Err("Too many bind addresses specified.".into())
        }
        Special::Addresses | Special::Words if only_empty => Ok(Value::Words(Vec::new())),
        Special::Addresses | Special::Words => Ok(Value::Words(words.to_vec())),
        Special::Primary => parse_primary(words),
        Special::Folder | Special::Events => match words {
            [word] if special == Special::Folder => parse_folder(word),
            [word] => EventFlags::parse(word)
                .map(Value::Events)
                .ok_or_else(|| "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
            _ => Err("wrong number of arguments".into()),
        },
        _ => Err("the directive has no value".into()),
    }
}

fn parse_folder(word: &[u8]) -> Result<Value, String> {
    if word.is_empty() {
        return Err("dir can't be empty".into());
    }
    if word.contains(&0) {
        return Err("argument must not contain a NUL byte".into());
    }
    Ok(Value::Text(word.to_vec()))
}

fn parse_primary(words: &[Vec<u8>]) -> Result<Value, String> {
    let [host, port] = words else {
        return Err("wrong number of arguments".into());
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(Value::Primary(None));
    }
    let port = lenient_int(port).and_then(|port| u16::try_from(port).ok());
    port.map(|port| Value::Primary(Some((host.clone(), port))))
        .ok_or_else(|| "Invalid primary port".into())
}

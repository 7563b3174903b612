//! One log line: the words for levels, roles and formats, and how a record becomes bytes.
//!
//! Pure text: no clock, no file. The legacy format is Valkey's to the byte, so that log
//! collectors keep working; logfmt and JSON have the same fields.

use std::fmt::Write as _;

/// How loud a record is, quietest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// For people who look for a fault.
    Debug,
    /// Rarely useful, but not a flood.
    Verbose,
    /// What one wants to know in production.
    Notice,
    /// Something needs attention.
    Warning,
    /// As `loglevel`: write nothing at all.
    Nothing,
}

impl Level {
    /// The level of a `loglevel` word, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [
            Self::Debug,
            Self::Verbose,
            Self::Notice,
            Self::Warning,
            Self::Nothing,
        ]
        .into_iter()
        .find(|level| word.eq_ignore_ascii_case(level.word()))
    }

    /// The configuration's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Verbose => "verbose",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Nothing => "nothing",
        }
    }

    /// The word of the structured formats: verbose is `info` there.
    const fn structured_word(self) -> &'static str {
        match self {
            Self::Verbose => "info",
            other => other.word(),
        }
    }

    const fn mark(self) -> char {
        match self {
            Self::Debug => '.',
            Self::Verbose => '-',
            Self::Notice => '*',
            Self::Warning | Self::Nothing => '#',
        }
    }
}

/// The role's letter in the legacy format: a process that takes writes.
const ROLE_LETTER: char = 'M';
/// The role's word in the structured formats.
const ROLE_WORD: &str = "primary";

/// The shape of a line (`log-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `pid:role time mark text`.
    Legacy,
    /// `key=value` pairs.
    Logfmt,
    /// One JSON object.
    Json,
}

impl Format {
    /// The format of a configuration's word, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "legacy" => Some(Self::Legacy),
            "logfmt" => Some(Self::Logfmt),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// The shape of a time (`log-timestamp-format`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TimestampFormat {
    /// `23 Nov 2026 14:05:06.789`, local time.
    Legacy,
    /// `2026-11-23T14:05:06.789+01:00`, local time.
    Iso8601,
    /// Milliseconds since 1970.
    Milliseconds,
}

impl TimestampFormat {
    /// The format of a configuration's word, in any case.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word.to_ascii_lowercase().as_str() {
            "legacy" => Some(Self::Legacy),
            "iso8601" => Some(Self::Iso8601),
            "milliseconds" => Some(Self::Milliseconds),
            _ => None,
        }
    }
}

/// A moment and where its clock hangs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stamp {
    /// Milliseconds since 1970.
    pub(crate) unix_ms: i64,
    /// Local time minus UTC, in seconds.
    pub(crate) offset_s: i32,
}

/// Appends one whole line, its end included.
pub(super) fn write(
    out: &mut String,
    shape: (Format, TimestampFormat),
    stamp: Stamp,
    pid: u32,
    level: Level,
    text: &str,
) {
    let (format, timestamps) = shape;
    match format {
        Format::Legacy => {
            push(out, format_args!("{pid}:{} ", ROLE_LETTER));
            timestamp(out, timestamps, stamp);
            push(out, format_args!(" {} ", level.mark()));
            escape(out, text, Format::Legacy);
        }
        Format::Logfmt => {
            push(
                out,
                format_args!("pid={pid} role={} timestamp=\"", ROLE_WORD),
            );
            timestamp(out, timestamps, stamp);
            push(
                out,
                format_args!("\" level={} message=\"", level.structured_word()),
            );
            escape(out, text, Format::Logfmt);
            out.push('"');
        }
        Format::Json => {
            push(
                out,
                format_args!("{{\"pid\":{pid},\"role\":\"{}\",", ROLE_WORD),
            );
            out.push_str("\"timestamp\":\"");
            timestamp(out, timestamps, stamp);
            push(
                out,
                format_args!("\",\"level\":\"{}\",", level.structured_word()),
            );
            out.push_str("\"message\":\"");
            escape(out, text, Format::Json);
            out.push_str("\"}");
        }
    }
    out.push('\n');
}

fn push(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = out.write_fmt(arguments);
}

/// The day and the time of a stamp, as its own clock shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: usize,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

impl Civil {
    /// Days to civil date: the algorithm of Howard Hinnant's "chrono-compatible date algorithms".
    pub(super) fn new(stamp: Stamp) -> Self {
        let seconds = stamp
            .unix_ms
            .div_euclid(1_000)
            .saturating_add(i64::from(stamp.offset_s));
        let of_day = seconds.rem_euclid(86_400);
        let days = seconds.div_euclid(86_400) + 719_468;
        let era = days.div_euclid(146_097);
        let of_era = days.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * of_year + 2) / 153;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).unwrap_or(1),
            day: of_year - (153 * shifted + 2) / 5 + 1,
            hour: of_day / 3_600,
            minute: of_day / 60 % 60,
            second: of_day % 60,
        }
    }

    /// The three letters of the month.
    pub(super) fn month_name(self) -> &'static str {
        MONTHS
            .get(self.month.saturating_sub(1))
            .copied()
            .unwrap_or("Jan")
    }
}

fn timestamp(out: &mut String, format: TimestampFormat, stamp: Stamp) {
    let Civil {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = Civil::new(stamp);
    let name = Civil::new(stamp).month_name();
    let millis = stamp.unix_ms.rem_euclid(1_000);
    match format {
        TimestampFormat::Legacy => push(
            out,
            format_args!("{day:02} {name} {year} {hour:02}:{minute:02}:{second:02}.{millis:03}"),
        ),
        TimestampFormat::Iso8601 => {
            push(out, format_args!("{year:04}-{month:02}-{day:02}T"));
            push(
                out,
                format_args!("{hour:02}:{minute:02}:{second:02}.{millis:03}"),
            );
            let sign = if stamp.offset_s < 0 { '-' } else { '+' };
            let minutes = stamp.offset_s.unsigned_abs() / 60;
            push(
                out,
                format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
            );
        }
        TimestampFormat::Milliseconds => push(out, format_args!("{}", stamp.unix_ms)),
    }
}

/// Whether a character could break out of its line, or steer a terminal.
fn is_unsafe(char: char) -> bool {
    let is_separator = matches!(char, '\u{2028}' | '\u{2029}');
    let turns_text = matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    char.is_control() || is_separator || turns_text
}

/// Appends text with everything escaped that the format or a terminal would act on.
pub(super) fn escape(out: &mut String, text: &str, format: Format) {
    for char in text.chars() {
        match char {
            '"' if format == Format::Json => out.push_str("\\\""),
            // Valkey's logfmt has no escape for quotes: readers expect the other quote.
            '"' if format == Format::Logfmt => out.push('\''),
            '\n' | '\r' if format == Format::Logfmt => out.push(' '),
            '\\' if format == Format::Json => out.push_str("\\\\"),
            '\t' if format != Format::Json => out.push('\t'),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if !is_unsafe(char) => out.push(char),
            _ if format == Format::Json => push(out, format_args!("\\u{:04x}", u32::from(char))),
            _ if u32::from(char) <= 0xff => push(out, format_args!("\\x{:02x}", u32::from(char))),
            _ => push(out, format_args!("\\u{{{:x}}}", u32::from(char))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STAMP: Stamp = Stamp {
        unix_ms: 1_795_442_706_007,
        offset_s: 3_600,
    };

    fn line(format: Format, timestamps: TimestampFormat, level: Level, text: &str) -> String {
        let mut out = String::new();
        write(&mut out, (format, timestamps), STAMP, 42, level, text);
        out
    }

    #[test]
    fn the_three_formats() {
        let (legacy, iso) = (TimestampFormat::Legacy, TimestampFormat::Iso8601);
        assert_eq!(
            line(Format::Legacy, legacy, Level::Notice, "Server initialized"),
            "42:M 23 Nov 2026 15:05:06.007 * Server initialized\n"
        );
        assert_eq!(
            line(Format::Logfmt, iso, Level::Verbose, "a \"b\"\r\nc"),
            "pid=42 role=primary timestamp=\"2026-11-23T15:05:06.007+01:00\" level=info \
             message=\"a 'b'  c\"\n"
        );
        assert_eq!(
            line(
                Format::Json,
                TimestampFormat::Milliseconds,
                Level::Warning,
                "a \"b\"\n\u{1b}\\"
            ),
            "{\"pid\":42,\"role\":\"primary\",\"timestamp\":\"1795442706007\",\
             \"level\":\"warning\",\"message\":\"a \\\"b\\\"\\n\\u001b\\\\\"}\n"
        );
    }

    #[test]
    fn no_text_can_make_a_second_line_or_steer_a_terminal() {
        let hostile: String = (0..0x3000).filter_map(char::from_u32).collect();
        for format in [Format::Legacy, Format::Logfmt, Format::Json] {
            let line = line(format, TimestampFormat::Legacy, Level::Notice, &hostile);
            let body = line.strip_suffix('\n').unwrap_or_default();
            assert!(
                !body.chars().any(|char| char != '\t' && is_unsafe(char)),
                "{format:?}"
            );
        }
    }

    #[test]
    fn negative_offsets_and_old_dates() {
        let mut out = String::new();
        let stamp = Stamp {
            unix_ms: 951_782_400_000,
            offset_s: -12_600,
        };
        timestamp(&mut out, TimestampFormat::Iso8601, stamp);
        assert_eq!(out, "2000-02-28T20:30:00.000-03:30");
        let leap = Civil::new(Stamp {
            unix_ms: 951_782_400_000,
            offset_s: 0,
        });
        assert_eq!((leap.year, leap.month, leap.day), (2000, 2, 29));
        let before = Civil::new(Stamp {
            unix_ms: -1,
            offset_s: 0,
        });
        assert_eq!(
            (before.year, before.month, before.day, before.second),
            (1969, 12, 31, 59)
        );
    }

    #[test]
    fn words() {
        assert_eq!(Level::from_word("VERBOSE"), Some(Level::Verbose));
        assert_eq!(Level::from_word("info"), None);
        assert_eq!(Format::from_word("JSON"), Some(Format::Json));
        assert_eq!(
            TimestampFormat::from_word("iso8601"),
            Some(TimestampFormat::Iso8601)
        );
    }
}

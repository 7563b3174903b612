//! Words for the arguments of a command, by what the argument is and how it is called: few keys and
//! members, so that commands meet, and numbers at every boundary.

use super::grammar::{Argument, Kind};
use super::random::Random;

/// What the choice of a word depends on beside the argument.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// The command, `object|encoding`.
    pub(super) command: &'a str,
    pub(super) group: &'a str,
    /// The kind of key that a generic command is about this time.
    pub(super) generic_kind: u8,
}

/// The kinds of keys: their first letters.
pub(super) const KINDS: &[u8] = b"slhtzxpg";

/// Random words; remembers what lets later ones fit earlier ones.
#[derive(Debug)]
pub(super) struct Values {
    pub(super) random: Random,
    /// Where the ids of streams have come to.
    clock: i64,
    /// Whether the last key prefers numbers as members.
    numbers: bool,
}

impl Values {
    pub(super) const fn new(random: Random) -> Self {
        Self {
            random,
            clock: 1,
            numbers: false,
        }
    }

    /// A word for this argument.
    pub(super) fn word(&mut self, argument: &Argument, place: &Place<'_>) -> Vec<u8> {
        let name = argument.name.as_str();
        let text = match argument.kind {
            Kind::Key => self.key(name, place),
            Kind::Integer => self.integer(name, place),
            Kind::Double => self.double(name, place),
            Kind::UnixTime => self.unix_time(name, place),
            Kind::Pattern => self.pattern(place),
            Kind::String | Kind::PureToken | Kind::OneOf | Kind::Block => {
                return self.string(name, place);
            }
        };
        text.into_bytes()
    }

    fn key(&mut self, name: &str, place: &Place<'_>) -> String {
        let own = match place.group {
            "string" | "bitmap" => b's',
            "list" => b'l',
            "hash" => b'h',
            "set" => b't',
            "sorted-set" if !name.starts_with("dest") && self.random.chance(1, 8) => b't',
            "sorted-set" => b'z',
            "stream" => b'x',
            "hyperloglog" => b'p',
            "geo" => b'g',
            _ if place.command.starts_with("sort") => {
                *b"ltz".get(self.random.below(3)).unwrap_or(&b'l')
            }
            _ => place.generic_kind,
        };
        let kind = if self.random.chance(1, 24) {
            KINDS
                .get(self.random.below(KINDS.len()))
                .copied()
                .unwrap_or(own)
        } else {
            own
        };
        // What SETRANGE makes of a HyperLogLog is refused as a whole here, and later by 7.0.
        let kind = match (kind, place.group) {
            (b'p', "string" | "bitmap") | (_, "hyperloglog") => own,
            _ => kind,
        };
        let digit = self.random.below(4);
        self.numbers = digit < 2;
        format!("{}{digit}", char::from(kind))
    }

    fn integer(&mut self, name: &str, place: &Place<'_>) -> String {
        // The highest number of entries overflows in 7.0.
        if !name.contains("entries") && self.random.chance(1, 16) {
            return self.odd_number(place);
        }
        let number = match (name, place.command) {
            ("cursor", _) => {
                return self
                    .random
                    .pick(&["0", "0", "0", "0", "x", "0 "])
                    .to_owned();
            }
            ("count", "scan" | "sscan" | "hscan" | "zscan") => {
                return self
                    .random
                    .pick(&["100000", "100000", "100000", "0", "-1", "x"])
                    .to_owned();
            }
            ("count", "spop") => {
                return self
                    .random
                    .pick(&["100000", "100000", "0", "-1", "x"])
                    .to_owned();
            }
            ("index" | "start" | "stop" | "end" | "rank", _) => self.random.between(-14, 24),
            ("offset", "setbit" | "getbit" | "bitfield" | "bitfield_ro") => {
                self.random.between(-1, 200)
            }
            ("offset", "setrange") => self.random.between(-1, 120),
            ("value", "setbit") => self.random.between(0, 1),
            ("bit", _) => self.random.between(0, 1),
            ("seconds" | "milliseconds" | "ttl", "restore" | "expire" | "pexpire") => {
                return self.time();
            }
            ("seconds" | "milliseconds", _) => return self.time(),
            ("numkeys", _) => self.random.between(0, 3),
            ("db" | "destination-db" | "index1" | "index2", _) => {
                return self
                    .random
                    .pick(&["0", "0", "1", "1", "2", "15", "16", "-1"])
                    .to_owned();
            }
            ("ms" | "min-idle-time", _) => return self.idle(),
            ("entries_added" | "entries_read", _) => self.random.between(-1, 40),
            ("increment" | "decrement" | "value", _) => self.random.between(-300, 300),
            ("timeout", _) => return self.random.pick(&["0", "1", "-1", "x"]).to_owned(),
            _ => self.random.between(-8, 12),
        };
        number.to_string()
    }

    /// Times that both servers hold alike: long gone, or far away.
    fn time(&mut self) -> String {
        self.random
            .pick(&[
                "100000000",
                "100000000",
                "200000000",
                "300000000",
                "0",
                "-1",
                "-100000",
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775",
                "x",
                "1.5",
                "",
            ])
            .to_owned()
    }

    fn unix_time(&mut self, name: &str, place: &Place<'_>) -> String {
        let far = if name.contains("milli") { "000" } else { "" };
        // SET with a time that is past keeps the key a while in 7.0 and never stores it since.
        let past = !matches!(place.command, "set" | "msetex");
        match self.random.below(8) {
            0 if past => self.random.pick(&["1", "1000", "-1", "0"]).to_owned(),
            1 => self
                .random
                .pick(&[
                    "0",
                    "-1",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "x",
                    "",
                    "1.5",
                ])
                .to_owned(),
            _ => {
                let times = ["99999999999", "88888888888", "77777777777"];
                format!("{}{far}", self.random.pick(&times))
            }
        }
    }

    fn idle(&mut self) -> String {
        self.random
            .pick(&["0", "0", "0", "1000000000", "-1", "x"])
            .to_owned()
    }

    /// Numbers at boundaries, none of which makes a value or a reply of gigabytes.
    fn odd_number(&mut self, place: &Place<'_>) -> String {
        if place.command.ends_with("randmember") || place.command == "hrandfield" {
            let counts = [
                "-9223372036854775808",
                "9223372036854775808",
                "x",
                "",
                "1000",
                "-3",
            ];
            return self.random.pick(&counts).to_owned();
        }
        if matches!(place.group, "bitmap") || place.command == "setrange" {
            return self
                .random
                .pick(&[
                    "4294967296",
                    "9223372036854775807",
                    "-9223372036854775808",
                    "x",
                    "",
                    "+1",
                    "9223372036854775808",
                    "1.0",
                    "01",
                ])
                .to_owned();
        }
        self.random
            .pick(&[
                "2147483647",
                "2147483648",
                "-2147483648",
                "-2147483649",
                "4294967295",
                "4294967296",
                "9007199254740993",
                "9223372036854775807",
                "9223372036854775806",
                "-9223372036854775808",
                "-9223372036854775807",
                "9223372036854775808",
                "18446744073709551615",
                "18446744073709551616",
                "+1",
                " 1",
                "1 ",
                "01",
                "-0",
                "1.0",
                "1e3",
                "0x10",
                "nan",
                "inf",
                "",
                "x",
            ])
            .to_owned()
    }

    fn double(&mut self, name: &str, place: &Place<'_>) -> String {
        if self.random.chance(1, 20) {
            // Texts that 7.0 shows in another way than later versions are left out, and numbers out
            // of range: they leave an errno behind that 7.0's SORT stumbles over.
            return self
                .random
                .pick(&[
                    "nan",
                    "inf",
                    "-inf",
                    "+inf",
                    "infinity",
                    "x",
                    " 1",
                    "1 ",
                    "0x1p3",
                    "1e15",
                    "9007199254740993",
                    ".5",
                    "5.",
                    "3.0e3",
                ])
                .to_owned();
        }
        match name {
            "timeout" => self.random.pick(&["0", "0", "1", "0.5", "-1"]).to_owned(),
            "longitude" => self.coordinate(181_000),
            "latitude" => self.coordinate(86_000),
            "radius" | "width" | "height" => self
                .random
                .pick(&["1", "100", "5000", "100000", "20000.5", "0", "-1"])
                .to_owned(),
            "min" | "max" => {
                let sign = self.random.pick(&["", "", "("]);
                let infinite = ["-inf", "+inf", "inf"];
                if self.random.chance(1, 4) {
                    self.random.pick(&infinite).to_owned()
                } else {
                    format!("{sign}{}", self.score())
                }
            }
            _ if place.command == "incrbyfloat" || place.command == "hincrbyfloat" => {
                format!(
                    "{}.{}",
                    self.random.between(-50, 50),
                    self.random.pick(&["0", "5", "25", "1", "003"])
                )
            }
            _ => self.score(),
        }
    }

    fn coordinate(&mut self, thousandths_max: i64) -> String {
        let value = self.random.between(-thousandths_max, thousandths_max);
        let sign = if value < 0 { "-" } else { "" };
        format!("{sign}{}.{:03}", value.abs() / 1000, value.abs() % 1000)
    }

    fn score(&mut self) -> String {
        let half = if self.random.chance(1, 4) { ".5" } else { "" };
        format!("{}{half}", self.random.between(-6, 12))
    }

    fn pattern(&mut self, place: &Place<'_>) -> String {
        if place.command.starts_with("sort") {
            let patterns = ["s*", "h*->1", "nosort", "#", "h*->a", "*", "h*", "s0"];
            return self.random.pick(&patterns).to_owned();
        }
        self.random
            .pick(&[
                "*", "*", "*", "a*", "?", "[a-c]", "[^a]", "m1*", "\\a", "*1", "s*", "t?", "[",
                "**",
            ])
            .to_owned()
    }

    fn string(&mut self, name: &str, place: &Place<'_>) -> Vec<u8> {
        let text = match (name, place.command) {
            ("id" | "last-id" | "start" | "end" | "threshold" | "max_deleted_entry_id", _)
                if place.group == "stream" =>
            {
                return self.stream_id(name, place).into_bytes();
            }
            ("min-idle-time", _) => self.idle(),
            ("group" | "groupname", _) => {
                self.random.pick(&["g1", "g1", "g1", "g2", "g3"]).to_owned()
            }
            ("consumer" | "consumername", _) => self.random.pick(&["c1", "c2", "c3"]).to_owned(),
            ("start" | "stop", _) => self.zrange_bound(),
            ("min" | "max", _) => self.lex_bound(),
            ("operation", _) => self
                .random
                .pick(&["AND", "or", "XOR", "NOT", "NOT", "nand"])
                .to_owned(),
            ("encoding", _) => self
                .random
                .pick(&[
                    "u8", "i8", "u1", "i5", "u16", "i64", "u63", "i63", "u32", "u64", "i65", "x",
                    "i0",
                ])
                .to_owned(),
            ("subcommand", "pfdebug") => self
                .random
                .pick(&["ENCODING", "DECODE", "GETREG", "TODENSE", "x"])
                .to_owned(),
            ("type", _) => self
                .random
                .pick(&[
                    "string", "list", "set", "zset", "hash", "stream", "ZSET", "x",
                ])
                .to_owned(),
            ("serialized-value", _) => self
                .random
                .pick(&["", "x", "\0\0\0\0\0\0\0\0\0\0\0\0"])
                .to_owned(),
            (
                "value",
                "set" | "setnx" | "mset" | "msetnx" | "getset" | "append" | "setex" | "psetex",
            ) => {
                return self.value();
            }
            _ => return self.member(place),
        };
        text.into_bytes()
    }

    /// Ids grow, so that most entries are accepted.
    fn stream_id(&mut self, name: &str, place: &Place<'_>) -> String {
        if name == "threshold" && self.random.chance(1, 2) {
            return self.random.between(-1, 12).to_string();
        }
        // Later versions refuse an id below a deleted one.
        if place.command == "xsetid" {
            return format!("{}-0", self.clock + 1);
        }
        if self.random.chance(1, 10) {
            let odd = [
                "0",
                "0-0",
                "-",
                "+",
                "$",
                ">",
                "(1-1",
                "x",
                "",
                "1-",
                "-1",
                "1-x",
                "18446744073709551615-18446744073709551615",
                "1-2-3",
                "0-1",
            ];
            return self.random.pick(&odd).to_owned();
        }
        let adds = place.command == "xadd";
        match place.command {
            "xreadgroup" if self.random.chance(3, 4) => return ">".to_owned(),
            "xrange" | "xpending" if self.random.chance(1, 2) => {
                return if name == "start" { "-" } else { "+" }.to_owned();
            }
            "xrevrange" if self.random.chance(1, 2) => {
                return if name == "start" { "-" } else { "+" }.to_owned();
            }
            _ => {}
        }
        if adds {
            self.clock += self.random.between(0, 2);
        }
        let ms = if adds {
            self.clock
        } else {
            self.random.between(1, self.clock.max(2))
        };
        match self.random.below(6) {
            0 => ms.to_string(),
            1 if adds => format!("{ms}-*"),
            2 if place.command.starts_with("xrange") => format!("({ms}-1"),
            _ => format!("{ms}-{}", self.random.between(0, 3)),
        }
    }

    fn zrange_bound(&mut self) -> String {
        match self.random.below(4) {
            0 => self.lex_bound(),
            1 => format!("({}", self.score()),
            2 => self.random.pick(&["-inf", "+inf"]).to_owned(),
            _ => self.random.between(-8, 12).to_string(),
        }
    }

    fn lex_bound(&mut self) -> String {
        match self.random.below(8) {
            0 | 1 => "-".to_owned(),
            2 | 3 => "+".to_owned(),
            4 => self.random.pick(&["a", "", "[", "("]).to_owned(),
            _ => {
                let sign = self.random.pick(&["[", "("]);
                format!(
                    "{sign}{}",
                    self.random.pick(&["a", "b", "m1", "m5", "c", "9", "1"])
                )
            }
        }
    }

    /// A string value; often a number, for the commands that count.
    fn value(&mut self) -> Vec<u8> {
        match self.random.below(12) {
            0..=3 => self.random.between(-300, 300).to_string().into_bytes(),
            4 => self
                .random
                .pick(&[
                    "9223372036854775807",
                    "-9223372036854775808",
                    "1.5",
                    "01",
                    "",
                    " 1",
                    "3.0e3",
                ])
                .as_bytes()
                .to_vec(),
            5 => b"\x00\xff\r\n\x80".to_vec(),
            6 => vec![b'v'; self.random.below(100)],
            _ => self
                .random
                .pick(&["hello", "ohmytext", "mynewtext", "abcabc", "x"])
                .as_bytes()
                .to_vec(),
        }
    }

    fn member(&mut self, place: &Place<'_>) -> Vec<u8> {
        let numbers = if self.random.chance(1, 8) {
            !self.numbers
        } else {
            self.numbers
        };
        if numbers && place.group != "geo" {
            return match self.random.below(10) {
                0 => self
                    .random
                    .pick(&[
                        "32767",
                        "32768",
                        "-32769",
                        "2147483648",
                        "-2147483649",
                        "9223372036854775807",
                        "-9223372036854775808",
                        "9223372036854775808",
                        "01",
                        "-0",
                    ])
                    .as_bytes()
                    .to_vec(),
                _ => self.random.between(-5, 30).to_string().into_bytes(),
            };
        }
        match self.random.below(40) {
            0 => Vec::new(),
            1 => b"\xff\x00\r\n".to_vec(),
            2 => vec![b'L'; 65 + self.random.below(3)],
            3 => vec![b'v'; 8 + self.random.below(60)],
            4..=20 => self
                .random
                .pick(&["a", "b", "c", "d", "e", "f"])
                .as_bytes()
                .to_vec(),
            _ => format!("m{}", self.random.below(40)).into_bytes(),
        }
    }

    /// A word that belongs nowhere in particular.
    pub(super) fn any(&mut self, place: &Place<'_>) -> Vec<u8> {
        match self.random.below(4) {
            0 => self.odd_number(place).into_bytes(),
            1 => self.member(place),
            2 => self.key("", place).into_bytes(),
            _ => self
                .random
                .pick(&[
                    "COUNT",
                    "WITHSCORES",
                    "LIMIT",
                    "NX",
                    "XX",
                    "GT",
                    "REV",
                    "GET",
                    "STORE",
                    "x",
                    "BYLEX",
                ])
                .as_bytes()
                .to_vec(),
        }
    }
}

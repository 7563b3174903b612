//! The model's own reading of integers, dyadic decimals and globs, written from their definitions.
//! Deliberately slow, and deliberately not the engine's.

/// The integer whose decimal text is exactly `text`.
pub(crate) fn parse_int(text: &[u8]) -> Option<i64> {
    let value: i64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    (value.to_string().as_bytes() == text).then_some(value)
}

/// What a text is as a floating-point number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Float {
    /// A multiple of 2^-17 below 2^40, in units of 2^-17: exact in every format in question.
    Exact(i128),
    /// Certainly not a number.
    Invalid,
    /// Something that this model does not compute with.
    Unsure,
}

/// Fractional bits of [`Float::Exact`]; a multiple of 2^-17 has at most 17 decimals.
pub(crate) const FRACTION_BITS: u32 = 17;

/// Magnitudes that are surely exact, in units of 2^-17.
const EXACT_END: i128 = 1 << (40 + FRACTION_BITS);

/// Reads plain decimal text: a minus perhaps, digits, and a point with digits perhaps.
pub(crate) fn parse_float(text: &[u8]) -> Float {
    let known = |b: &u8| b.is_ascii_alphanumeric() || b"+-.()_".contains(b);
    if text.is_empty() || !text.iter().all(known) {
        return Float::Invalid;
    }
    let Ok(text) = std::str::from_utf8(text) else {
        return Float::Invalid;
    };
    let (negative, magnitude) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (int, frac) = magnitude.split_once('.').unwrap_or((magnitude, ""));
    let digits = format!("{int}{frac}");
    if int.is_empty() || digits.len() > 25 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Float::Unsure;
    }
    let Ok(digits) = digits.parse::<i128>() else {
        return Float::Unsure;
    };
    let (units, scale) = (digits << FRACTION_BITS, 10i128.pow(frac.len() as u32));
    if units % scale != 0 {
        return Float::Unsure;
    }
    exact(if negative {
        -units / scale
    } else {
        units / scale
    })
}

/// The number of so many units, if it is surely exact.
pub(crate) fn exact(units: i128) -> Float {
    if units.abs() < EXACT_END {
        Float::Exact(units)
    } else {
        Float::Unsure
    }
}

/// Decimal text of a multiple of 2^-17, without trailing zeros.
pub(crate) fn format_units(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (int, frac) = (
        units.abs() >> FRACTION_BITS,
        units.abs() % (1 << FRACTION_BITS),
    );
    let decimals = format!("{:017}", (frac * 10i128.pow(17)) >> FRACTION_BITS);
    let text = format!("{sign}{int}.{decimals}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}

/// Whether `text` matches the glob `pattern`.
pub(crate) fn glob(pattern: &[u8], text: &[u8]) -> bool {
    // A star wants something to be there at all.
    if text.is_empty() {
        pattern.is_empty()
    } else {
        glob_rest(pattern, text)
    }
}

fn glob_rest(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|n| glob_rest(rest, &text[n..])),
        (_, []) => false,
        ([b'?', rest @ ..], [_, tail @ ..]) => glob_rest(rest, tail),
        ([b'[', class @ ..], [byte, tail @ ..]) => {
            let (matched, rest) = glob_class(class, *byte);
            matched && glob_rest(rest, tail)
        }
        ([b'\\', literal, rest @ ..] | [literal, rest @ ..], [byte, tail @ ..]) => {
            literal == byte && glob_rest(rest, tail)
        }
    }
}

/// Whether `byte` is in the class, and the pattern behind the class.
fn glob_class(class: &[u8], byte: u8) -> (bool, &[u8]) {
    let (negated, mut rest) = match class {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    loop {
        rest = match rest {
            [b'\\', literal, tail @ ..] => {
                found |= *literal == byte;
                tail
            }
            [b']', tail @ ..] => return (found != negated, tail),
            [from, b'-', to, tail @ ..] => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                tail
            }
            [literal, tail @ ..] => {
                found |= *literal == byte;
                tail
            }
            [] => return (found != negated, rest),
        };
    }
}

//! What the commands about single fields share: `FIELDS numfields field ...` at the end of a
//! request, and the times before it. Not what the commands do.

use vk_data::num::parse_i64;
use vk_resp::Request;
use vk_spec::ArgSpec;

use crate::{
    Error,
    cmd::generic::times::{TimeForm, deadline_ms, expiry_ms},
    ctx::Ctx,
};

/// The declaration of the fields' names.
pub(super) const FIELDS: ArgSpec = ArgSpec::block(
    "fields",
    &[
        ArgSpec::integer("numfields"),
        ArgSpec::string("field").multiple(),
    ],
)
.token("FIELDS");

/// The declaration of the four ways to tell a time, behind their tokens.
pub(super) const TIMES: [ArgSpec; 4] = [
    ArgSpec::integer("seconds").token("EX"),
    ArgSpec::integer("milliseconds").token("PX"),
    ArgSpec::unix_time("unix-time-seconds").token("EXAT"),
    ArgSpec::unix_time("unix-time-milliseconds").token("PXAT"),
];

/// The number of the word FIELDS, which comes at `from` or later and is not the last one.
///
/// # Errors
/// That the number of fields is wrong, if there is no such word.
pub(super) fn fields_word(request: Request<'_>, from: usize) -> Result<usize, Error> {
    let is_fields = |at: &usize| {
        let word = request.arg(*at).unwrap_or_default();
        word.eq_ignore_ascii_case(b"FIELDS")
    };
    (from..request.len().saturating_sub(1))
        .find(is_fields)
        .ok_or(Error::BAD_FIELD_COUNT)
}

/// The words behind FIELDS, which is word `at`, and their number: so many fields of `words_each`
/// words.
///
/// # Errors
/// If there is no number, or another number of fields.
pub(super) fn fields_behind(
    request: Request<'_>,
    at: usize,
    words_each: usize,
) -> Result<Request<'_>, Error> {
    let count = request.arg(at.saturating_add(1)).and_then(parse_i64);
    let count = count.ok_or(Error::NOT_AN_INTEGER)?;
    let rest = request.skip(at.saturating_add(2));
    let words = usize::try_from(count)
        .ok()
        .and_then(|count| count.checked_mul(words_each));
    if count > 0 && words == Some(rest.len()) {
        Ok(rest)
    } else {
        Err(Error::BAD_FIELD_COUNT)
    }
}

/// The fields of a request in which FIELDS is word 2.
///
/// # Errors
/// If it is not, or if the number of fields is wrong.
pub(super) fn fixed_fields(request: Request<'_>) -> Result<Request<'_>, Error> {
    if fields_word(request, 2)? != 2 {
        return Err(Error::SYNTAX);
    }
    fields_behind(request, 2, 1)
}

/// A time for fields in unix milliseconds: 0 is allowed, and has passed.
///
/// # Errors
/// If the word is no integer, negative, or too large.
pub(super) fn time_ms(ctx: &Ctx<'_>, form: TimeForm, word: &[u8]) -> Result<i64, Error> {
    match parse_i64(word) {
        Some(0) => deadline_ms(ctx, form, word),
        _ => expiry_ms(ctx, form, word),
    }
}

//! Times in arguments: how they are read, and what becomes of a key whose time has passed by the
//! time it is set.

use vk_data::num::parse_i64;

use crate::{
    Error,
    access::KeyRef,
    config::{EventFlags, id},
    ctx::{Ctx, Origin, WriteCtx},
};

/// How a time is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cmd) struct TimeForm {
    /// In seconds, or else in milliseconds.
    seconds: bool,
    /// Counted from now, or else from 1970.
    from_now: bool,
}

impl TimeForm {
    /// Seconds from now.
    pub(in crate::cmd) const EX: Self = Self::new(true, true);
    /// Milliseconds from now.
    pub(in crate::cmd) const PX: Self = Self::new(false, true);
    /// Unix time in seconds.
    pub(in crate::cmd) const EXAT: Self = Self::new(true, false);
    /// Unix time in milliseconds.
    pub(in crate::cmd) const PXAT: Self = Self::new(false, false);

    const fn new(seconds: bool, from_now: bool) -> Self {
        Self { seconds, from_now }
    }

    /// The form that an option of this name announces.
    pub(in crate::cmd) fn named(word: &[u8]) -> Option<Self> {
        let names: [(&[u8], Self); 4] = [
            (b"EX", Self::EX),
            (b"PX", Self::PX),
            (b"EXAT", Self::EXAT),
            (b"PXAT", Self::PXAT),
        ];
        let named = names
            .iter()
            .find(|(name, _)| word.eq_ignore_ascii_case(name));
        named.map(|(_, form)| *form)
    }

    /// A time in this form as Unix milliseconds; `None` if it does not fit.
    fn unix_ms(self, time: i64, now_ms: i64) -> Option<i64> {
        let ms = if self.seconds {
            time.checked_mul(1000)?
        } else {
            time
        };
        if self.from_now {
            ms.checked_add(now_ms)
        } else {
            Some(ms)
        }
    }
}

/// The time of an expiry option, which lies after the beginning of time.
///
/// # Errors
/// If the word is no integer, not positive, or too large.
pub(in crate::cmd) fn expiry_ms(ctx: &Ctx<'_>, form: TimeForm, word: &[u8]) -> Result<i64, Error> {
    let time = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
    let at = form.unix_ms(time, ctx.now_ms()).filter(|_| time > 0);
    at.ok_or_else(|| invalid_time(ctx))
}

/// The time of EXPIRE and its kin, which may be negative.
///
/// # Errors
/// If the word is no integer or too large.
pub(in crate::cmd) fn deadline_ms(
    ctx: &Ctx<'_>,
    form: TimeForm,
    word: &[u8],
) -> Result<i64, Error> {
    let time = parse_i64(word).ok_or(Error::NOT_AN_INTEGER)?;
    let at = form.unix_ms(time, ctx.now_ms());
    at.ok_or_else(|| invalid_time(ctx))
}

fn invalid_time(ctx: &Ctx<'_>) -> Error {
    let name = ctx.engine.commands.full_name(ctx.command);
    Error::told(format_args!("ERR invalid expire time in '{name}' command"))
}

/// Whether a key that is to expire at this time is gone at once. An effect that is replayed was
/// decided before: its key stays until its removal is replayed too.
pub(in crate::cmd) fn has_passed(ctx: &Ctx<'_>, at_ms: i64) -> bool {
    at_ms <= ctx.now_ms() && ctx.origin != Origin::Replay
}

/// Removes a key, if it is there, because its new expiry has passed.
pub(in crate::cmd) fn delete_passed(ctx: &mut WriteCtx<'_>, key: KeyRef<'_>) {
    let mut writer = ctx.write(key);
    if !writer.remove() {
        return;
    }
    writer.commit(&[(EventFlags::GENERIC, "del")]);
    if ctx.wants_effects() {
        let lazy = ctx.config().bool(id::LAZYFREE_LAZY_EXPIRE);
        let name: &[u8] = if lazy { b"UNLINK" } else { b"DEL" };
        ctx.effect([name, key.bytes()]);
    }
}

//! The options that SET, GETEX, MSETEX and INCREX share: a condition and an expiry. What they do
//! is the commands' business.

use vk_data::{num::INT_TEXT_MAX, value::StrRef};
use vk_resp::{Args, Request};

use crate::{
    Error,
    cmd::generic::times::{TimeForm, expiry_ms},
    ctx::{Ctx, Expire, Writer},
};

/// When a command does its work.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Condition<'r> {
    /// Always.
    #[default]
    Always,
    /// NX: the key is not there.
    Absent,
    /// XX: the key is there.
    Present,
    /// IFEQ: the key holds this string.
    Equal(&'r [u8]),
}

/// What becomes of the expiry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Expiry<'r> {
    /// Nothing was said.
    #[default]
    Unsaid,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Persist,
    /// EX, PX, EXAT or PXAT, with the word that follows.
    Time(TimeForm, &'r [u8]),
}

/// Which options a command knows beside EX, PX, EXAT and PXAT.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// NX and XX.
    pub(super) exists: bool,
    /// IFEQ and GET.
    pub(super) old_value: bool,
    /// KEEPTTL.
    pub(super) keep: bool,
    /// PERSIST.
    pub(super) persist: bool,
}

/// The options of one request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Options<'r> {
    pub(super) condition: Condition<'r>,
    pub(super) expiry: Expiry<'r>,
    /// GET: the reply is the old value.
    pub(super) tells_old: bool,
}

impl<'r> Options<'r> {
    /// Reads all words from number `from` on.
    pub(super) fn parse(request: Request<'r>, from: usize, known: Known) -> Result<Self, Error> {
        let mut options = Self::default();
        let rest = request.skip(from);
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            if !options.take(word, &mut words, known)? {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Takes one option, with its value from `rest`; tells whether it is one of these. The same
    /// option may be given again, one that contradicts it may not.
    pub(super) fn take(
        &mut self,
        word: &'r [u8],
        rest: &mut Args<'r>,
        known: Known,
    ) -> Result<bool, Error> {
        if let Some(form) = TimeForm::named(word) {
            let fits = match self.expiry {
                Expiry::Unsaid => true,
                Expiry::Time(before, _) => before == form,
                Expiry::Keep | Expiry::Persist => false,
            };
            let time = rest.next().filter(|_| fits).ok_or(Error::SYNTAX)?;
            self.expiry = Expiry::Time(form, time);
            return Ok(true);
        }
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let fits_condition =
            |wanted| self.condition == Condition::Always || self.condition == wanted;
        let fits_expiry = |wanted| self.expiry == Expiry::Unsaid || self.expiry == wanted;
        if known.exists && is("NX") && fits_condition(Condition::Absent) {
            self.condition = Condition::Absent;
        } else if known.exists && is("XX") && fits_condition(Condition::Present) {
            self.condition = Condition::Present;
        } else if known.old_value && is("IFEQ") && self.condition == Condition::Always {
            self.condition = Condition::Equal(rest.next().ok_or(Error::SYNTAX)?);
        } else if known.old_value && is("GET") {
            self.tells_old = true;
        } else if known.keep && is("KEEPTTL") && fits_expiry(Expiry::Keep) {
            self.expiry = Expiry::Keep;
        } else if known.persist && is("PERSIST") && fits_expiry(Expiry::Persist) {
            self.expiry = Expiry::Persist;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// The expiry of the new value, as an absolute time; `unsaid` where nothing was said.
    pub(super) fn expire(&self, ctx: &Ctx<'_>, unsaid: Expire) -> Result<Expire, Error> {
        Ok(match self.expiry {
            Expiry::Unsaid => unsaid,
            Expiry::Keep => Expire::Keep,
            Expiry::Persist => Expire::Never,
            Expiry::Time(form, word) => Expire::At(expiry_ms(ctx, form, word)?),
        })
    }
}

impl Condition<'_> {
    /// Whether the key that is open in `writer` meets it.
    pub(super) fn is_met(self, writer: &Writer<'_>) -> Result<bool, Error> {
        Ok(match self {
            Self::Always => true,
            Self::Absent => writer.entry().is_none(),
            Self::Present => writer.entry().is_some(),
            Self::Equal(wanted) => writer.string()?.is_some_and(|value| equals(value, wanted)),
        })
    }
}

/// Whether a value is this string.
pub(super) fn equals(value: StrRef<'_>, wanted: &[u8]) -> bool {
    value.bytes(&mut [0; INT_TEXT_MAX]) == wanted
}

//! The options of HSETEX and HGETEX: conditions and an expiry. What they do is the commands'
//! business.

use vk_data::hash::HashRef;
use vk_resp::Request;

use super::fields::time_ms;
use crate::{Error, cmd::generic::times::TimeForm, ctx::WriteCtx};

/// Whether something has to be there.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Existence {
    #[default]
    Any,
    Absent,
    Present,
}

impl Existence {
    pub(super) fn is_met(self, is_there: bool) -> bool {
        match self {
            Self::Any => true,
            Self::Absent => !is_there,
            Self::Present => is_there,
        }
    }
}

/// The words between the key and FIELDS.
#[derive(Default)]
pub(super) struct Options<'r> {
    /// NX, XX.
    pub(super) key_condition: Existence,
    /// FNX, FXX.
    field_condition: Existence,
    /// KEEPTTL.
    pub(super) keeps: bool,
    /// PERSIST.
    persists: bool,
    /// EX, PX, EXAT or PXAT, with the word that follows.
    time: Option<(TimeForm, &'r [u8])>,
}

impl<'r> Options<'r> {
    /// Reads words `from` to before `to`; KEEPTTL and the conditions are for a command that `sets`,
    /// PERSIST for one that does not. The same option may be given again, one that contradicts it
    /// may not.
    pub(super) fn parse(
        request: Request<'r>,
        from: usize,
        to: usize,
        sets: bool,
    ) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut words = (from..to).filter_map(|at| request.arg(at));
        while let Some(word) = words.next() {
            if let Some(form) = TimeForm::named(word) {
                let fits = !options.keeps
                    && !options.persists
                    && options.time.is_none_or(|(before, _)| before == form);
                let time = words.next().filter(|_| fits).ok_or(Error::SYNTAX)?;
                options.time = Some((form, time));
            } else if !options.take(word, sets) {
                return Err(Error::SYNTAX);
            }
        }
        Ok(options)
    }

    /// Takes an option without a value; tells whether it is known and fits.
    fn take(&mut self, word: &[u8], sets: bool) -> bool {
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        let (place, wanted) = if is("NX") {
            (&mut self.key_condition, Existence::Absent)
        } else if is("XX") {
            (&mut self.key_condition, Existence::Present)
        } else if is("FNX") {
            (&mut self.field_condition, Existence::Absent)
        } else if is("FXX") {
            (&mut self.field_condition, Existence::Present)
        } else if self.time.is_some() {
            return false;
        } else if is("KEEPTTL") && sets {
            self.keeps = true;
            return true;
        } else if is("PERSIST") && !sets {
            self.persists = true;
            return true;
        } else {
            return false;
        };
        let fits = sets && (*place == Existence::Any || *place == wanted);
        *place = wanted;
        fits
    }

    /// Something is to be changed.
    pub(super) fn changes(&self) -> bool {
        self.persists || self.time.is_some()
    }

    /// The time in Unix milliseconds, if one was given.
    pub(super) fn time(&self, ctx: &WriteCtx<'_>) -> Result<Option<i64>, Error> {
        let Some((form, word)) = self.time else {
            return Ok(None);
        };
        time_ms(ctx, form, word).map(Some)
    }

    /// Whether all fields are there, or none of them, as the condition wants it.
    pub(super) fn fields_are_as_wanted(
        &self,
        hash: Option<HashRef<'_>>,
        fields: Request<'_>,
        now_ms: i64,
    ) -> bool {
        let is_there = |name: &[u8]| hash.is_some_and(|hash| hash.contains(name, now_ms));
        self.field_condition == Existence::Any
            || fields
                .iter()
                .step_by(2)
                .all(|name| self.field_condition.is_met(is_there(name)))
    }
}

//! The options that string commands share: conditions and expiry. Reads them in the server's order
//! and with its rules of what excludes what; executing them is the commands' part.

use crate::{Call, ModelReply, syntax_error};

/// The expiry that a command asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Expiry {
    /// None was named: SET removes what there is, GETEX and INCREX keep it.
    #[default]
    Unsaid,
    /// KEEPTTL.
    Keep,
    /// PERSIST.
    Remove,
    /// EX, PX, EXAT, PXAT: the word, and the position of its number.
    At(&'static str, usize),
}

/// The condition of a write.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Condition {
    #[default]
    Always,
    Absent,
    Present,
    Equal(Vec<u8>),
}

/// Options as read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) expiry: Expiry,
    pub(crate) condition: Condition,
    pub(crate) get: bool,
}

/// Which options a command has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepts {
    pub(crate) nx_xx: bool,
    pub(crate) ifeq: bool,
    pub(crate) get: bool,
    pub(crate) keepttl: bool,
    pub(crate) persist: bool,
}

const TIMES: [&str; 4] = ["EX", "PX", "EXAT", "PXAT"];

impl Options {
    /// Reads one option at `at`; the position behind it, or None if it is none of these, or
    /// contradicts an earlier one.
    pub(crate) fn read(&mut self, call: &Call<'_>, at: usize, accepts: Accepts) -> Option<usize> {
        let has_next = at + 1 < call.args.len();
        if accepts.nx_xx && call.is_word(at, "NX") {
            return self.condition(Condition::Absent).then_some(at + 1);
        }
        if accepts.nx_xx && call.is_word(at, "XX") {
            return self.condition(Condition::Present).then_some(at + 1);
        }
        if accepts.ifeq && call.is_word(at, "IFEQ") && has_next {
            let equal = Condition::Equal(call.args[at + 1].clone());
            return (self.condition == Condition::Always && self.condition(equal))
                .then_some(at + 2);
        }
        if accepts.get && call.is_word(at, "GET") {
            self.get = true;
            return Some(at + 1);
        }
        if accepts.keepttl && call.is_word(at, "KEEPTTL") {
            return self.expiry(Expiry::Keep).then_some(at + 1);
        }
        if accepts.persist && call.is_word(at, "PERSIST") {
            return self.expiry(Expiry::Remove).then_some(at + 1);
        }
        let word = TIMES.into_iter().find(|word| call.is_word(at, word))?;
        (has_next && self.expiry(Expiry::At(word, at + 1))).then_some(at + 2)
    }

    /// The same condition may be said again, another one may not.
    fn condition(&mut self, new: Condition) -> bool {
        let fits = self.condition == Condition::Always || self.condition == new;
        self.condition = new;
        fits
    }

    /// The same kind of expiry may be said again, the last number counts.
    fn expiry(&mut self, new: Expiry) -> bool {
        let fits = match (self.expiry, new) {
            (Expiry::Unsaid, _) => true,
            (Expiry::At(old, _), Expiry::At(word, _)) => old == word,
            (old, new) => old == new,
        };
        self.expiry = new;
        fits
    }
}

impl Call<'_> {
    /// Reads options from `at` to the end.
    pub(crate) fn options(&self, mut at: usize, accepts: Accepts) -> Result<Options, ModelReply> {
        let mut options = Options::default();
        while at < self.args.len() {
            at = options.read(self, at, accepts).ok_or_else(syntax_error)?;
        }
        Ok(options)
    }

    /// The absolute time in milliseconds that an expiry option asks for, if it does.
    pub(crate) fn expiry_ms(&self, expiry: Expiry) -> Result<Option<i64>, ModelReply> {
        let Expiry::At(word, position) = expiry else {
            return Ok(None);
        };
        self.absolute_ms(word, self.int(position)?).map(Some)
    }

    /// The absolute time of a positive number behind EX, PX, EXAT or PXAT.
    pub(crate) fn absolute_ms(&self, word: &str, number: i64) -> Result<i64, ModelReply> {
        let unit = if word.starts_with('E') { 1_000 } else { 1 };
        let base = if word.ends_with("AT") { 0 } else { self.now_ms };
        let time = number
            .checked_mul(unit)
            .and_then(|time| time.checked_add(base));
        time.filter(|_| number > 0)
            .ok_or_else(|| self.invalid_expire())
    }
}

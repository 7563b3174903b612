//! Ranges of scores and of members, with bounds that belong to them or not. Not their text.

/// A range of scores.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScoreRange {
    /// The lowest score.
    pub min: f64,
    /// The highest score.
    pub max: f64,
    /// The lowest score itself is outside.
    pub min_excluded: bool,
    /// The highest score itself is outside.
    pub max_excluded: bool,
}

impl ScoreRange {
    /// Every score.
    pub const ALL: Self = Self {
        min: f64::NEG_INFINITY,
        max: f64::INFINITY,
        min_excluded: false,
        max_excluded: false,
    };

    /// The score is not below the range.
    #[must_use]
    pub fn reaches(&self, score: f64) -> bool {
        if self.min_excluded {
            score > self.min
        } else {
            score >= self.min
        }
    }

    /// The score is not above the range.
    #[must_use]
    pub fn admits(&self, score: f64) -> bool {
        if self.max_excluded {
            score < self.max
        } else {
            score <= self.max
        }
    }

    /// The score lies in the range.
    #[must_use]
    pub fn contains(&self, score: f64) -> bool {
        self.reaches(score) && self.admits(score)
    }
}

/// One end of a range of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lex<'a> {
    /// Before every member (`-`).
    Min,
    /// Behind every member (`+`).
    Max,
    /// This member, which is inside (`[m`).
    Inclusive(&'a [u8]),
    /// This member, which is outside (`(m`).
    Exclusive(&'a [u8]),
}

/// A range of members by the order of their bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LexRange<'a> {
    /// The lowest member.
    pub min: Lex<'a>,
    /// The highest member.
    pub max: Lex<'a>,
}

impl LexRange<'_> {
    /// The member is not below the range.
    #[must_use]
    pub fn reaches(&self, member: &[u8]) -> bool {
        match self.min {
            Lex::Min => true,
            Lex::Max => false,
            Lex::Inclusive(min) => member >= min,
            Lex::Exclusive(min) => member > min,
        }
    }

    /// The member is not above the range.
    #[must_use]
    pub fn admits(&self, member: &[u8]) -> bool {
        match self.max {
            Lex::Min => false,
            Lex::Max => true,
            Lex::Inclusive(max) => member <= max,
            Lex::Exclusive(max) => member < max,
        }
    }

    /// The member lies in the range.
    #[must_use]
    pub fn contains(&self, member: &[u8]) -> bool {
        self.reaches(member) && self.admits(member)
    }
}

//! How soon the kernel's out-of-memory killer ends this process: `oom-score-adj`.
//!
//! Not the decision what to end, which is the kernel's: it is told a number.

use std::{fs, io, path::PathBuf};

use rustix::process::{DumpableBehavior, dumpable_behavior, set_dumpable_behavior};
use vk_engine::config::{Config, id};

/// The number of this process.
const FILE: &str = "/proc/self/oom_score_adj";
/// The kernel's bounds.
const SCORE_MAX: i64 = 1000;

/// What the configuration asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WantedScore {
    /// What the process was started with.
    Untouched,
    /// So much more than that.
    Relative(i64),
    /// This number.
    Absolute(i64),
}

impl WantedScore {
    pub(crate) fn of(config: &Config) -> Self {
        // A primary's; this version has no replicas and no children.
        let [score, ..] = config.oom_scores();
        match config.choice(id::OOM_SCORE_ADJ).as_str() {
            "no" => Self::Untouched,
            "absolute" => Self::Absolute(score),
            _ => Self::Relative(score),
        }
    }
}

/// The score, and what it was before it was touched.
#[derive(Debug)]
pub(crate) struct OomScore {
    file: PathBuf,
    /// Set while the score is ours.
    before: Option<i64>,
}

impl Default for OomScore {
    fn default() -> Self {
        Self {
            file: FILE.into(),
            before: None,
        }
    }
}

impl OomScore {
    /// Sets the score, or puts back what it was.
    ///
    /// # Errors
    /// The kernel refuses: a lower score than before needs a privilege. The score is not ours then.
    pub(crate) fn follow(&mut self, wanted: WantedScore) -> io::Result<()> {
        let (score, before) = match (wanted, self.before) {
            (WantedScore::Untouched, None) => return Ok(()),
            (WantedScore::Untouched, Some(before)) => (before, None),
            (wanted, before) => {
                let before = match before {
                    Some(before) => before,
                    None => self.read()?,
                };
                let score = match wanted {
                    WantedScore::Relative(score) => before.saturating_add(score),
                    WantedScore::Absolute(score) => score,
                    WantedScore::Untouched => before,
                };
                (score, Some(before))
            }
        };
        let score = score.clamp(-SCORE_MAX, SCORE_MAX);
        self.before = None;
        self.write(score)?;
        self.before = before;
        Ok(())
    }

    /// The file of a process that may not be dumped belongs to root: it may be for the moment.
    fn write(&self, score: i64) -> io::Result<()> {
        let is_shut = dumpable_behavior() == Ok(DumpableBehavior::NotDumpable);
        if is_shut {
            set_dumpable_behavior(DumpableBehavior::Dumpable)?;
        }
        let written = fs::write(&self.file, score.to_string());
        if is_shut {
            set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
        }
        written
    }

    fn read(&self) -> io::Result<i64> {
        let text = fs::read_to_string(&self.file)?;
        text.trim()
            .parse()
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::{OomScore, WantedScore};
    use crate::test_dir::TestDir;

    #[test]
    fn the_score_follows_and_goes_back() {
        let folder = TestDir::new();
        let file = folder.path().join("score");
        fs::write(&file, "3\n").unwrap();
        let mut score = OomScore {
            file: file.clone(),
            before: None,
        };
        let shown = || fs::read_to_string(&file).unwrap();
        score.follow(WantedScore::Untouched).unwrap();
        assert_eq!(shown(), "3\n");
        for (wanted, expected) in [
            (WantedScore::Relative(9), "12"),
            (WantedScore::Relative(10), "13"),
            (WantedScore::Absolute(-5), "-5"),
            (WantedScore::Relative(2000), "1000"),
            (WantedScore::Absolute(-2000), "-1000"),
            (WantedScore::Untouched, "3"),
        ] {
            score.follow(wanted).unwrap();
            assert_eq!(shown(), expected);
        }
        // Somebody else's value is the new base.
        fs::write(&file, "20").unwrap();
        score.follow(WantedScore::Relative(1)).unwrap();
        assert_eq!(shown(), "21");
    }

    #[test]
    fn a_refusal_leaves_the_score_alone() {
        let folder = TestDir::new();
        let mut score = OomScore {
            file: folder.path().join("none/score"),
            before: None,
        };
        assert!(score.follow(WantedScore::Absolute(1)).is_err());
        assert!(score.before.is_none());
        score.follow(WantedScore::Untouched).unwrap();
    }
}

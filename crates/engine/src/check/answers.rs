//! How many replies a request may get. Not what is in them.

use vk_resp::{Reply, ReplyBuf, ReplyLimits, ReplyParser};

/// What was sent in answer to a request, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answers {
    /// Whole replies.
    pub(super) replies: usize,
    /// Pushes of RESP3 among and behind them.
    pub(super) pushes: usize,
}

impl Answers {
    /// Counts; `None` if the bytes are no whole replies.
    pub(super) fn of(bytes: &ReplyBuf) -> Option<Self> {
        let mut parser = ReplyParser::new(ReplyLimits::default());
        for chunk in bytes.chunks() {
            parser.feed(chunk);
        }
        let (mut replies, mut pushes) = (0, 0);
        while let Some(reply) = parser.poll().ok()? {
            match reply {
                Reply::Push(_) => pushes += 1,
                _ => replies += 1,
            }
        }
        parser.is_idle().then_some(Self { replies, pushes })
    }

    /// Exactly one reply, whatever was pushed with it.
    pub(super) const fn is_one(self) -> bool {
        self.replies == 1
    }

    /// At least one of either.
    pub(super) const fn is_any(self) -> bool {
        self.replies + self.pushes > 0
    }
}

/// Whether a request is answered for each name that it holds: SUBSCRIBE and its kin.
pub(super) fn answers_each_name(name: &[u8]) -> bool {
    name.to_ascii_lowercase().ends_with(b"subscribe")
}

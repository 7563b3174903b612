//! Split invariance, totality and bounds of the reply parser.

use super::pieces;
use crate::{RESERVE_AHEAD_BYTES, Reply, ReplyError, ReplyLimits, ReplyParser};
use alloc::format;
use alloc::vec::Vec;

const LIMITS: [ReplyLimits; 2] = [
    ReplyLimits {
        depth_max: 128,
        bytes_max: 1 << 24,
        elements_max: 1 << 20,
    },
    ReplyLimits {
        depth_max: 2,
        bytes_max: 16,
        elements_max: 3,
    },
];

/// Checks that any cut of `data` (see `pieces`) gives the same replies and the same
/// error, within bounds.
pub fn check_reply_bytes(data: &[u8], splits: &[u8]) {
    for limits in LIMITS {
        let whole = parse_in_pieces(data, &[], limits);
        let cut = parse_in_pieces(data, splits, limits);
        // As text, since a NaN does not equal itself.
        assert_eq!(
            format!("{whole:?}"),
            format!("{cut:?}"),
            "cut at {splits:?}, {limits:?}"
        );
    }
}

/// The replies, the error, and whether the stream ended between two replies.
type Outcome = (Vec<Reply>, Option<ReplyError>, bool);

fn parse_in_pieces(data: &[u8], splits: &[u8], limits: ReplyLimits) -> Outcome {
    let mut parser = ReplyParser::new(limits);
    let mut replies = Vec::new();
    let mut fed = 0_usize;
    for piece in pieces(data, splits) {
        parser.feed(piece);
        fed = fed.saturating_add(piece.len());
        let held_max = fed
            .saturating_add(fed / 8)
            .saturating_add(RESERVE_AHEAD_BYTES);
        assert!(
            parser.held_bytes() <= held_max,
            "{} held",
            parser.held_bytes()
        );
        loop {
            match parser.poll() {
                Ok(Some(reply)) => replies.push(reply),
                Ok(None) => break,
                Err(error) => {
                    parser.feed(b"+OK\r\n");
                    assert_eq!(parser.poll(), Err(error), "went on after an error");
                    return (replies, Some(error), false);
                }
            }
        }
        assert!(replies.len() <= fed, "more replies than bytes");
    }
    (replies, None, parser.is_idle())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn token() -> impl Strategy<Value = Vec<u8>> {
        let known = prop::sample::select(vec![
            &b"+OK\r\n"[..],
            b"-ERR x\r\n",
            b":1\r\n",
            b":x\r\n",
            b"$3\r\nabc\r\n",
            b"$-1\r\n",
            b"$5\r\nabc\r\n",
            b"*2\r\n",
            b"*0\r\n",
            b"*-1\r\n",
            b"%1\r\n",
            b"~2\r\n",
            b">1\r\n",
            b"|1\r\n",
            b"_\r\n",
            b"#t\r\n",
            b",1.5\r\n",
            b",nan\r\n",
            b"(123\r\n",
            b"\r",
            b"\n",
            b"=7\r\ntxt:abc\r\n",
            b"=2\r\nab\r\n",
            b"!3\r\nERR\r\n",
            b"*99999999999999999999\r\n",
            b"*4000000000\r\n",
            b"$4000000000\r\n",
            b"x",
        ]);
        let noise = prop::collection::vec(any::<u8>(), 0..4);
        prop_oneof![9 => known.prop_map(<[u8]>::to_vec), 1 => noise]
    }

    proptest! {
        #[test]
        fn any_cut_of_any_stream(
            parts in prop::collection::vec(token(), 0..24),
            splits in prop::collection::vec(0..12_u8, 0..40),
        ) {
            check_reply_bytes(&parts.concat(), &splits);
        }
    }
}

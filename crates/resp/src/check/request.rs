//! Split invariance, totality and bounds of the request parser.

use super::pieces;
use crate::{Batch, Limits, Parser, ProtocolError, RESERVE_AHEAD_BYTES, encode_command};
use alloc::vec::Vec;

/// The limits under which the properties are checked: usual ones, those before authentication,
/// and ones so tight that short inputs hit each of them.
pub const LIMITS: [Limits; 3] = [
    Limits::DEFAULT,
    Limits::UNAUTHENTICATED,
    Limits {
        args_max: 2,
        bulk_bytes_max: 1,
        unauthenticated: true,
        query_bytes_max: 12,
    },
];

/// What a stream came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The requests, encoded again.
    pub wire: Vec<u8>,
    /// Their number.
    pub requests: usize,
    /// How the stream ended.
    pub error: Option<ProtocolError>,
    /// Whether it ended between two requests.
    pub idle: bool,
}

/// Checks that any cut of `data` (see `pieces`) and any number of requests per call give
/// the same requests and the same error, within bounds.
pub fn check_request_bytes(data: &[u8], splits: &[u8]) {
    for limits in &LIMITS {
        let whole = parse_in_pieces(data, &[], limits, usize::MAX);
        for frames_max in [1, 3, usize::MAX] {
            let cut = parse_in_pieces(data, splits, limits, frames_max);
            assert_eq!(
                whole, cut,
                "cut at {splits:?}, {frames_max} per call, {limits:?}"
            );
        }
    }
}

/// Runs a parser over the pieces; asserts its bounds on the way.
#[must_use]
pub fn parse_in_pieces(data: &[u8], splits: &[u8], limits: &Limits, frames_max: usize) -> Outcome {
    let (mut parser, mut batch) = (Parser::new(), Batch::new());
    let mut outcome = Outcome::default();
    let mut fed = 0_usize;
    for piece in pieces(data, splits) {
        fed = fed.saturating_add(piece.len());
        let mut at = 0;
        while at < piece.len() && outcome.error.is_none() {
            let parsed = parser.parse(piece, at, limits, frames_max, &mut batch);
            outcome.add(&batch, piece);
            assert!(batch.len() <= frames_max, "more requests than asked for");
            match parsed {
                Ok(to) => {
                    assert!(at < to && to <= piece.len(), "from {at} to {to}");
                    assert!(
                        to == piece.len() || batch.len() == frames_max,
                        "stopped early"
                    );
                    at = to;
                }
                Err(error) => outcome.error = Some(error),
            }
            batch.clear();
            assert!(
                parser.held_bytes() <= held_max(fed),
                "{} held",
                parser.held_bytes()
            );
        }
    }
    outcome.idle = parser.is_idle();
    if outcome.error.is_some() {
        let after = parser.parse(b"PING\r\n", 0, limits, usize::MAX, &mut batch);
        assert_eq!(
            (after.err(), batch.len()),
            (outcome.error, 0),
            "went on after an error"
        );
        assert_eq!(parser.held_bytes(), 0, "memory held after an error");
    }
    outcome
}

/// The arena holds what arrived plus an eighth or [`RESERVE_AHEAD_BYTES`]; an argument takes six
/// bytes on the wire and a span of 16, under the same rule; the rest is the machine itself.
const fn held_max(fed: usize) -> usize {
    let arena = fed
        .saturating_add(fed / 8)
        .saturating_add(RESERVE_AHEAD_BYTES);
    let spans = fed.saturating_mul(3).saturating_add(RESERVE_AHEAD_BYTES);
    arena.saturating_add(spans).saturating_add(1024)
}

impl Outcome {
    fn add(&mut self, batch: &Batch, input: &[u8]) {
        for request in batch.iter(input) {
            let args: Vec<&[u8]> = request.iter().collect();
            assert!(!args.is_empty(), "an empty request came out");
            assert_eq!(args.len(), request.len());
            let wire = encode_command(&args);
            assert_eq!(wire.len(), request.wire_bytes());
            assert!(request.wire().is_none_or(|as_sent| as_sent == wire));
            let owned = request.to_owned();
            assert!(owned.view().iter().eq(request.iter()), "a copy differs");
            for (index, arg) in args.iter().enumerate() {
                let blob = request.blob(index);
                assert!(blob.is_none_or(|blob| blob[..] == **arg), "a blob differs");
            }
            self.requests = self.requests.saturating_add(1);
            self.wire.extend_from_slice(&wire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BLOB_BYTES_MIN;
    use alloc::vec;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            5 => prop::collection::vec(any::<u8>(), 0..12),
            1 => (0..3_usize, any::<u8>()).prop_map(|(over, byte)| vec![
                byte;
                BLOB_BYTES_MIN - 1 + over
            ]),
        ];
        let command = prop::collection::vec(word, 0..5).prop_map(|words| {
            encode_command(&words.iter().map(|word| &word[..]).collect::<Vec<_>>())
        });
        let text = prop::sample::select(vec![
            &b"*1\r\n"[..],
            b"$1\r\n",
            b"$-1\r\n",
            b"*-1\r\n",
            b"*0\r\n",
            b"\r\n",
            b"\n",
            b"\r",
            b"PING\r\n",
            b"set 'a b' \"\\x41\"\r\n",
            b"\"",
            b"*11\r\n",
            b"$20000\r\n",
            b"\0",
            b"*9999999999\r\n",
            b"$99999999999999999999\r\n",
            b"*3\r\n$3\r\nSET\r\n",
        ]);
        prop_oneof![4 => command, 2 => text.prop_map(<[u8]>::to_vec)]
    }

    proptest! {
        #[test]
        fn any_cut_of_any_stream(
            parts in prop::collection::vec(piece(), 0..6),
            splits in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            check_request_bytes(&parts.concat(), &splits);
        }

        #[test]
        fn any_cut_of_any_bytes(
            data in prop::collection::vec(any::<u8>(), 0..64),
            splits in prop::collection::vec(0..9_u8, 0..64),
        ) {
            check_request_bytes(&data, &splits);
        }
    }
}

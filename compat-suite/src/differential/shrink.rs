//! Makes a failing sequence small: commands are dropped, in big pieces and then one by one, as long
//! as the same kind of difference shows on empty servers.

use super::{Difference, Pair, Words, generate::is_sound};
use anyhow::Result;
use std::time::{Duration, Instant};

/// Longest time spent on one difference.
const TIME_MAX: Duration = Duration::from_secs(30);

/// The smaller sequence, which ends with the command that shows the difference (or that the look at
/// the state follows), and the difference that it shows.
pub(super) fn shrink(
    pair: &mut Pair,
    settings: &[Words],
    mut sequence: Vec<Words>,
    mut found: Difference,
) -> Result<(Vec<Words>, Difference)> {
    let (class, deadline) = (found.class(), Instant::now() + TIME_MAX);
    sequence.truncate(found.at.saturating_add(1));
    let mut piece = sequence.len().div_ceil(2);
    while piece > 0 {
        let (mut from, mut dropped) = (0, false);
        while from < sequence.len() && Instant::now() < deadline {
            let to = (from + piece).min(sequence.len());
            let mut smaller = sequence.get(..from).unwrap_or_default().to_vec();
            smaller.extend_from_slice(sequence.get(to..).unwrap_or_default());
            let outcome = if is_sound(&smaller) {
                pair.run(settings, &smaller)?
            } else {
                None
            };
            match outcome {
                Some(now) if now.class() == class => {
                    smaller.truncate(now.at.saturating_add(1));
                    (sequence, found, dropped) = (smaller, now, true);
                }
                _ => from = to,
            }
        }
        if !(piece == 1 && dropped) {
            piece /= 2;
        }
        if Instant::now() >= deadline {
            break;
        }
    }
    Ok((sequence, found))
}

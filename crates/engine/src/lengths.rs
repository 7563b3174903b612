//! How many names there are of each length, so that those which something begins with are found
//! by a look-up for each length alone. Not the names themselves.

use alloc::collections::BTreeMap;

/// Counts by length.
#[derive(Debug, Default)]
pub(crate) struct Lengths(BTreeMap<usize, usize>);

impl Lengths {
    /// A name has come.
    pub(crate) fn add(&mut self, len: usize) {
        *self.0.entry(len).or_default() += 1;
    }

    /// A name has gone.
    pub(crate) fn remove(&mut self, len: usize) {
        if let Some(count) = self.0.get_mut(&len) {
            *count -= 1;
            if *count == 0 {
                self.0.remove(&len);
            }
        }
    }

    /// The lengths of names up to `max`, shortest first.
    pub(crate) fn up_to(&self, max: usize) -> impl Iterator<Item = usize> {
        self.0.range(..=max).map(|(len, _)| *len)
    }
}

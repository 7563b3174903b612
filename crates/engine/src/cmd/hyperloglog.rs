//! Commands on HyperLogLogs, which are strings of a certain form. Here is what the families of
//! this group share.

mod count;
mod debug;

use vk_data::hll::HllError;

use super::Command;
use crate::{Error, config::id, ctx::Ctx};

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[
    debug::PFSELFTEST,
    count::PFADD,
    count::PFCOUNT,
    count::PFMERGE,
    debug::PFDEBUG,
];

impl From<HllError> for Error {
    fn from(error: HllError) -> Self {
        match error {
            HllError::Corrupted => Self::HLL_CORRUPTED,
            _ => Self::NOT_HLL,
        }
    }
}

/// The length in bytes up to which a HyperLogLog stays sparse.
fn sparse_bytes_max(ctx: &Ctx<'_>) -> usize {
    usize::try_from(ctx.config().size(id::HLL_SPARSE_MAX_BYTES)).unwrap_or(usize::MAX)
}

//! Commands of this group.

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[];

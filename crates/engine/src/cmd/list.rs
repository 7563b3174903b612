//! The commands of group list.

use super::Command;

/// The commands of this group.
pub(super) const COMMANDS: &[Command] = &[];

//! What clients call the commands: the names of their declarations, changed by `rename-command`.
//!
//! Not how a name is found in a request, which is the table's. Only commands have other names, no
//! subcommands; statistics, rules and effects go by the declared names whatever the others are.

use alloc::{boxed::Box, collections::BTreeMap};
use core::fmt;

use super::specs;

/// The names that differ from the declared ones.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CommandNames {
    /// By the declared name; none for a command that is not to be called.
    changed: BTreeMap<&'static str, Option<Box<[u8]>>>,
}

/// Why a command does not get another name. Shown as Valkey shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenameError {
    /// No command is called so, or not any more.
    NoSuchCommand,
    /// Another command is called so.
    TargetExists,
}

impl CommandNames {
    /// The command that is called `old` is called `new` from now on; with an empty `new` it cannot
    /// be called any more. Upper and lower case are the same.
    ///
    /// # Errors
    /// There is no `old`, or another `new`; nothing changes then.
    pub fn rename(&mut self, old: &[u8], new: &[u8]) -> Result<(), RenameError> {
        let command = self.find(old).ok_or(RenameError::NoSuchCommand)?;
        if self.find(new).is_some_and(|other| other != command) {
            return Err(RenameError::TargetExists);
        }
        let new = (!new.is_empty()).then(|| Box::from(new));
        self.changed.insert(command, new);
        Ok(())
    }

    /// Whether every command has its declared name.
    pub(crate) fn is_empty(&self) -> bool {
        self.changed.is_empty()
    }

    /// What the command of this declared name is called; none if it is not to be called.
    pub(super) fn of(&self, declared: &'static str) -> Option<&[u8]> {
        match self.changed.get(declared) {
            Some(name) => name.as_deref(),
            None => Some(declared.as_bytes()),
        }
    }

    /// The declared name of the command that is called so.
    fn find(&self, name: &[u8]) -> Option<&'static str> {
        let names = specs().map(|command| command.spec.name);
        names.into_iter().find(|declared| {
            self.of(declared)
                .is_some_and(|known| known.eq_ignore_ascii_case(name))
        })
    }
}

impl fmt::Debug for CommandNames {
    /// The names stay out: who gives one that is hard to guess wants it to be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandNames")
            .field("changed", &self.changed.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Display for RenameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchCommand => "No such command in rename-command",
            Self::TargetExists => "Target command name already exists",
        })
    }
}

impl core::error::Error for RenameError {}

#[cfg(test)]
#[path = "names_tests.rs"]
mod calls;

#[cfg(test)]
mod tests {
    use super::{CommandNames, RenameError};

    #[test]
    fn names_go_from_hand_to_hand() {
        let mut names = CommandNames::default();
        let mut rename = |old: &str, new: &str| names.rename(old.as_bytes(), new.as_bytes());
        assert_eq!(rename("nothing", "x"), Err(RenameError::NoSuchCommand));
        assert_eq!(rename("", "x"), Err(RenameError::NoSuchCommand));
        assert_eq!(rename("get", "SET"), Err(RenameError::TargetExists));
        assert_eq!(rename("config|get", "x"), Err(RenameError::NoSuchCommand));
        // The own name in another case, and then three that go round.
        assert_eq!(rename("GET", "Get"), Ok(()));
        assert_eq!(rename("get", "third"), Ok(()));
        assert_eq!(rename("get", "x"), Err(RenameError::NoSuchCommand));
        assert_eq!(rename("set", "get"), Ok(()));
        assert_eq!(rename("Third", "set"), Ok(()));
        // A command that is gone comes back by no name, and its name is free.
        assert_eq!(rename("del", ""), Ok(()));
        assert_eq!(rename("del", "x"), Err(RenameError::NoSuchCommand));
        assert_eq!(rename("unlink", "del"), Ok(()));
        assert_eq!(names.of("get"), Some(b"set".as_slice()));
        assert_eq!(names.of("set"), Some(b"get".as_slice()));
        assert_eq!(names.of("del"), None);
        assert_eq!(names.of("unlink"), Some(b"del".as_slice()));
        assert_eq!(names.of("ping"), Some(b"ping".as_slice()));
    }

    #[test]
    fn a_new_name_is_not_shown() {
        let mut names = CommandNames::default();
        assert_eq!(names.rename(b"config", b"canary"), Ok(()));
        assert!(!alloc::format!("{names:?}").contains("canary"));
    }
}

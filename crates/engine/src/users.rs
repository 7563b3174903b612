//! Users and their passwords.
//!
//! For now a user may do everything or nothing; rules, roles and slow verifiers come with the ACL
//! language. Passwords are kept as SHA-256, as Valkey keeps them, and compared in constant time.

use alloc::{string::String, vec::Vec};

use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// Number of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UserId(u32);

/// A user that exists from the start.
#[derive(Debug, Clone)]
pub struct BootUser {
    /// Name.
    pub name: String,
    /// SHA-256 of the password.
    pub verifier: [u8; 32],
}

/// Who may come in, as the start-up decided.
#[derive(Debug, Clone, Default)]
pub struct BootUsers {
    /// Users beside `default`.
    pub users: Vec<BootUser>,
    /// `default` cannot be used at all.
    pub default_off: bool,
    /// Unix user ids that come in as one of the users without a password.
    pub unix: Vec<(u32, String)>,
}

#[derive(Debug)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) enabled: bool,
    /// Any password will do.
    pub(crate) nopass: bool,
    verifiers: Vec<[u8; 32]>,
}

impl User {
    /// Whether the user may send to a channel and listen to it, or to all that a pattern matches.
    pub(crate) const fn may_use_channel(&self, _name: &[u8], _is_pattern: bool) -> bool {
        // Until users have rules, who may come in may use every channel.
        self.enabled
    }
}

/// All users. The first is `default`.
#[derive(Debug)]
pub(crate) struct Users {
    all: Vec<User>,
    unix: Vec<(u32, String)>,
}

/// The user that a new session has.
pub(crate) const DEFAULT_USER: UserId = UserId(0);

/// How a generated secret begins; its user's name follows.
const GENERATED: &[u8] = b"vks_";

/// Whether a secret looks like a generated one.
pub(crate) fn is_generated(secret: &[u8]) -> bool {
    secret.starts_with(GENERATED)
}

/// SHA-256 of a secret.
#[must_use]
pub fn sha256(secret: &[u8]) -> [u8; 32] {
    Sha256::digest(secret).into()
}

impl Users {
    pub(crate) fn new(boot: BootUsers, requirepass: &[u8]) -> Self {
        let default = User {
            name: "default".into(),
            enabled: !boot.default_off,
            nopass: true,
            verifiers: Vec::new(),
        };
        let others = boot.users.into_iter().map(|user| User {
            name: user.name,
            enabled: true,
            nopass: false,
            verifiers: alloc::vec![user.verifier],
        });
        let all = core::iter::once(default).chain(others).collect();
        let mut users = Self {
            all,
            unix: boot.unix,
        };
        users.set_requirepass(requirepass);
        users
    }

    /// Puts the `requirepass` directive into force; empty means no password.
    pub(crate) fn set_requirepass(&mut self, password: &[u8]) {
        if let Some(default) = self.all.first_mut() {
            default.nopass = password.is_empty();
            default.verifiers.clear();
            if !password.is_empty() {
                default.verifiers.push(sha256(password));
            }
        }
    }

    /// Switches a user on or off.
    #[cfg(test)]
    pub(crate) fn set_enabled(&mut self, id: UserId, enabled: bool) {
        if let Some(user) = self.all.get_mut(id.0 as usize) {
            user.enabled = enabled;
        }
    }

    pub(crate) fn user(&self, id: UserId) -> Option<&User> {
        self.all.get(id.0 as usize)
    }

    /// Whether a new session may work before it says who it is.
    pub(crate) fn default_is_open(&self) -> bool {
        self.user(DEFAULT_USER)
            .is_some_and(|user| user.enabled && user.nopass)
    }

    /// The user that the kernel's word about a Unix peer stands for.
    pub(crate) fn by_unix_uid(&self, uid: u32) -> Option<UserId> {
        let (_, name) = self.unix.iter().find(|(known, _)| *known == uid)?;
        self.by_name(name.as_bytes())
    }

    pub(crate) fn by_name(&self, name: &[u8]) -> Option<UserId> {
        let at = self
            .all
            .iter()
            .position(|user| user.name.as_bytes() == name)?;
        Some(UserId(at as u32))
    }

    /// Checks a password. What it takes does not depend on which part was wrong.
    pub(crate) fn authenticate(&self, name: &[u8], secret: &[u8]) -> Option<UserId> {
        let given = sha256(secret);
        let id = self.by_name(name);
        let user = id.and_then(|id| self.user(id));
        let verifiers = user.map_or(&[][..], |user| &user.verifiers);
        let fits = verifiers
            .iter()
            .fold(Choice::from(0), |fits, known| fits | known.ct_eq(&given));
        let open = user.is_some_and(|user| user.nopass);
        let good = user.is_some_and(|user| user.enabled) && (open || bool::from(fits));
        id.filter(|_| good)
    }

    /// AUTH with one argument, or with the name `default`: the password of `default`, or a
    /// generated secret (`vks_USER_...`), which carries its user.
    pub(crate) fn authenticate_default(&self, secret: &[u8]) -> Option<UserId> {
        self.authenticate(b"default", secret).or_else(|| {
            let rest = secret.strip_prefix(GENERATED)?;
            let name = rest.split(|&b| b == b'_').next()?;
            self.authenticate(name, secret)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BootUser, BootUsers, DEFAULT_USER, Users, sha256};

    #[test]
    fn a_generated_secret_names_its_user() {
        let verifier = sha256(b"vks_admin_x1");
        let user = BootUser {
            name: "admin".into(),
            verifier,
        };
        let boot = BootUsers {
            users: alloc::vec![user],
            default_off: true,
            unix: alloc::vec![],
        };
        let users = Users::new(boot, b"");
        let admin = users.authenticate(b"admin", b"vks_admin_x1");
        assert!(admin.is_some() && admin != Some(DEFAULT_USER));
        assert_eq!(users.authenticate_default(b"vks_admin_x1"), admin);
        assert_eq!(users.authenticate_default(b"vks_admin_x2"), None);
        assert_eq!(users.authenticate(b"default", b""), None);
        assert!(!users.default_is_open());
    }

    #[test]
    fn requirepass_closes_and_opens_the_default_user() {
        let mut users = Users::new(BootUsers::default(), b"secret");
        assert!(!users.default_is_open());
        assert_eq!(users.authenticate_default(b"secret"), Some(DEFAULT_USER));
        assert_eq!(users.authenticate_default(b"Secret"), None);
        users.set_requirepass(b"");
        assert_eq!(users.authenticate_default(b"anything"), Some(DEFAULT_USER));
    }
}

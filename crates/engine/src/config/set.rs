//! CONFIG SET: all of the pairs or none, and taking a change back when the shell cannot follow.
//!
//! Not the acting on it: every [`Changed`] says who has to.

use super::{Config, ConfigId, Origin, Slot, Value, actor, settle, table};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use vk_spec::config::{Actor, ConfigSpec, ConfigState, Mutability, Profile};

/// Where a CONFIG SET comes from.
#[derive(Clone, Copy, Debug)]
pub struct SetContext {
    /// The client is on this machine: loopback or the Unix socket.
    pub local: bool,
    /// Data is being loaded.
    pub loading: bool,
}

/// One directive that has a new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Changed {
    /// The directive.
    pub id: ConfigId,
    /// Who has to act.
    pub actor: Actor,
    /// What to log: the directive has no effect, and the remedy. Loud when durability, access or
    /// memory depend on it.
    pub ignored: Option<Ignored>,
    before: Slot,
}

/// A value that was taken although this version does not act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// Durability, access or memory depend on it.
    pub loud: bool,
    /// What to do.
    pub cure: &'static str,
}

/// Why a CONFIG SET was refused; nothing changed then. The texts follow `ERR `.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetError {
    /// A name without a value.
    Syntax,
    /// No such directive; the client's word.
    Unknown(Vec<u8>),
    /// Not while loading: to be answered by the LOADING error.
    Loading,
    /// A value or a directive that is refused.
    Refused {
        /// The name as the client wrote it, or the directive's.
        name: Vec<u8>,
        /// What is wrong.
        reason: String,
    },
}

impl SetError {
    /// The refusal that the shell's failure to apply a change becomes.
    #[must_use]
    pub fn not_applied(id: ConfigId, reason: String) -> Self {
        Self::Refused {
            name: id.spec().name.into(),
            reason,
        }
    }

    /// The text of the error reply, with its code; bytes, since it quotes the client.
    #[must_use]
    pub fn wire_text(&self) -> Vec<u8> {
        let mut text = self.raw_text();
        // An error reply is one line, whatever the client wrote.
        for byte in text.iter_mut().filter(|byte| matches!(byte, b'\r' | b'\n')) {
            *byte = b' ';
        }
        text
    }

    fn raw_text(&self) -> Vec<u8> {
        match self {
            Self::Syntax => b"ERR syntax error".to_vec(),
            Self::Unknown(name) => {
                let head = b"ERR Unknown option or number of arguments for CONFIG SET - '";
                [head.as_slice(), name, b"'"].concat()
            }
            Self::Loading => b"LOADING Valkey is loading the dataset in memory".to_vec(),
            Self::Refused { name, reason } => {
                let head = b"ERR CONFIG SET failed (possibly related to argument '";
                [head.as_slice(), name, b"') - ", reason.as_bytes()].concat()
            }
        }
    }
}

impl Config {
    /// Sets all pairs, or none and says why. A directive that already had the value is not among
    /// the changes, unless setting it again means that a file is read again.
    ///
    /// # Errors
    /// The first reason, in the order in which Valkey looks.
    pub fn set(&mut self, words: &[&[u8]], context: SetContext) -> Result<Vec<Changed>, SetError> {
        let pairs = self.check_names(words, context)?;
        let mut changes = Vec::new();
        for (at, (id, value)) in pairs.into_iter().enumerate() {
            match self.set_one(id, value) {
                Ok(change) => changes.extend(change),
                Err(reason) => {
                    self.rollback(&changes);
                    // The name that the client used, which may be the alias.
                    let name = words.get(at.saturating_mul(2)).copied().unwrap_or_default();
                    let name = name.to_ascii_lowercase();
                    return Err(SetError::Refused { name, reason });
                }
            }
        }
        Ok(changes)
    }

    /// Takes changes back. Who acted on them acts again.
    pub fn rollback(&mut self, changes: &[Changed]) {
        for change in changes.iter().rev() {
            if let Some(slot) = self.slots.get_mut(change.id.index()) {
                *slot = change.before.clone();
            }
        }
    }

    fn check_names<'w>(
        &self,
        words: &[&'w [u8]],
        context: SetContext,
    ) -> Result<Vec<(ConfigId, &'w [u8])>, SetError> {
        let chunks = words.chunks_exact(2);
        if !chunks.remainder().is_empty() || words.is_empty() {
            return Err(SetError::Syntax);
        }
        let mut pairs: Vec<(ConfigId, &[u8])> = Vec::new();
        let mut refusal = None;
        for chunk in chunks {
            let [name, value] = chunk else { continue };
            let Some(id) = ConfigId::find(name) else {
                refusal.get_or_insert_with(|| SetError::Unknown(name.to_vec()));
                continue;
            };
            if refusal.is_none() {
                refusal = self.refusal(id, name, &pairs, context);
            }
            pairs.push((id, value));
        }
        refusal.map_or(Ok(pairs), Err)
    }

    fn refusal(
        &self,
        id: ConfigId,
        name: &[u8],
        earlier: &[(ConfigId, &[u8])],
        context: SetContext,
    ) -> Option<SetError> {
        let spec = id.spec();
        let reason = if spec.mutability == Mutability::Immutable {
            "can't set immutable config"
        } else if spec.protected && !self.allows_protected(context.local) {
            "can't set protected config"
        } else if context.loading && spec.deny_loading {
            return Some(SetError::Loading);
        } else if earlier.iter().any(|(known, _)| *known == id) {
            "duplicate parameter"
        } else {
            return None;
        };
        Some(SetError::Refused {
            name: name.to_vec(),
            reason: reason.into(),
        })
    }

    /// Whether `enable-protected-configs` lets a client that is `local` or not pass.
    #[must_use]
    pub fn allows_protected(&self, local: bool) -> bool {
        allows(self.int(table::process::ENABLE_PROTECTED_CONFIGS), local)
    }

    /// Whether `enable-debug-command` lets a client that is `local` or not pass.
    #[must_use]
    pub fn allows_debug(&self, local: bool) -> bool {
        allows(self.int(table::process::ENABLE_DEBUG_COMMAND), local)
    }

    /// Whether `enable-module-command` lets a client that is `local` or not pass.
    #[must_use]
    pub fn allows_module(&self, local: bool) -> bool {
        allows(self.int(table::process::ENABLE_MODULE_COMMAND), local)
    }

    fn set_one(&mut self, id: ConfigId, text: &[u8]) -> Result<Option<Changed>, String> {
        let spec = id.spec();
        let words = split_value(spec, text);
        let value = settle(id, Value::parse(spec, &words, Some(self.value(id)))?);
        if id == table::limits::ACTIVEDEFRAG && value == Value::Bool(true) {
            return Err(
                "Active defragmentation cannot be enabled: it requires an allocator that \
                        tells where moving helps, which this server is not built with"
                    .into(),
            );
        }
        if value == *self.value(id) && !spec.volatile {
            return Ok(None);
        }
        let Some(before) = self.slots.get(id.index()).cloned() else {
            return Err(format!("{} has no place", spec.name));
        };
        self.put(id, value, Origin::Set);
        let ignored = self.is_ignored(id).then_some(Ignored {
            loud: spec.state == ConfigState::Guards,
            cure: spec.cure,
        });
        match ignored {
            Some(Ignored { loud: true, cure }) if self.profile() == Profile::Strict => {
                if let Some(slot) = self.slots.get_mut(id.index()) {
                    *slot = before;
                }
                Err(format!("the strict profile refuses it: {cure}"))
            }
            _ => Ok(Some(Changed {
                id,
                actor: actor(id),
                ignored,
                before,
            })),
        }
    }
}

/// 0 is nobody, 1 everybody, 2 clients on this machine.
const fn allows(who: i64, local: bool) -> bool {
    who == 1 || (who == 2 && local)
}

/// The words of a value that is one argument: at single blanks for directives of several words.
pub(super) fn split_value(spec: &ConfigSpec, text: &[u8]) -> Vec<Vec<u8>> {
    if !spec.multi_word {
        return alloc::vec![text.to_vec()];
    }
    if text.is_empty() {
        return Vec::new();
    }
    text.split(|byte| *byte == b' ')
        .map(<[u8]>::to_vec)
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use vk_spec::config::ShellArea;

    const FAR: SetContext = SetContext {
        local: false,
        loading: false,
    };

    fn set(config: &mut Config, words: &[&str]) -> Result<Vec<Changed>, String> {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        config
            .set(&words, FAR)
            .map_err(|error| String::from_utf8(error.wire_text()).unwrap())
    }

    #[test]
    fn all_or_nothing_and_back() {
        let mut config = Config::new(Profile::Compatible);
        let error = set(&mut config, &["timeout", "5", "hz", "x"]).unwrap_err();
        assert_eq!(
            error,
            "ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be \
             parsed into an integer"
        );
        assert_eq!(config.int(table::network::TIMEOUT), 0);
        let changes = set(&mut config, &["timeout", "5", "port", "7000"]).unwrap();
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[1].actor, Actor::Shell(ShellArea::Listeners));
        assert_eq!(config.int(table::network::PORT), 7000);
        config.rollback(&changes);
        assert_eq!(config.int(table::network::PORT), 6379);
        assert_eq!(config.origin(table::network::PORT), Origin::Default);
    }

    #[test]
    fn refusals_in_the_wire_texts() {
        let mut config = Config::new(Profile::Compatible);
        for (words, text) in [
            (&["port"][..], "ERR syntax error"),
            (
                &["nope", "1", "hz", "2"],
                "ERR Unknown option or number of arguments for CONFIG SET - 'nope'",
            ),
            (
                &["Databases", "2"],
                "ERR CONFIG SET failed (possibly related to argument 'Databases') - can't set \
                 immutable config",
            ),
            (
                &["dir", "/tmp"],
                "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set \
                 protected config",
            ),
            (
                &["hz", "1", "hz", "2"],
                "ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter",
            ),
            (
                &["appendfsync", "x"],
                "ERR CONFIG SET failed (possibly related to argument 'appendfsync') - \
                 argument(s) must be one of the following: everysec, always, no",
            ),
            (
                &["maxmemory-clients", "101%"],
                "ERR CONFIG SET failed (possibly related to argument 'maxmemory-clients') - \
                 percentage argument must be less or equal to 100",
            ),
            (
                &["maxclients", "0"],
                "ERR CONFIG SET failed (possibly related to argument 'maxclients') - argument \
                 must be between 1 and 4294967295 inclusive",
            ),
            (
                &["Slave-priority", "-1"],
                "ERR CONFIG SET failed (possibly related to argument 'slave-priority') - \
                 argument must be between 0 and 2147483647 inclusive",
            ),
            (
                &["shutdown-on-sigint", "save nosave"],
                "ERR CONFIG SET failed (possibly related to argument 'shutdown-on-sigint') - \
                 shutdown options SAVE and NOSAVE can't be used simultaneously",
            ),
        ] {
            assert_eq!(set(&mut config, words).unwrap_err(), text);
        }
        assert_eq!(
            config.get(&[b"*"]),
            Config::new(Profile::Compatible).get(&[b"*"])
        );
    }

    #[test]
    fn loading_and_protection_depend_on_the_client() {
        let mut config = Config::new(Profile::Compatible);
        let loading = SetContext {
            local: true,
            loading: true,
        };
        assert_eq!(
            config.set(&[b"appendonly", b"yes"], loading),
            Err(SetError::Loading)
        );
        config
            .correct(table::process::ENABLE_PROTECTED_CONFIGS, b"local")
            .unwrap();
        assert!(set(&mut config, &["dir", "/"]).is_err());
        let near = SetContext {
            local: true,
            loading: false,
        };
        assert_eq!(
            config
                .set(&[b"dir", b"/"], near)
                .map(|changes| changes.len()),
            Ok(1)
        );
    }

    #[test]
    fn same_value_is_no_change_but_files_are_read_again() {
        let mut config = Config::new(Profile::Compatible);
        assert_eq!(set(&mut config, &["timeout", "0"]).unwrap(), []);
        assert_eq!(set(&mut config, &["tls-cert-file", ""]).unwrap().len(), 1);
        assert_eq!(set(&mut config, &["hz", "100000"]).unwrap().len(), 1);
        assert_eq!(config.int(table::process::HZ), 500);
    }

    #[test]
    fn what_is_not_done_is_told_or_refused() {
        let mut config = Config::new(Profile::Compatible);
        let changes = set(
            &mut config,
            &["min-replicas-to-write", "1", "io-threads", "1"],
        )
        .unwrap();
        assert!(changes[0].ignored.is_some_and(|ignored| ignored.loud));
        assert_eq!(
            set(&mut config, &["min-replicas-to-write", "0"]).unwrap()[0].ignored,
            None
        );
        let mut config = Config::new(Profile::Strict);
        assert!(
            set(&mut config, &["min-replicas-to-write", "1"])
                .unwrap_err()
                .contains("strict profile")
        );
        assert_eq!(config.int(table::replication::MIN_REPLICAS_TO_WRITE), 0);
        assert_eq!(set(&mut config, &["save", ""]).unwrap()[0].ignored, None);
        assert!(
            set(&mut config, &["io-threads", "3"]).unwrap()[0]
                .ignored
                .is_some()
        );
    }

    #[test]
    fn an_error_is_one_line() {
        let mut config = Config::new(Profile::Compatible);
        let error = set(&mut config, &["x\r\n+OK", "1"]).unwrap_err();
        assert!(error.ends_with("'x  +OK'"), "{error}");
    }

    #[test]
    fn limits_of_output_are_merged() {
        let mut config = Config::new(Profile::Compatible);
        let words = [
            "client-output-buffer-limit",
            "replica 1mb 512kb 10 pubsub 0 0 0",
        ];
        set(&mut config, &words).unwrap();
        assert_eq!(
            config.render(table::limits::CLIENT_OUTPUT_BUFFER_LIMIT),
            b"normal 0 0 0 slave 1048576 524288 10 pubsub 0 0 0"
        );
        for bad in [
            "master 1 1 1",
            "normal 1 1",
            "normal x 1 1",
            "normal 1 1 -1",
        ] {
            assert!(
                set(&mut config, &["client-output-buffer-limit", bad]).is_err(),
                "{bad}"
            );
        }
    }
}

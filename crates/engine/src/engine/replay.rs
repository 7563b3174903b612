//! Applying effects: what a replica gets from its primary, and what a log holds.
//!
//! Effects are decided already: nothing expires, nobody is asked for permission, nobody is woken,
//! and no new effects are made.

use alloc::string::String;

use vk_resp::{Protocol, ReplyBuf};

use crate::{
    EffectError, EffectGroup, Engine, Env, ListenerKind, Local, Peer, Remote, SessionId,
    ctx::Origin,
    pipeline,
    session::{Session, SessionFlags},
};

impl Engine {
    /// Applies a group of effects in order.
    ///
    /// # Errors
    /// An effect is no command of this server, or was refused; those before it are applied.
    pub fn handle_effects(
        &mut self,
        env: &mut Env<'_>,
        group: EffectGroup<'_>,
    ) -> Result<(), EffectError> {
        self.set_time(env);
        let session = self.replayer();
        if let Some(state) = self.sessions.find_mut(session) {
            state.db = group.db;
        }
        let wanted = self.effects.is_wanted();
        self.effects.set_wanted(false);
        let result = group.effects.iter().try_for_each(|effect| {
            let mut reply = ReplyBuf::new(Protocol::Resp2);
            let host = &mut *env.host;
            pipeline::run_queued(self, host, session, *effect, Origin::Replay, &mut reply);
            match error_of(&reply) {
                None => Ok(()),
                Some(text) if text.starts_with("ERR unknown command") => {
                    Err(EffectError::UnknownCommand)
                }
                Some(text) => Err(EffectError::Refused(text)),
            }
        });
        self.effects.set_wanted(wanted);
        result
    }

    /// That session, if there is one yet.
    pub(crate) fn replayer_id(&self) -> Option<SessionId> {
        self.replayer
    }

    /// The session as which effects run; it is in no list.
    fn replayer(&mut self) -> SessionId {
        if let Some(id) = self.replayer {
            return id;
        }
        let peer = Peer {
            remote: Remote::Internal,
            local: Local::Internal,
            listener: ListenerKind::Unix,
            unix: None,
            tls: None,
            proxy: None,
            fd: -1,
        };
        let mono = self.mono;
        let id = self.sessions.add_hidden(|client_id| {
            let mut session = Session::new(client_id, peer, mono);
            session.flags.insert(SessionFlags::AUTHENTICATED);
            session
        });
        self.replayer = Some(id);
        id
    }
}

/// The text of an error reply.
fn error_of(reply: &ReplyBuf) -> Option<String> {
    let line = reply.chunks().next()?.strip_prefix(b"-")?;
    Some(String::from_utf8_lossy(line).trim_end().into())
}

#[cfg(test)]
mod tests {
    use crate::{EffectBuf, testkit::Kit};

    #[test]
    fn effects_bring_an_empty_machine_to_the_same_state() {
        let mut kit = Kit::new();
        kit.engine.set_effects_wanted(true);
        for line in [
            "SET a 1 EX 100",
            "MULTI",
            "INCR a",
            "SELECT 3",
            "SET b x",
            "APPEND b y",
            "EXEC",
            "SELECT 0",
            "SET gone 1 PX 1",
            "GETDEL nothing",
            "RENAME b c",
        ] {
            kit.run(line);
        }
        kit.advance_ms(10);
        let mut effects = EffectBuf::default();
        kit.engine.take_effects(&mut effects);
        // EXEC and everything in it is one group.
        assert_eq!(effects.groups.len(), 4);
        let mut copy = Kit::new();
        copy.sleep_ms(10);
        copy.replay_all(&effects);
        assert_eq!(kit.engine.digest(), copy.engine.digest());
        assert_eq!(copy.run("CLIENT LIST").matches("id=").count(), 1);
    }
}

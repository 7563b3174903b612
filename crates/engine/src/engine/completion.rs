//! Work that the shell does for a session, and what happens when it has ended.

use alloc::{string::String, vec::Vec};

use vk_resp::ReplyBuf;

use crate::{
    Completion, Directive, Disposition, Engine, Env, Output, SessionId, Ticket,
    config::{Changed, SetError},
    pipeline,
    session::{Parked, SessionFlags},
};

/// A ticket that is out.
#[derive(Debug)]
pub(crate) struct Pending {
    ticket: Ticket,
    session: SessionId,
    /// Configuration to set back if the work fails.
    changed: Vec<Changed>,
}

impl Pending {
    pub(crate) fn new(ticket: Ticket, session: SessionId, directive: &Directive) -> Self {
        let changed = match directive {
            Directive::ApplyConfig { changed } => changed.clone(),
            _ => Vec::new(),
        };
        Self {
            ticket,
            session,
            changed,
        }
    }
}

impl Engine {
    /// Work that was asked for has ended. An unknown ticket is ignored.
    pub fn handle_completion(&mut self, env: &mut Env<'_>, ticket: Ticket, result: Completion) {
        self.set_time(env);
        let Some(at) = self.pending.iter().position(|p| p.ticket == ticket) else {
            return;
        };
        let pending = self.pending.remove(at);
        if matches!(result, Completion::Failed(_)) {
            self.config.rollback(&pending.changed);
        }
        self.config_changed(&pending.changed);
        let Some(session) = self.sessions.find_mut(pending.session) else {
            return;
        };
        let Some(Parked::Work) = session.parked.take() else {
            return;
        };
        let mut reply = ReplyBuf::new(session.protocol);
        match result {
            Completion::Done => reply.ok(),
            Completion::Failed(text) => {
                let line = failure(&pending.changed, text);
                self.stats.count_error("ERR");
                reply.error_bytes(&line);
            }
        }
        let (id, host) = (pending.session, &mut *env.host);
        let disposition = pipeline::resume(self, host, id, &mut reply);
        if disposition == Disposition::Parked {
            return;
        }
        let state = self.sessions.find(id);
        if state.is_some_and(|state| state.flags.contains(SessionFlags::GONE)) {
            self.close_session(id);
        } else {
            self.outputs.push_back(Output::Wake {
                session: id,
                reply,
                disposition,
            });
        }
    }
}

fn failure(changed: &[Changed], text: String) -> Vec<u8> {
    match changed.first() {
        Some(first) => SetError::not_applied(first.id, text).wire_text(),
        None => alloc::format!("ERR {text}").into_bytes(),
    }
}

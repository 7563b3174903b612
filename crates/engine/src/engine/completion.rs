//! Work that the shell does for a session, and what happens when it has ended.

use alloc::vec::Vec;

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
        if result != Completion::Done {
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
        reply.set_bytes_max(self.eviction.reply_bytes_max());
        match result {
            Completion::Done => reply.ok(),
            Completion::Failed(text) => {
                self.stats.count_error("ERR");
                let text = alloc::format!("ERR {text}");
                reply.error(text.trim_end());
            }
            Completion::NotApplied { directive, reason } => {
                self.stats.count_error("ERR");
                reply.error_bytes(&SetError::not_applied(directive, reason).wire_text());
            }
        }
        let (id, host) = (pending.session, &mut *env.host);
        let disposition = pipeline::resume(self, host, id, &mut reply);
        self.sessions.recount(id);
        if disposition == Disposition::Parked {
            return;
        }
        if self.tracking.is_on() {
            self.end_caching(id);
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

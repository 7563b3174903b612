//! Work that the shell does for a session, and what happens when it has ended.

use alloc::{string::String, vec::Vec};

use vk_resp::ReplyBuf;

use crate::{
    Completion, Directive, Disposition, Engine, Env, Error, Output, SessionId, Ticket,
    config::Changed, pipeline, session::Parked,
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
        let Some(Parked::Ticket(_)) = session.parked.take() else {
            return;
        };
        let mut reply = ReplyBuf::new(session.protocol);
        match result {
            Completion::Done => reply.ok(),
            Completion::Failed(text) => {
                let error = config_failure(&pending.changed, text);
                self.stats.count_error(error.text());
                reply.error(error.text());
            }
        }
        let (id, host) = (pending.session, &mut *env.host);
        let disposition = pipeline::resume(self, host, id, &mut reply);
        if disposition != Disposition::Parked {
            self.outputs.push_back(Output::Wake {
                session: id,
                reply,
                disposition,
            });
        }
    }
}

fn config_failure(changed: &[Changed], text: String) -> Error {
    match changed.first() {
        Some(first) => Error::told(format_args!(
            "ERR CONFIG SET failed (possibly related to argument '{}') - {text}",
            first.id.spec().name
        )),
        None => Error::told(format_args!("ERR {text}")),
    }
}

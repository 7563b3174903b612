//! The context of commands about sessions and the server.

use core::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use vk_resp::{ReplyBuf, Request};

use super::{Ctx, Origin};
use crate::{
    Directive, Disposition, Engine, Error, Host, SessionId, Ticket,
    session::{Parked, Session},
};

/// The context of a command that deals with sessions, configuration or the server.
#[expect(missing_debug_implementations, reason = "borrows the whole machine")]
pub struct SessionCtx<'c> {
    pub(crate) base: Ctx<'c>,
    /// How the request ends if the handler succeeds.
    pub(crate) disposition: Disposition,
}

impl<'c> SessionCtx<'c> {
    /// The context of a request that begins. The result of its handler stays where it is: to hand
    /// it on would copy it byte by byte.
    pub(crate) fn begin(base: Ctx<'c>, request: Request<'_>) -> Self {
        base.engine.begin_session_request(base.session, request);
        Self {
            base,
            disposition: Disposition::Done,
        }
    }
}

impl SessionCtx<'_> {
    /// The session that sent the request.
    ///
    /// # Errors
    /// Never in practice: a request of a session that is gone does not run.
    pub(crate) fn session(&mut self) -> Result<&mut Session, Error> {
        let id = self.base.session;
        self.base.engine.sessions.find_mut(id).ok_or(Error::NO_AUTH)
    }

    /// The id of the session that sent the request.
    pub(crate) fn session_id(&self) -> SessionId {
        self.base.session
    }

    /// The whole machine.
    pub(crate) fn engine(&mut self) -> &mut Engine {
        self.base.engine
    }

    /// The shell.
    pub(crate) fn host(&mut self) -> &mut dyn Host {
        self.base.host
    }

    /// Asks the shell for work and parks the session until it has ended; the reply is then `+OK`
    /// or the error that the shell reports.
    pub(crate) fn park_for(&mut self, directive: Directive) -> Result<Ticket, Error> {
        let ticket = self.base.engine.direct(self.base.session, directive);
        self.session()?.parked = Some(Parked::Work);
        self.disposition = Disposition::Parked;
        Ok(ticket)
    }
}

impl SessionCtx<'_> {
    /// Parks the session for a time, or for ever; then `reply` is sent. In a transaction nobody
    /// waits: the reply is handed back at once.
    pub(crate) fn park_for_time(
        &mut self,
        time: Option<Duration>,
        reply: ReplyBuf,
    ) -> Result<Option<ReplyBuf>, Error> {
        if self.base.origin != Origin::Client {
            return Ok(Some(reply));
        }
        let id = self.base.session;
        self.session()?.parked = Some(Parked::Timer(reply));
        if let Some(time) = time {
            let due = self.base.engine.mono.after(time);
            self.base.engine.timers.insert((due, id));
        }
        self.disposition = Disposition::Parked;
        Ok(None)
    }
}

impl<'c> Deref for SessionCtx<'c> {
    type Target = Ctx<'c>;
    fn deref(&self) -> &Self::Target {
        &self.base
    }
}

impl DerefMut for SessionCtx<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.base
    }
}

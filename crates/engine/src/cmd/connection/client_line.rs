//! One line about a session, as CLIENT LIST and CLIENT INFO tell.

use alloc::{
    format,
    string::{String, ToString as _},
};

use vk_resp::Protocol;

use crate::{
    Engine, Local, SessionId,
    memory::waiting_bytes,
    pubsub::Subscriptions,
    session::{Multi, NetUsage, Parked, Session, SessionFlags},
    tracking::{Modes, SessionTracking},
};

impl Engine {
    /// One line about a session that lives, as CLIENT LIST has it, without the line break.
    ///
    /// `capa` stands behind `db`: who reads the line of 8.0 looks for `flags=N db=0`.
    #[must_use]
    pub fn client_line(&self, id: SessionId) -> Option<String> {
        let session = self.sessions.find(id)?;
        let seconds_since = |then: u64| self.mono.0.saturating_sub(then) / 1_000_000;
        let usage = &session.usage;
        let user = self
            .users
            .user(session.user)
            .map_or("", |user| user.name.as_str());
        let command = session
            .last_command
            .map_or("NULL", |id| self.commands.full_name(id));
        let (multi, multi_bytes) = match &session.multi {
            Some(multi) => (multi.queued.len() as i64, multi.held_bytes()),
            None => (-1, 0),
        };
        // Valkey 8.1 has this field before db. Readers go by names; those that know 8.0's line by
        // heart expect db behind flags.
        let capa = if session.flags.contains(SessionFlags::CAPA_REDIRECT) {
            "r"
        } else {
            ""
        };
        let resp = if session.protocol == Protocol::Resp3 {
            3
        } else {
            2
        };
        let who = format!(
            "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} capa={capa}",
            session.client_id,
            address(session),
            local_address(session),
            session.peer.fd,
            session.name,
            seconds_since(session.created.0),
            seconds_since(session.active.0),
            flags_text(session),
            session.db,
        );
        let subscribed =
            |count: fn(&Subscriptions) -> usize| session.subscriptions.as_deref().map_or(0, count);
        let buffers = format!(
            "sub={} psub={} ssub={} multi={multi} watch={} qbuf={} qbuf-free={} argv-mem={} \
             multi-mem={multi_bytes} rbs={} rbp={} obl={} oll={} omem={} tot-mem={} events={}",
            subscribed(Subscriptions::channels),
            subscribed(Subscriptions::patterns),
            subscribed(Subscriptions::shards),
            session.watched.len(),
            usage.query_bytes,
            usage.query_free_bytes,
            session.request_bytes + waiting_bytes(session),
            usage.reply_buffer_bytes,
            usage.reply_buffer_peak_bytes,
            usage.reply_used_bytes,
            usage.reply_list_len,
            usage.reply_list_bytes,
            session_bytes(session),
            events(usage),
        );
        Some(format!(
            "{who} {buffers} cmd={command} user={user} redir={} resp={resp} lib-name={} \
             lib-ver={} tot-net-in={} tot-net-out={} tot-cmds={}",
            SessionTracking::redirect_number(session.tracking.as_deref()),
            session.lib_name,
            session.lib_version,
            usage.input_bytes_total,
            usage.output_bytes_total,
            session.commands_total,
        ))
    }
}

/// Memory of a session and its connection in bytes.
pub(crate) fn session_bytes(session: &Session) -> usize {
    let usage = &session.usage;
    size_of::<Session>()
        + usage.query_bytes
        + usage.query_free_bytes
        + usage.reply_buffer_bytes
        + usage.reply_list_bytes
        + usage.tls_bytes
        + session.name.capacity()
        + session.lib_name.capacity()
        + session.lib_version.capacity()
        + session.multi.as_ref().map_or(0, Multi::held_bytes)
        + session
            .tracking
            .as_ref()
            .map_or(0, |tracking| tracking.memory_bytes())
        + session
            .subscriptions
            .as_ref()
            .map_or(0, |mine| mine.memory_bytes())
        + session.watched_bytes
        + session.request_bytes
        + waiting_bytes(session)
}

/// `r`, and `w` while replies wait to be sent.
fn events(usage: &NetUsage) -> &'static str {
    if usage.reply_used_bytes + usage.reply_list_bytes > 0 {
        "rw"
    } else {
        "r"
    }
}

/// The client's address; of a Unix socket its path and port 0.
pub(crate) fn address(session: &Session) -> String {
    match (session.peer.client_address(), &session.peer.local) {
        (Some(address), _) => address.to_string(),
        (None, Local::Unix(path)) => format!("{path}:0"),
        (None, _) => String::new(),
    }
}

/// The address that the client connected to.
pub(super) fn local_address(session: &Session) -> String {
    match &session.peer.local {
        Local::Tcp(address) => address.to_string(),
        Local::Unix(path) => format!("{path}:0"),
        Local::Internal => String::new(),
    }
}

/// The letters of the `flags` field.
pub(super) fn flags_text(session: &Session) -> String {
    let is = |flag| session.flags.contains(flag);
    let tracks = |mode| {
        let tracking = session.tracking.as_ref();
        tracking.is_some_and(|tracking| tracking.modes.contains(mode))
    };
    let letters = [
        ('O', is(SessionFlags::MONITOR)),
        ('P', session.is_subscribed()),
        ('x', session.multi.is_some()),
        (
            'b',
            matches!(
                session.parked,
                Some(Parked::Paused(_) | Parked::Timer(_) | Parked::Blocked(_))
            ),
        ),
        ('t', session.tracking.is_some()),
        ('R', tracks(Modes::BROKEN)),
        ('B', tracks(Modes::BROADCAST)),
        ('d', is(SessionFlags::DIRTY_CAS)),
        ('c', is(SessionFlags::CLOSING)),
        ('U', matches!(session.peer.local, Local::Unix(_))),
        ('r', is(SessionFlags::READONLY)),
        ('e', is(SessionFlags::NO_EVICT)),
        ('T', is(SessionFlags::NO_TOUCH)),
        ('I', is(SessionFlags::IMPORT_SOURCE)),
    ];
    let text: String = letters
        .iter()
        .filter(|(_, on)| *on)
        .map(|(letter, _)| *letter)
        .collect();
    if text.is_empty() { "N".into() } else { text }
}

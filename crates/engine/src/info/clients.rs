//! The section Clients.

use super::Lines;
use crate::{
    Engine,
    config::id,
    session::{Parked, Session},
};

pub(super) fn clients(engine: &Engine, lines: &mut Lines) {
    let sessions = || engine.sessions.iter().map(|(_, session)| session);
    let most = |bytes: fn(&Session) -> usize| sessions().map(bytes).max().unwrap_or(0);
    let is_held = |session: &&Session| !matches!(session.parked, None | Some(Parked::Work));
    lines.heading("Clients");
    lines.field("connected_clients", engine.sessions.len());
    lines.field("cluster_connections", 0);
    lines.field("maxclients", engine.config.int(id::MAXCLIENTS));
    lines.field(
        "client_recent_max_input_buffer",
        most(|s| s.usage.query_bytes + s.usage.query_free_bytes),
    );
    lines.field(
        "client_recent_max_output_buffer",
        most(|s| s.usage.reply_buffer_bytes + s.usage.reply_list_bytes),
    );
    lines.field("blocked_clients", sessions().filter(is_held).count());
    lines.field("tracking_clients", engine.tracking.sessions_len());
    lines.field("pubsub_clients", engine.pubsub.sessions());
    lines.field(
        "watching_clients",
        sessions().filter(|s| !s.watched.is_empty()).count(),
    );
    lines.field("clients_in_timeout_table", engine.timers.len());
    lines.field("total_watched_keys", engine.watch.len());
    lines.field("total_blocking_keys", engine.blocking.keys_len());
    lines.field("total_blocking_keys_on_nokey", engine.nokey_waits());
    paused(engine, lines);
}

/// What a pause holds back; the fields are those of Valkey 8.1.
fn paused(engine: &Engine, lines: &mut Lines) {
    let now = engine.mono;
    let (reason, actions) = match engine.pause.end(now) {
        None => ("none", "none"),
        Some(_) if engine.pause.is_for_all(now) => ("client_pause", "all"),
        Some(_) => ("client_pause", "write"),
    };
    let left = engine.pause.end(now).map_or(0, |end| end.0 - now.0) / 1000;
    lines.field("paused_reason", reason);
    lines.field("paused_actions", actions);
    lines.field("paused_timeout_milliseconds", left);
}

#[cfg(test)]
mod tests {
    use crate::testkit::Kit;

    #[test]
    fn counts_sessions() {
        let mut kit = Kit::new();
        let other = kit.connect();
        kit.run_as(other, "WATCH a b");
        let info = kit.run("INFO clients");
        for line in [
            "connected_clients:2\r\n",
            "watching_clients:1\r\n",
            "total_watched_keys:2\r\n",
            "paused_reason:none\r\n",
        ] {
            assert!(info.contains(line), "{line}{info}");
        }
        kit.run("CLIENT PAUSE 5000 WRITE");
        kit.sleep_ms(1000);
        let info = kit.run("INFO clients");
        assert!(info.contains("paused_actions:write\r\npaused_timeout_milliseconds:4000\r\n"));
    }
}

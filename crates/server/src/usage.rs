//! What a connection holds, in the engine's terms. Measured here, judged there.

use vk_engine::NetUsage;

use crate::clients::Client;

/// Memory of a TLS session beside its buffers, by rustls's and aws-lc's structures.
const TLS_BYTES: usize = 10 * 1024;

/// The figures of one connection now.
pub(crate) fn of(client: &Client) -> NetUsage {
    let conn = &client.conn;
    let (held, spare) = (conn.held_bytes(), conn.spare_bytes());
    NetUsage {
        query_bytes: held.saturating_sub(spare),
        query_free_bytes: spare,
        reply_list_len: conn.queued_buffers(),
        reply_list_bytes: conn.queued_bytes(),
        tls_bytes: if conn.is_tls() { TLS_BYTES } else { 0 },
        input_bytes_total: conn.input_bytes_total(),
        output_bytes_total: conn.output_bytes_total(),
        ..NetUsage::default()
    }
}

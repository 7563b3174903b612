//! Everything that a peer can make grow, with its limit, in one table.
//!
//! Limits that a directive sets are not repeated here; they reach a connection through
//! [`vk_resp::Limits`] and [`OutputLimit`]. What one request may hold is `vk_resp`'s part.

use core::time::Duration;

/// Plaintext that is taken from one connection in one turn of the loop, in bytes.
pub const READ_BYTES_PER_TURN_MAX: usize = 64 * 1024;

/// Ciphertext that is taken from one connection in one turn. A record that was begun in an earlier
/// turn may add 16 KiB of plaintext, and the sum must fit [`READ_BYTES_PER_TURN_MAX`].
pub const CIPHERTEXT_BYTES_PER_TURN_MAX: usize = 44 * 1024;

/// Bytes taken in one turn from a connection that is not authenticated.
pub const UNAUTHENTICATED_READ_BYTES_MAX: usize = 16 * 1024;

/// Bytes that one request of an unauthenticated connection may hold.
pub const UNAUTHENTICATED_QUERY_BYTES_MAX: usize = 32 * 1024;

/// Unsent replies of an unauthenticated connection from which on it is not read any more.
pub const UNAUTHENTICATED_OUTPUT_BYTES_MAX: usize = 16 * 1024;

/// All that an unauthenticated connection may hold: what is being parsed, what waits to be parsed,
/// unsent replies with one reply that crossed the line, and the state of TLS.
pub const UNAUTHENTICATED_BYTES_MAX: usize = 128 * 1024;

/// Requests of one connection that run in one turn; more wait for the next.
pub const REQUESTS_PER_TURN_MAX: usize = 1024;

/// Reply bytes of one connection that are collected before they are sent though more requests of
/// the same turn follow.
pub const REPLY_BYTES_COLLECTED_MAX: usize = 256 * 1024;

/// Bytes sent to one connection in one turn; the rest waits for the next.
pub const WRITE_BYTES_PER_TURN_MAX: usize = 4 * 1024 * 1024;

/// Slices handed to one gathering write.
pub const WRITE_SLICES_MAX: usize = 64;

/// Plaintext that is encrypted ahead of what the socket has taken: four records.
pub const ENCRYPT_AHEAD_BYTES_MAX: usize = 64 * 1024;

/// The largest tail of the output queue that later bytes are appended to.
pub const QUEUE_TAIL_BYTES_MAX: usize = 16 * 1024;

/// Room that such a tail has from the start: a message is seldom alone.
pub const QUEUE_TAIL_BYTES_MIN: usize = 1024;

/// Time for a TLS handshake.
pub const TLS_HANDSHAKE_TIME_MAX: Duration = Duration::from_secs(5);

/// Time to authenticate, in the strict profile.
pub const AUTHENTICATE_TIME_MAX: Duration = Duration::from_secs(10);

/// Connections that are not authenticated, in the strict profile.
pub const UNAUTHENTICATED_CONNECTIONS_MAX: usize = 1024;

/// Time for the last replies to leave a connection that is being closed.
pub const CLOSING_TIME_MAX: Duration = Duration::from_secs(10);

/// Connections that are accepted from one TLS listener in one turn. A handshake costs a hundred
/// times what a plaintext accept does.
pub const TLS_ACCEPTS_PER_TURN_MAX: usize = 1;

/// `allowed` with what an unauthenticated connection may hold in one request.
#[must_use]
pub fn before_authentication(allowed: vk_resp::Limits) -> vk_resp::Limits {
    let query_bytes_max = allowed.query_bytes_max.min(UNAUTHENTICATED_QUERY_BYTES_MAX);
    vk_resp::Limits {
        query_bytes_max,
        ..allowed
    }
}

/// One class of `client-output-buffer-limit`. Zero switches a limit off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputLimit {
    /// Bytes at which the connection is closed.
    pub hard_bytes: u64,
    /// Bytes that may be exceeded for a while.
    pub soft_bytes: u64,
    /// How long, in seconds.
    pub soft_seconds: u64,
}

impl OutputLimit {
    /// Whether `bytes` are too many at once.
    #[must_use]
    pub const fn is_hard_exceeded(&self, bytes: u64) -> bool {
        self.hard_bytes != 0 && bytes >= self.hard_bytes
    }

    /// Whether `bytes` are too many when they stay for `soft_seconds`.
    #[must_use]
    pub const fn is_soft_exceeded(&self, bytes: u64) -> bool {
        self.soft_bytes != 0 && bytes >= self.soft_bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// TLS keeps at most a record in each direction beside fixed state of about 10 KiB.
    const TLS_STATE_BYTES: usize = 2 * (16 * 1024 + 512) + 10 * 1024;

    #[test]
    fn what_an_unauthenticated_connection_holds_adds_up() {
        let sum = UNAUTHENTICATED_QUERY_BYTES_MAX
            + UNAUTHENTICATED_READ_BYTES_MAX
            + 2 * UNAUTHENTICATED_OUTPUT_BYTES_MAX
            + TLS_STATE_BYTES;
        assert!(sum <= UNAUTHENTICATED_BYTES_MAX, "{sum}");
    }

    #[test]
    fn one_turn_of_ciphertext_fits_one_turn_of_plaintext() {
        const { assert!(CIPHERTEXT_BYTES_PER_TURN_MAX + 17 * 1024 <= READ_BYTES_PER_TURN_MAX) };
    }

    #[test]
    fn zero_switches_a_limit_off() {
        let off = OutputLimit::default();
        assert!(!off.is_hard_exceeded(u64::MAX) && !off.is_soft_exceeded(u64::MAX));
        let on = OutputLimit {
            hard_bytes: 10,
            soft_bytes: 5,
            soft_seconds: 1,
        };
        assert!(on.is_hard_exceeded(10) && !on.is_hard_exceeded(9));
        assert!(on.is_soft_exceeded(5) && !on.is_soft_exceeded(4));
    }
}

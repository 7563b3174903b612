//! What the first bytes of a connection say about the protocol that the peer believes in.
//! It is a guess for a helpful answer, never a decision about trust.

/// Content type of a TLS handshake record (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 0x16;
/// Major version in every record header since SSL 3.
const VERSION_MAJOR: u8 = 0x03;

/// What a peer speaks, judged by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// A TLS ClientHello.
    ClientHello,
    /// Anything else.
    Other,
}

impl Opening {
    /// Judges `bytes`, which are the first of a connection and not empty. A lone first byte of a
    /// handshake record counts: no request begins with it.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [HANDSHAKE] | [HANDSHAKE, VERSION_MAJOR, ..] => Self::ClientHello,
            _ => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Opening;

    #[test]
    fn a_client_hello_is_known_by_one_or_two_bytes() {
        assert_eq!(Opening::of(&[0x16]), Opening::ClientHello);
        assert_eq!(Opening::of(&[0x16, 3, 1, 2, 0]), Opening::ClientHello);
        assert_eq!(Opening::of(&[0x16, 4]), Opening::Other);
        assert_eq!(Opening::of(b"*1\r\n$4\r\nPING\r\n"), Opening::Other);
        assert_eq!(Opening::of(b"PING\r\n"), Opening::Other);
    }
}

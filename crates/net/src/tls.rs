//! The TLS side of a connection: a thin driver of rustls that bounds what is held.
//! Certificates, keys and policy are in the `ServerConfig` that the shell builds.

use std::{
    io::{self, ErrorKind, IoSlice, Read, Write},
    sync::Arc,
};

use rustls::{ServerConfig, ServerConnection, pki_types::CertificateDer};

use crate::{
    limits::{ENCRYPT_AHEAD_BYTES_MAX, WRITE_BYTES_PER_TURN_MAX, WRITE_SLICES_MAX},
    output::{Progress, Source},
};

/// One TLS server session.
#[derive(Debug)]
pub(crate) struct Tls {
    session: ServerConnection,
    /// Plaintext that was encrypted but has perhaps not left yet.
    ahead_bytes: usize,
}

impl Tls {
    pub(crate) fn new(config: Arc<ServerConfig>) -> Result<Self, rustls::Error> {
        let mut session = ServerConnection::new(config)?;
        // The driver encrypts only when nothing waits, which bounds the buffer by itself.
        session.set_buffer_limit(None);
        Ok(Self {
            session,
            ahead_bytes: 0,
        })
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    pub(crate) fn ahead_bytes(&self) -> usize {
        self.ahead_bytes
    }

    pub(crate) fn peer_certificate(&self) -> Option<&CertificateDer<'static>> {
        self.session.peer_certificates()?.first()
    }

    pub(crate) fn send_close_notify(&mut self) {
        self.session.send_close_notify();
    }

    /// Decrypts all of `ciphertext` to the front of `plaintext`. Returns the bytes written and
    /// whether the peer has said that no more will come. `plaintext` must be larger than
    /// `ciphertext` by one record; what does not fit is an error, never lost.
    pub(crate) fn decrypt(
        &mut self,
        mut ciphertext: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(usize, bool), rustls::Error> {
        let mut filled = 0_usize;
        while !ciphertext.is_empty() {
            // Reading from memory fails only when rustls refuses to buffer more, and its buffer
            // is emptied below after every record.
            if self.session.read_tls(&mut ciphertext).is_err() {
                return Err(rustls::Error::General("plaintext not taken".into()));
            }
            self.session.process_new_packets()?;
            loop {
                let room = plaintext.get_mut(filled..).unwrap_or_default();
                if room.is_empty() {
                    return Err(rustls::Error::General("no room for plaintext".into()));
                }
                match self.session.reader().read(room) {
                    Ok(0) => return Ok((filled, true)),
                    Ok(count) => filled = filled.saturating_add(count),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(_) => return Ok((filled, true)),
                }
            }
        }
        Ok((filled, false))
    }

    /// Encrypts from `source` and writes, at most [`ENCRYPT_AHEAD_BYTES_MAX`] ahead of the sink.
    pub(crate) fn transmit<S: Source, W: Write + ?Sized>(
        &mut self,
        source: &mut S,
        sink: &mut W,
        written: &mut u64,
    ) -> io::Result<Progress> {
        let mut budget = WRITE_BYTES_PER_TURN_MAX;
        loop {
            while self.session.wants_write() {
                if budget == 0 {
                    return Ok(Progress::Budget);
                }
                match self.session.write_tls(&mut Unsized(&mut *sink)) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(count) => {
                        *written = written.saturating_add(count as u64);
                        budget = budget.saturating_sub(count);
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        return Ok(Progress::Blocked);
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            self.ahead_bytes = 0;
            if source.remaining() == 0 {
                return Ok(Progress::Drained);
            }
            if self.session.is_handshaking() {
                return Ok(Progress::Blocked);
            }
            self.ahead_bytes = self.encrypt(source)?;
        }
    }

    /// Encrypts the front of `source` in as few records as possible.
    fn encrypt<S: Source>(&mut self, source: &mut S) -> io::Result<usize> {
        let first = source.first();
        let count = if first.len() == source.remaining() {
            let first = first.get(..ENCRYPT_AHEAD_BYTES_MAX).unwrap_or(first);
            self.session.writer().write(first)?
        } else {
            let mut slices = [IoSlice::new(&[]); WRITE_SLICES_MAX];
            let (count, _) = source.gather(&mut slices, ENCRYPT_AHEAD_BYTES_MAX);
            self.session
                .writer()
                .write_vectored(slices.get(..count).unwrap_or_default())?
        };
        if count == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        source.advance(count);
        Ok(count)
    }
}

/// Lends a writer of unknown size to an interface that wants a trait object.
struct Unsized<'w, W: Write + ?Sized>(&'w mut W);

impl<W: Write + ?Sized> Write for Unsized<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

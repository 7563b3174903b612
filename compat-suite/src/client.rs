//! A blocking RESP client over any stream, with a limit on every wait. It knows no command.

use anyhow::{Context as _, Result, bail};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use vk_resp::{Reply, ReplyLimits, ReplyParser, encode_command};

/// Longest wait for bytes of a reply.
const REPLY_TIMEOUT: Duration = Duration::from_secs(10);

/// Bytes taken from the stream at once.
const READ_BYTES: usize = 64 * 1024;

/// A connection.
#[derive(Debug)]
pub struct Client<S = TcpStream> {
    stream: S,
    parser: ReplyParser,
    buffer: Vec<u8>,
}

impl Client<TcpStream> {
    /// Connects over TCP.
    ///
    /// # Errors
    /// The connection fails.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, REPLY_TIMEOUT)
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY_TIMEOUT))?;
        stream.set_write_timeout(Some(REPLY_TIMEOUT))?;
        Ok(Self::over(stream))
    }
}

impl<S: Read + Write> Client<S> {
    /// A client over a stream whose waits are bounded.
    pub fn over(stream: S) -> Self {
        let parser = ReplyParser::new(ReplyLimits::default());
        Self {
            stream,
            parser,
            buffer: vec![0; READ_BYTES],
        }
    }

    /// The stream.
    pub const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The stream fails.
    pub fn send_raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("cannot send")?;
        self.stream.flush().context("cannot send")
    }

    /// Sends a command.
    ///
    /// # Errors
    /// The stream fails.
    pub fn send<A: AsRef<[u8]>>(&mut self, words: &[A]) -> Result<()> {
        let words: Vec<&[u8]> = words.iter().map(AsRef::as_ref).collect();
        self.send_raw(&encode_command(&words))
    }

    /// The next reply; `None` at the stream's end.
    ///
    /// # Errors
    /// The stream fails, is silent for too long, ends inside a reply or is no RESP.
    pub fn receive(&mut self) -> Result<Option<Reply>> {
        loop {
            if let Some(reply) = self.parser.poll()? {
                return Ok(Some(reply));
            }
            match self.stream.read(&mut self.buffer) {
                Ok(0) if self.parser.is_idle() => return Ok(None),
                Ok(0) => bail!("the connection ended inside a reply"),
                Ok(count) => self
                    .parser
                    .feed(self.buffer.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_end(&error) => return Ok(None),
                Err(error) if is_timeout(&error) => bail!("no reply came in time"),
                Err(error) => return Err(error).context("cannot receive"),
            }
        }
    }

    /// Sends a command written as in the corpus and returns its reply.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::receive`], or the line is broken.
    pub fn run(&mut self, line: &str) -> Result<Reply> {
        let words = crate::split_words(line)?;
        let words = crate::corpus::resolve(&words, &crate::Bindings::new())?;
        self.call(&words)
    }

    /// Sends a command and returns its reply.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::receive`].
    pub fn call<A: AsRef<[u8]>>(&mut self, words: &[A]) -> Result<Reply> {
        self.send(words)?;
        self.receive()?.context("the server closed the connection")
    }
}

/// A reset is what a peer sees whose last bytes were not read before the close.
fn is_end(error: &std::io::Error) -> bool {
    let kind = error.kind();
    matches!(
        kind,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof
    )
}

fn is_timeout(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

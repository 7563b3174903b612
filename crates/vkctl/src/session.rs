//! A session with a server: connecting, logging in, asking, and what the client has to remember
//! (database, transaction, subscriptions, protocol). Not the reading of commands from a person.

use std::time::Duration;

use vk_resp::{Reply, encode_command};

use crate::endpoint::{ADMIN_USER, Address, Endpoint};
use crate::error::{Failure, LinkError};
use crate::interrupt::Interrupts;
use crate::link::{Link, Preferences, Watch};
use crate::options::{Options, ProtocolChoice};
use crate::persona::Persona;
use crate::printer::Printer;
use crate::secret::Secret;
use crate::terminal;

/// What the client knows about the connection; a new one begins with the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) database: i32,
    pub(crate) in_multi: bool,
    pub(crate) database_before_multi: i32,
    pub(crate) subscribed: bool,
    /// Pushes are answers to a subscription, not something to be shown beside replies.
    pub(crate) pushes_in_band: bool,
    pub(crate) resp3: bool,
}

/// Whether the server took the user, database and protocol that were asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Login {
    Complete,
    /// The reason is on standard error; commands may still be tried.
    Refused,
}

/// A session; opened by `connect`, and again by itself when a command needs it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) persona: Persona,
    endpoint: Endpoint,
    preferences: Preferences,
    protocol: ProtocolChoice,
    link: Option<Link>,
    /// The address of the last attempt.
    address: Address,
    pub(crate) state: State,
    /// Chosen by the person, kept over new connections.
    pub(crate) wanted_database: i32,
    pub(crate) printer: Printer,
    pub(crate) interrupts: Option<Interrupts>,
    /// A person types commands; a failure is reported and not the end.
    pub(crate) interactive: bool,
    pub(crate) follows_redirections: bool,
    pub(crate) fails_on_error: bool,
    pub(crate) reply_timeout: Option<Duration>,
}

impl Session {
    pub(crate) fn new(persona: Persona, options: &Options, endpoint: Endpoint) -> Self {
        let address = endpoint.addresses.first().cloned();
        Self {
            persona,
            address: address.unwrap_or_else(|| Address::Unix(std::path::PathBuf::new())),
            endpoint,
            preferences: Preferences {
                connect_timeout: options.connect_timeout,
                ipv4_first: options.prefer_ipv4,
                ipv6_first: options.prefer_ipv6,
            },
            protocol: options.protocol,
            link: None,
            state: State::default(),
            wanted_database: options.database,
            printer: Printer::new(options),
            interrupts: None,
            interactive: false,
            follows_redirections: options.cluster,
            fails_on_error: options.error_exit,
            reply_timeout: None,
        }
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.link.is_some()
    }

    /// Ends the connection, if there is one.
    pub(crate) fn disconnect(&mut self) {
        self.link = None;
        self.state = State::default();
    }

    /// From now on talk to another server.
    pub(crate) fn set_address(&mut self, address: Address) {
        self.disconnect();
        self.address = address.clone();
        self.endpoint.addresses = vec![address];
    }

    /// Opens a new connection and logs in.
    pub(crate) fn connect(&mut self) -> Result<Login, Failure> {
        self.disconnect();
        self.link = Some(self.open()?);
        match self.log_in() {
            Ok(login) => Ok(login),
            Err(error) => {
                self.disconnect();
                Err(self.connect_failure(&error))
            }
        }
    }

    fn open(&mut self) -> Result<Link, Failure> {
        let mut last = LinkError::Closed;
        for address in self.endpoint.addresses.clone() {
            let link = Link::open(&address, self.endpoint.tls.as_ref(), self.preferences);
            self.address = address;
            match link {
                Ok(link) => return Ok(link),
                Err(error) => last = error,
            }
        }
        Err(self.connect_failure(&last))
    }

    fn connect_failure(&self, error: &LinkError) -> Failure {
        let server = self.persona.server();
        Failure::Connect(format!(
            "Could not connect to {server} at {}: {error}",
            self.address
        ))
    }

    fn log_in(&mut self) -> Result<Login, LinkError> {
        if self.authenticate()? == Login::Refused
            || self.select()? == Login::Refused
            || self.switch_protocol()? == Login::Refused
        {
            return Ok(Login::Refused);
        }
        Ok(Login::Complete)
    }

    fn authenticate(&mut self) -> Result<Login, LinkError> {
        let encrypted = self.link.as_ref().is_some_and(Link::is_tls);
        let (user, password): (Option<String>, Secret) =
            match (&self.endpoint.password, &self.endpoint.found_password) {
                (Some(password), _) => (self.endpoint.user.clone(), password.clone()),
                (None, Some(found)) if encrypted => (Some(ADMIN_USER.to_owned()), found.clone()),
                _ => return Ok(Login::Complete),
            };
        let reply = match &user {
            None => self.call(&[b"AUTH", password.reveal()])?,
            Some(user) => self.call(&[b"AUTH", user.as_bytes(), password.reveal()])?,
        };
        Ok(complain("AUTH failed", &reply))
    }

    /// Selects the wanted database, unless the connection has it.
    pub(crate) fn select(&mut self) -> Result<Login, LinkError> {
        if self.wanted_database == self.state.database {
            return Ok(Login::Complete);
        }
        let number = self.wanted_database.to_string();
        let reply = self.call(&[b"SELECT", number.as_bytes()])?;
        let login = complain(&format!("SELECT {number} failed"), &reply);
        if login == Login::Complete {
            self.state.database = self.wanted_database;
        }
        Ok(login)
    }

    fn switch_protocol(&mut self) -> Result<Login, LinkError> {
        if matches!(self.protocol, ProtocolChoice::Unset | ProtocolChoice::Resp2) {
            return Ok(Login::Complete);
        }
        let reply = self.call(&[b"HELLO", b"3"])?;
        let login = complain("HELLO 3 failed", &reply);
        self.state.resp3 = login == Login::Complete;
        Ok(if self.protocol == ProtocolChoice::PreferResp3 {
            Login::Complete
        } else {
            login
        })
    }

    /// Sends a command and waits for its reply; pushes before it are shown or dropped.
    pub(crate) fn call(&mut self, command: &[&[u8]]) -> Result<Reply, LinkError> {
        self.send(&encode_command(command))?;
        self.next_reply()
    }

    /// The same, for a connection that may have to be opened first.
    pub(crate) fn ask(&mut self, command: &[&[u8]]) -> Result<Reply, Failure> {
        if self.link.is_none() {
            self.connect()?;
        }
        self.call(command).map_err(|error| {
            self.disconnect();
            Failure::Link(error)
        })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        let (link, watch) = self.link_and_watch()?;
        link.send(bytes, watch)
    }

    /// The next reply that is not a stray push.
    pub(crate) fn next_reply(&mut self) -> Result<Reply, LinkError> {
        loop {
            let (link, watch) = self.link_and_watch()?;
            let reply = link.reply(watch)?;
            if self.keeps(&reply)? {
                return Ok(reply);
            }
        }
    }

    /// A reply that is already here; never waits.
    pub(crate) fn ready_reply(&mut self) -> Result<Option<Reply>, LinkError> {
        loop {
            let Some(link) = &mut self.link else {
                return Err(LinkError::Closed);
            };
            let Some(reply) = link.ready_reply()? else {
                return Ok(None);
            };
            if self.keeps(&reply)? {
                return Ok(Some(reply));
            }
        }
    }

    fn keeps(&self, reply: &Reply) -> Result<bool, LinkError> {
        if !matches!(reply, Reply::Push(_)) || self.state.pushes_in_band {
            return Ok(true);
        }
        if self.printer.shows_pushes {
            self.printer.push(reply)?;
        }
        Ok(false)
    }

    /// The connection and what else to wait for.
    pub(crate) fn link_and_watch(&mut self) -> Result<(&mut Link, Watch<'_>), LinkError> {
        let Some(link) = &mut self.link else {
            return Err(LinkError::Closed);
        };
        let watch = Watch {
            interrupts: self.interrupts.as_ref(),
            input: false,
            timeout: self.reply_timeout,
        };
        Ok((link, watch))
    }

    /// The text of the prompt.
    pub(crate) fn prompt(&self) -> String {
        if self.link.is_none() {
            return "not connected> ".to_owned();
        }
        let mut prompt = match (&self.address, self.persona) {
            (Address::Unix(path), Persona::RedisCli) => format!("redis {}", path.display()),
            (Address::Unix(path), Persona::ValkeyCli) => format!("valkey {}", path.display()),
            (Address::Unix(path), Persona::Vkctl) => format!("vkd {}", path.display()),
            (tcp, _) => tcp.to_string(),
        };
        if self.state.database != 0 {
            prompt.push_str(&format!("[{}]", self.state.database));
        }
        if self.state.in_multi {
            prompt.push_str("(TX)");
        }
        if self.state.subscribed {
            prompt.push_str("(subscribed mode)");
        }
        prompt.push_str("> ");
        prompt
    }
}

/// Says on standard error what the server refused.
fn complain(what: &str, reply: &Reply) -> Login {
    match reply {
        Reply::Error(text) | Reply::BulkError(text) => {
            eprintln!("{what}: {}", terminal::escape_line(text));
            Login::Refused
        }
        _ => Login::Complete,
    }
}

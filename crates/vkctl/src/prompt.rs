//! The prompt: reads commands from a person or line by line from a pipe, and runs them.
//! Not their execution, which is in `command`.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use rustyline::error::ReadlineError;
use rustyline::history::MemHistory;
use rustyline::{CompletionType, Config, Editor};

use crate::catalog::Catalog;
use crate::command::is;
use crate::editor::{Assistant, Shared};
use crate::endpoint::Address;
use crate::error::{Failure, LinkError};
use crate::help;
use crate::history::{self, History, LINES_MAX};
use crate::interrupt::Interrupts;
use crate::lines::Lines;
use crate::link::Wake;
use crate::options::OutputMode;
use crate::session::Session;
use crate::terminal;
use crate::words;

/// Replies that took longer are followed by their time.
const SLOW: Duration = Duration::from_millis(500);

/// Bytes of the preferences that are read.
const PREFERENCES_BYTES_MAX: u64 = 64 * 1024;

/// Shown while messages are awaited.
const READING: &str = "Reading messages... (press Ctrl-C to quit or any key to type command)\r";

enum Source {
    Terminal(Box<Editor<Assistant, MemHistory>>),
    Pipe(Lines),
}

struct Prompt<'a> {
    session: &'a mut Session,
    source: Source,
    history: Option<History>,
    shared: Rc<RefCell<Shared>>,
}

enum Next {
    Go,
    Leave,
}

/// Runs until the input ends or the person leaves.
pub(crate) fn run(session: &mut Session) -> Result<(), Failure> {
    session.interactive = true;
    if let Err(failure) = session.connect() {
        eprintln!("{failure}");
    }
    let shared = Rc::new(RefCell::new(Shared {
        catalog: Catalog::default(),
        hints: true,
    }));
    let mut prompt = Prompt {
        session,
        source: Source::Pipe(Lines::default()),
        history: None,
        shared,
    };
    if terminal::stdin_is_terminal() {
        prompt.prepare_terminal()?;
    }
    prompt.session.interrupts = Some(Interrupts::catch()?);
    loop {
        let Some(line) = prompt.read_line()? else {
            return Ok(());
        };
        match prompt.handle(&line) {
            Ok(Next::Go) => {}
            Ok(Next::Leave) => return Ok(()),
            Err(Failure::Local(error)) => return Err(Failure::Local(error)),
            Err(failure) => eprintln!("{failure}"),
        }
        if prompt.session.state.subscribed {
            prompt.wait_for_messages()?;
        }
    }
}

/// The server's own documentation, else what is compiled in.
pub(crate) fn catalog(session: &mut Session) -> Catalog {
    let reply = session
        .is_connected()
        .then(|| session.call(&[b"COMMAND", b"DOCS"]));
    match reply {
        Some(Ok(reply)) => Catalog::from_reply(&reply).unwrap_or_else(Catalog::built_in),
        Some(Err(_)) => {
            session.disconnect();
            Catalog::built_in()
        }
        None => Catalog::built_in(),
    }
}

impl Prompt<'_> {
    fn prepare_terminal(&mut self) -> Result<(), Failure> {
        self.shared.borrow_mut().catalog = catalog(self.session);
        let config = Config::builder()
            .max_history_size(LINES_MAX)
            .map_err(readline_failure)?
            .auto_add_history(false)
            .completion_type(CompletionType::Circular)
            .build();
        let lines = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, lines).map_err(readline_failure)?;
        editor.set_helper(Some(Assistant(Rc::clone(&self.shared))));
        self.history = history::dot_file(self.session.persona.history()).map(History::new);
        for line in self.history.iter().flat_map(History::load) {
            editor.add_history_entry(line).map_err(readline_failure)?;
        }
        self.load_preferences();
        self.source = Source::Terminal(Box::new(editor));
        Ok(())
    }

    fn load_preferences(&self) {
        let path = history::dot_file(self.session.persona.preferences());
        let Some(file) = path.and_then(|path| File::open(path).ok()) else {
            return;
        };
        for line in BufReader::new(file.take(PREFERENCES_BYTES_MAX)).split(b'\n') {
            let words = line
                .ok()
                .and_then(|line| words::split(&line))
                .unwrap_or_default();
            if !words.is_empty() {
                self.set_preference(&words, false);
            }
        }
    }

    fn read_line(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match &mut self.source {
            Source::Pipe(lines) => Ok(lines.next_line()?),
            Source::Terminal(editor) => match editor.readline(&self.session.prompt()) {
                Ok(line) => Ok(Some(line.into_bytes())),
                Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(None),
                Err(error) => Err(readline_failure(error)),
            },
        }
    }

    fn handle(&mut self, line: &[u8]) -> Result<Next, Failure> {
        if line.is_empty() {
            return Ok(Next::Go);
        }
        // A line that cannot be split may hold half a password: it is not remembered.
        let Some(mut command) = words::split(line) else {
            return self.say("Invalid argument(s)\n");
        };
        let mut repeat = 1;
        if let Some(number) = repetition(&command) {
            repeat = number;
            if repeat <= 0 {
                let program = self.session.persona.program();
                return self.say(&format!("Invalid {program} repeat command option value.\n"));
            }
            command.remove(0);
        }
        let Some(first) = command.first() else {
            return Ok(Next::Go);
        };
        let internal = first.starts_with(b":");
        self.remember(line, &command);
        if internal {
            self.set_preference(&command, true);
            return Ok(Next::Go);
        }
        if is(&command, 0, "quit") || is(&command, 0, "exit") {
            return Ok(Next::Leave);
        }
        if is(&command, 0, "help") || is(&command, 0, "?") {
            return self.help(command.get(1..).unwrap_or(&[]));
        }
        if is(&command, 0, "connect") && command.len() == 3 {
            return self.connect(&command);
        }
        if is(&command, 0, "clear") && command.len() == 1 {
            return self.say("\x1b[H\x1b[2J");
        }
        if is(&command, 0, "restart") {
            return self.say("Use 'restart' only in Lua debugging mode.\n");
        }
        self.execute(&command, repeat)
    }

    fn execute(&mut self, command: &[Vec<u8>], repeat: i64) -> Result<Next, Failure> {
        if let Some(interrupts) = &self.session.interrupts {
            // A Ctrl-C from before is no answer to this command.
            interrupts.take();
        }
        let begin = Instant::now();
        self.session.run(command, repeat, Duration::ZERO)?;
        let elapsed = begin.elapsed();
        if elapsed >= SLOW && self.session.prints_standard() {
            self.say(&format!("({:.2}s)\n", elapsed.as_secs_f64()))?;
        }
        Ok(Next::Go)
    }

    fn remember(&mut self, line: &[u8], command: &[Vec<u8>]) {
        let Ok(text) = std::str::from_utf8(line) else {
            return;
        };
        if history::holds_secret(command) || text.chars().any(char::is_control) {
            return;
        }
        if let Source::Terminal(editor) = &mut self.source
            && editor.add_history_entry(text).unwrap_or(false)
            && let Some(history) = &self.history
        {
            // A history that cannot be written is no reason to stop working.
            let _ = history.append(text);
        }
    }

    fn set_preference(&self, words: &[Vec<u8>], interactive: bool) {
        let program = self.session.persona.program();
        let place = if interactive { "" } else { "preferences: " };
        let shown = |place: usize| {
            terminal::escape_line(words.get(place).map(Vec::as_slice).unwrap_or_default())
        };
        if !is(words, 0, ":set") || words.len() < 2 {
            println!("{place}unknown {program} internal command '{}'", shown(0));
        } else if is(words, 1, "hints") || is(words, 1, "nohints") {
            self.shared.borrow_mut().hints = is(words, 1, "hints");
        } else {
            println!("{place}unknown {program} preference '{}'", shown(1));
        }
    }

    fn help(&mut self, words: &[Vec<u8>]) -> Result<Next, Failure> {
        if self.shared.borrow().catalog.docs.is_empty() {
            let catalog = catalog(self.session);
            self.shared.borrow_mut().catalog = catalog;
        }
        let colors = terminal::stdout_is_terminal();
        let text = help::help(
            self.session.persona,
            &self.shared.borrow().catalog,
            words,
            colors,
        );
        self.say(&text)
    }

    fn connect(&mut self, command: &[Vec<u8>]) -> Result<Next, Failure> {
        let text = |place: usize| {
            command
                .get(place)
                .and_then(|word| std::str::from_utf8(word).ok())
        };
        let port = text(2).and_then(|port| port.parse().ok());
        let (Some(host), Some(port)) = (text(1).filter(|host| host.len() <= 255), port) else {
            return self.say("Invalid argument(s)\n");
        };
        self.session.set_address(Address::Tcp {
            host: host.to_owned(),
            port,
        });
        self.session.connect()?;
        Ok(Next::Go)
    }

    /// Our own text, as it is.
    fn say(&self, text: &str) -> Result<Next, Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        Ok(Next::Go)
    }

    /// Prints messages until a key is pressed or Ctrl-C ends the subscription.
    fn wait_for_messages(&mut self) -> Result<(), Failure> {
        let shows = self.session.printer.mode() != OutputMode::Raw && terminal::prints_for_people();
        let _keys = AnyKey::begin();
        while self.session.state.subscribed {
            while let Some(reply) = self.session.ready_reply()? {
                self.session
                    .printer
                    .reply(&reply, crate::printer::Reading::ByMode)?;
            }
            if matches!(&self.source, Source::Pipe(lines) if lines.is_ready()) {
                return Ok(());
            }
            if shows {
                match terminal::has_colors() {
                    true => self.say(&format!("\x1b[1;90m{READING}\x1b[0m"))?,
                    false => self.say(READING)?,
                };
            }
            let (link, mut watch) = self.session.link_and_watch()?;
            watch.input = true;
            let wake = link.step(watch)?;
            if shows {
                self.say("\x1b[K")?;
            }
            match wake {
                Wake::Interrupt => {
                    let server = self.session.persona.server();
                    let text = "Closing current connection. Ready to reconnect to";
                    self.say(&format!("{text} {server} server... \n"))?;
                    self.session.connect()?;
                    return Ok(());
                }
                Wake::Input => return Ok(()),
                Wake::Socket | Wake::Timeout => {}
            }
        }
        Ok(())
    }
}

/// A leading number repeats the command that follows it.
fn repetition(command: &[Vec<u8>]) -> Option<i64> {
    let number = std::str::from_utf8(command.first()?).ok()?;
    let digits = number.strip_prefix('-').unwrap_or(number);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    (command.len() > 1 && is_number).then(|| number.parse().unwrap_or(0))
}

fn readline_failure(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Io(error) => Failure::Local(error),
        ReadlineError::Errno(errno) => Failure::Local(io::Error::from_raw_os_error(errno as i32)),
        other => Failure::Link(LinkError::Io(io::Error::other(other.to_string()))),
    }
}

/// The terminal gives every key at once and shows none; undone at the end.
struct AnyKey(Option<rustix::termios::Termios>);

impl AnyKey {
    fn begin() -> Self {
        let before = tcgetattr(io::stdin()).ok();
        if let Some(before) = &before {
            let mut mode = before.clone();
            mode.local_modes
                .remove(LocalModes::ECHO | LocalModes::ICANON);
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &mode);
        }
        Self(before)
    }
}

impl Drop for AnyKey {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_number_repeats() {
        let repetition =
            |line: &str| repetition(&words::split(line.as_bytes()).unwrap_or_default());
        assert_eq!(repetition("5 ping"), Some(5));
        assert_eq!(repetition("-1 ping"), Some(-1));
        assert_eq!(repetition("99999999999999999999 ping"), Some(0));
        assert_eq!(repetition("5"), None);
        assert_eq!(repetition("5x ping"), None);
        assert_eq!(repetition("get 5"), None);
    }
}

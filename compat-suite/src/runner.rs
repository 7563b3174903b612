//! Runs cases against a server: fresh connections and empty databases for each, the settings put
//! back after it.

use crate::corpus::resolve;
use crate::report::render_command;
use crate::{
    Bindings, Case, Client, Corpus, Deviations, Expect, Failure, Report, Step, Version, render,
};
use anyhow::{Context as _, Result, bail};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use vk_resp::Reply;

/// A server under test.
#[derive(Debug)]
pub struct Runner {
    address: SocketAddr,
    admin: Client,
    version: Version,
    /// Commands that were asked for, and whether they are there.
    has: BTreeMap<String, bool>,
}

/// What a case stumbled over.
struct Stumble {
    line: usize,
    sent: String,
    expected: String,
    got: String,
}

impl Runner {
    /// Connects and asks for the version.
    ///
    /// # Errors
    /// No connection, or an INFO without a version.
    pub fn new(address: SocketAddr) -> Result<Self> {
        let mut admin = Client::connect(address)?;
        let text = match admin.run("INFO server")? {
            Reply::Bulk(text) | Reply::Verbatim { data: text, .. } => text,
            other => bail!("INFO server answered {}", render(&other)),
        };
        let info = String::from_utf8_lossy(&text);
        let version = Version::of_info(&info).context("INFO server has no version")?;
        Ok(Self {
            address,
            admin,
            version,
            has: BTreeMap::new(),
        })
    }

    /// Holds the server against the cases of another version than the one it announces.
    pub const fn pretend(&mut self, version: Version) {
        self.version = version;
    }

    /// Runs all cases whose id contains `filter`.
    ///
    /// # Errors
    /// The server cannot be reached any more.
    pub fn run(
        &mut self,
        corpus: &Corpus,
        filter: &str,
        deviations: &Deviations,
    ) -> Result<Report> {
        let mut report = Report {
            version: self.version,
            passed: 0,
            skipped: 0,
            deviating: 0,
            failures: Vec::new(),
            no_longer_deviating: Vec::new(),
        };
        let is_case = |id: &&str| corpus.cases.iter().any(|case| case.id == *id);
        if let Some(unknown) = deviations.cases().find(|id| !is_case(id)) {
            bail!("the list of deviations names {unknown}, and there is no such case");
        }
        for case in corpus.cases.iter().filter(|case| case.id.contains(filter)) {
            if !case.applies_to(self.version) || !self.has_all(&case.needs)? {
                report.skipped += 1;
                continue;
            }
            let outcome = self.run_case(case)?;
            match (outcome, deviations.reason(&case.id)) {
                (Ok(()), None) => report.passed += 1,
                (Ok(()), Some(_)) => report.no_longer_deviating.push(case.id.clone()),
                (Err(_), Some(_)) => report.deviating += 1,
                (
                    Err(Stumble {
                        line,
                        sent,
                        expected,
                        got,
                    }),
                    None,
                ) => {
                    let case = case.id.clone();
                    report.failures.push(Failure {
                        case,
                        line,
                        sent,
                        expected,
                        got,
                    });
                }
            }
        }
        Ok(report)
    }

    /// Whether the server has these commands.
    fn has_all(&mut self, commands: &[String]) -> Result<bool> {
        for command in commands {
            let known = match self.has.get(command) {
                Some(known) => *known,
                None => {
                    let reply = self.admin.call(&["COMMAND", "INFO", command])?;
                    let Reply::Array(entries) = reply else {
                        bail!("COMMAND INFO: {reply:?}")
                    };
                    let known = matches!(entries.first(), Some(Reply::Array(_)));
                    self.has.insert(command.clone(), known);
                    known
                }
            };
            if !known {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn run_case(&mut self, case: &Case) -> Result<Result<(), Stumble>> {
        self.prepare()
            .with_context(|| format!("before {}", case.id))?;
        let mut run = CaseRun::new(self.address, case.resp3);
        let outcome = case.steps.iter().try_for_each(|step| run.step(step));
        for words in &case.finally {
            let words = resolve(words, &run.bindings)?;
            self.admin
                .call(&words)
                .with_context(|| format!("after {}", case.id))?;
        }
        Ok(outcome)
    }

    /// Empties the databases, over a new connection if the case before has cost the old one.
    fn prepare(&mut self) -> Result<()> {
        let reply = match self.admin.run("FLUSHALL") {
            Ok(reply) => reply,
            Err(_) => {
                self.admin = Client::connect(self.address)?;
                self.admin.run("FLUSHALL")?
            }
        };
        if reply != Reply::Simple(b"OK".to_vec()) {
            bail!("FLUSHALL answered {}", render(&reply));
        }
        Ok(())
    }
}

struct CaseRun {
    address: SocketAddr,
    resp3: bool,
    clients: BTreeMap<String, Client>,
    bindings: Bindings,
}

impl CaseRun {
    const fn new(address: SocketAddr, resp3: bool) -> Self {
        Self {
            address,
            resp3,
            clients: BTreeMap::new(),
            bindings: Bindings::new(),
        }
    }

    fn client(&mut self, name: &str) -> Result<&mut Client> {
        if !self.clients.contains_key(name) {
            let mut client = Client::connect(self.address)?;
            if self.resp3 {
                client.run("HELLO 3")?;
            }
            self.clients.insert(name.to_owned(), client);
        }
        self.clients
            .get_mut(name)
            .context("the connection is there")
    }

    fn step(&mut self, step: &Step) -> Result<(), Stumble> {
        let (connection, expect, line, sent) = match step {
            Step::Wait(time) => {
                std::thread::sleep(Duration::from_millis(*time));
                return Ok(());
            }
            Step::Call {
                connection,
                words,
                expect,
                line,
            } => {
                let words = resolve(words, &self.bindings)
                    .map_err(|error| stumble(*line, String::new(), expect, &error))?;
                let sent = render_command(&words);
                let outcome = self
                    .client(connection)
                    .and_then(|client| client.send(&words));
                outcome.map_err(|error| stumble(*line, sent.clone(), expect, &error))?;
                (connection, expect, *line, sent)
            }
            Step::Raw {
                connection,
                bytes,
                expect,
                line,
            } => {
                let sent = render_command(std::slice::from_ref(bytes));
                let outcome = self
                    .client(connection)
                    .and_then(|client| client.send_raw(bytes));
                outcome.map_err(|error| stumble(*line, sent.clone(), expect, &error))?;
                (connection, expect, *line, sent)
            }
            Step::Read {
                connection,
                expect,
                line,
            } => (connection, expect, *line, "".into()),
        };
        self.check(connection, expect).map_err(|got| {
            let Stumble { expected, .. } = stumble(line, String::new(), expect, &"");
            Stumble {
                line,
                sent,
                expected,
                got,
            }
        })
    }

    /// Reads what is expected; the error is what came instead.
    fn check(&mut self, connection: &str, expect: &Expect) -> Result<(), String> {
        if matches!(expect, Expect::Nothing) {
            return Ok(());
        }
        let resp3 = self.resp3;
        let client = self
            .client(connection)
            .map_err(|error| format!("{error:#}"))?;
        let reply = client.receive().map_err(|error| format!("{error:#}"))?;
        match (expect, reply) {
            (Expect::Closed, None) => Ok(()),
            (Expect::Reply(pattern, _), Some(reply)) => {
                if pattern.matches(&reply, resp3, &mut self.bindings) {
                    Ok(())
                } else {
                    Err(render(&reply))
                }
            }
            (_, Some(reply)) => Err(render(&reply)),
            (_, None) => Err("closed".into()),
        }
    }
}

fn stumble(line: usize, sent: String, expect: &Expect, got: &impl std::fmt::Display) -> Stumble {
    let expected = match expect {
        Expect::Reply(_, text) => text.clone(),
        Expect::Closed => "closed".into(),
        Expect::Nothing => "no reply".into(),
    };
    Stumble {
        line,
        sent,
        expected,
        got: format!("{got:#}"),
    }
}

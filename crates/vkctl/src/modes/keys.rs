//! `--bigkeys`, `--memkeys` and `--hotkeys`: walk over all keys and keep the extremes of each
//! type. A sample over time, not a snapshot.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::thread;

use vk_resp::{Reply, encode_command};

use super::scan::Scan;
use super::{checked, say, text, unexpected};
use crate::error::Failure;
use crate::options::{Mode, Options};
use crate::session::Session;
use crate::words;

/// Steps of the scan between two pauses of `-i`.
const STEPS_PER_PAUSE: u64 = 100;

/// Hot keys that are listed.
const HOT_KEYS_MAX: usize = 16;

/// Types whose size has a command of its own, with what it counts.
const SIZES: [(&str, &str, &str); 6] = [
    ("string", "STRLEN", "bytes"),
    ("list", "LLEN", "items"),
    ("set", "SCARD", "members"),
    ("hash", "HLEN", "fields"),
    ("zset", "ZCARD", "members"),
    ("stream", "XLEN", "entries"),
];

/// Figures of one type.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    count: u64,
    total: u64,
    /// Key and size of the largest.
    largest: Option<(Vec<u8>, u64)>,
}

/// Finds the largest keys by elements, or by memory in that mode.
pub(crate) fn largest(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let samples = match options.mode {
        Mode::MemKeys { samples } => Some(samples),
        _ => None,
    };
    let total = database_size(session)?;
    say(
        "\n# Scanning the keyspace for the largest keys and the average sizes by type.\n\
         # With -i 0.1 there is a pause of 0.1 seconds after every 100 steps.\n\n",
    )?;
    let mut types: BTreeMap<String, Figures> = BTreeMap::new();
    let mut walk = Walk::new(options, total);
    while let Some(keys) = walk.next(session)? {
        let kinds = kinds(session, &keys)?;
        let sizes = sizes(session, &keys, &kinds, samples)?;
        for ((key, kind), size) in keys.into_iter().zip(kinds).zip(sizes) {
            walk.sampled = walk.sampled.saturating_add(1);
            walk.key_bytes = walk.key_bytes.saturating_add(key.len() as u64);
            // A key that went away meanwhile has no type.
            if kind == "none" {
                continue;
            }
            let unit = unit(&kind, samples);
            let figures = types.entry(kind.clone()).or_default();
            figures.count = figures.count.saturating_add(1);
            figures.total = figures.total.saturating_add(size);
            if figures
                .largest
                .as_ref()
                .is_none_or(|(_, largest)| size > *largest)
            {
                let progress = walk.percent();
                say(&format!(
                    "[{progress:05.2}%] Biggest {kind:<6} found so far {} with {size} {unit}\n",
                    quoted(&key)
                ))?;
                figures.largest = Some((key, size));
            }
        }
    }
    say(&summary(&types, &walk, samples))
}

fn unit(kind: &str, samples: Option<u32>) -> &'static str {
    match samples {
        Some(_) => "bytes",
        None => SIZES
            .iter()
            .find(|(name, ..)| *name == kind)
            .map_or("?", |(_, _, unit)| unit),
    }
}

fn summary(types: &BTreeMap<String, Figures>, walk: &Walk, samples: Option<u32>) -> String {
    let mut out = format!(
        "\n-------- summary -------\n\nSampled {} keys in the keyspace!\n\
         Total key length in bytes is {} (avg len {:.2})\n\n",
        walk.sampled,
        walk.key_bytes,
        ratio(walk.key_bytes, walk.sampled),
    );
    for (kind, figures) in types {
        if let Some((key, size)) = &figures.largest {
            let unit = unit(kind, samples);
            let _ = writeln!(
                out,
                "Biggest {kind:>6} found {} has {size} {unit}",
                quoted(key)
            );
        }
    }
    out.push('\n');
    for (kind, Figures { count, total, .. }) in types {
        let share = 100.0 * ratio(*count, walk.sampled);
        let average = ratio(*total, *count);
        let unit = unit(kind, samples);
        let _ = writeln!(
            out,
            "{count} {kind}s with {total} {unit} ({share:05.2}% of keys, avg size {average:.2})"
        );
    }
    out
}

/// Finds the most used keys by their logarithmic counter.
pub(crate) fn hottest(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let total = database_size(session)?;
    say("\n# Scanning the keyspace for the most used keys.\n\
         # With -i 0.1 there is a pause of 0.1 seconds after every 100 steps.\n\n")?;
    let mut hottest: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut walk = Walk::new(options, total);
    while let Some(keys) = walk.next(session)? {
        let commands: Vec<Vec<&[u8]>> = keys.iter().map(|key| frequency(key)).collect();
        for (reply, key) in pipeline(session, &commands)?.into_iter().zip(&keys) {
            walk.sampled = walk.sampled.saturating_add(1);
            let used = match checked("Error", reply) {
                Ok(Reply::Int(used)) => u64::try_from(used).unwrap_or(0),
                Ok(_) => 0,
                Err(failure) => return Err(failure),
            };
            let enters = hottest.len() < HOT_KEYS_MAX
                || hottest.last().is_some_and(|(least, _)| used > *least);
            if used > 0 && enters {
                let progress = walk.percent();
                let shown = quoted(key);
                say(&format!(
                    "[{progress:05.2}%] Hot key {shown} found so far with counter {used}\n"
                ))?;
                let place = hottest.partition_point(|(other, _)| *other >= used);
                hottest.insert(place, (used, key.clone()));
                hottest.truncate(HOT_KEYS_MAX);
            }
        }
    }
    let mut out = format!(
        "\n-------- summary -------\n\nSampled {} keys in the keyspace!\n",
        walk.sampled
    );
    for (used, key) in &hottest {
        let _ = writeln!(
            out,
            "hot key found with counter: {used}\tkeyname: {}",
            quoted(key)
        );
    }
    say(&out)
}

fn frequency(key: &[u8]) -> Vec<&[u8]> {
    vec![b"OBJECT", b"FREQ", key]
}

/// The walk with its progress and pauses.
#[derive(Debug)]
struct Walk {
    scan: Scan,
    options_interval: std::time::Duration,
    total: u64,
    sampled: u64,
    key_bytes: u64,
    steps: u64,
}

impl Walk {
    fn new(options: &Options, total: u64) -> Self {
        Self {
            scan: Scan::new(options),
            options_interval: options.interval,
            total,
            sampled: 0,
            key_bytes: 0,
            steps: 0,
        }
    }

    fn next(&mut self, session: &mut Session) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        self.steps = self.steps.saturating_add(1);
        if self.steps.is_multiple_of(STEPS_PER_PAUSE) && !self.options_interval.is_zero() {
            thread::sleep(self.options_interval);
        }
        self.scan.next(session)
    }

    fn percent(&self) -> f64 {
        (100.0 * ratio(self.sampled, self.total)).min(100.0)
    }
}

#[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

fn quoted(key: &[u8]) -> String {
    let mut out = b"'".to_vec();
    words::quote(key, &mut out);
    out.push(b'\'');
    String::from_utf8_lossy(&out).into_owned()
}

fn database_size(session: &mut Session) -> Result<u64, Failure> {
    match checked("Couldn't determine DBSIZE", session.ask(&[b"DBSIZE"])?)? {
        Reply::Int(count) => Ok(u64::try_from(count).unwrap_or(0)),
        _ => Err(unexpected("DBSIZE")),
    }
}

fn kinds(session: &mut Session, keys: &[Vec<u8>]) -> Result<Vec<String>, Failure> {
    let commands: Vec<Vec<&[u8]>> = keys
        .iter()
        .map(|key| vec![b"TYPE".as_slice(), key])
        .collect();
    let replies = pipeline(session, &commands)?;
    let kinds = replies.into_iter().map(|reply| {
        let reply = checked("TYPE error", reply)?;
        let kind = text(&reply).ok_or_else(|| unexpected("TYPE"))?;
        Ok(crate::terminal::escape_line(kind))
    });
    kinds.collect()
}

fn sizes(
    session: &mut Session,
    keys: &[Vec<u8>],
    kinds: &[String],
    samples: Option<u32>,
) -> Result<Vec<u64>, Failure> {
    let number = samples.unwrap_or(0).to_string();
    let mut commands: Vec<Vec<&[u8]>> = Vec::new();
    // Which keys have a command: modules bring types that have none.
    let mut asked = Vec::new();
    for (key, kind) in keys.iter().zip(kinds) {
        let size = SIZES.iter().find(|(name, ..)| name == kind);
        let command: Option<Vec<&[u8]>> = match (samples, size) {
            (Some(0), _) => Some(vec![b"MEMORY", b"USAGE", key]),
            (Some(_), _) => Some(vec![
                b"MEMORY",
                b"USAGE",
                key,
                b"SAMPLES",
                number.as_bytes(),
            ]),
            (None, Some((_, command, _))) => Some(vec![command.as_bytes(), key]),
            (None, None) => None,
        };
        asked.push(command.is_some());
        commands.extend(command);
    }
    let mut replies = pipeline(session, &commands)?.into_iter();
    let sizes = asked
        .into_iter()
        .map(|asked| match asked.then(|| replies.next()).flatten() {
            Some(Reply::Int(size)) => u64::try_from(size).unwrap_or(0),
            // Gone or of another type since: nothing to count.
            _ => 0,
        });
    Ok(sizes.collect())
}

/// Sends all commands at once; gives their replies in order.
fn pipeline(session: &mut Session, commands: &[Vec<&[u8]>]) -> Result<Vec<Reply>, Failure> {
    let bytes: Vec<u8> = commands
        .iter()
        .flat_map(|command| encode_command(command))
        .collect();
    session.send(&bytes)?;
    commands.iter().map(|_| Ok(session.next_reply()?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_by_type() {
        let figures = Figures {
            count: 2,
            total: 5,
            largest: Some((b"k\n".to_vec(), 3)),
        };
        let types = BTreeMap::from([("list".to_owned(), figures)]);
        let mut walk = Walk::new(&Options::default(), 4);
        walk.sampled = 4;
        walk.key_bytes = 10;
        let text = summary(&types, &walk, None);
        assert!(text.contains("Sampled 4 keys in the keyspace!"));
        assert!(text.contains("Total key length in bytes is 10 (avg len 2.50)"));
        assert!(text.contains("Biggest   list found '\"k\\n\"' has 3 items"));
        assert!(text.contains("2 lists with 5 items (50.00% of keys, avg size 2.50)"));
        assert!(summary(&types, &walk, Some(0)).contains("with 5 bytes"));
    }
}

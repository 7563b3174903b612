//! `--stat`: a line of INFO's figures at every interval, until the program is ended.

use std::thread;
use std::time::Duration;

use super::{checked, say, text, unexpected};
use crate::error::Failure;
use crate::options::Options;
use crate::session::Session;

/// Lines between two headings.
const LINES_PER_HEADING: u64 = 20;

const HEADING: &str = "\
------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections          
";

/// Runs for ever.
pub(crate) fn run(session: &mut Session, options: &Options) -> Result<(), Failure> {
    let interval = if options.interval.is_zero() {
        Duration::from_secs(1)
    } else {
        options.interval
    };
    let mut requests_before = None;
    let mut lines = 0_u64;
    loop {
        let reply = checked("ERROR", session.ask(&[b"INFO"])?)?;
        let info = text(&reply).ok_or_else(|| unexpected("INFO"))?;
        let info = String::from_utf8_lossy(info);
        if lines.is_multiple_of(LINES_PER_HEADING) {
            say(HEADING)?;
        }
        lines = lines.wrapping_add(1);
        say(&line(&info, &mut requests_before))?;
        thread::sleep(interval);
    }
}

fn line(info: &str, requests_before: &mut Option<i64>) -> String {
    let requests = field(info, "total_commands_processed");
    let more = requests.saturating_sub(requests_before.unwrap_or(requests));
    *requests_before = Some(requests);
    format!(
        "{:<11}{:<8} {:<8}{:<8}{:<19} {:<12}{}\n",
        keys(info),
        human_bytes(field(info, "used_memory")),
        field(info, "connected_clients"),
        field(info, "blocked_clients"),
        format!("{requests} (+{more})"),
        field(info, "total_connections_received"),
        activity(info),
    )
}

fn activity(info: &str) -> &'static str {
    let is_on = |name| field(info, name) == 1;
    if is_on("loading") {
        return "LOAD";
    }
    match (
        is_on("rdb_bgsave_in_progress"),
        is_on("aof_rewrite_in_progress"),
    ) {
        (true, true) => "SAVE+AOF",
        (true, false) => "SAVE",
        (false, true) => "AOF",
        (false, false) => "",
    }
}

/// A number from INFO; 0 when it is missing.
fn field(info: &str, name: &str) -> i64 {
    let mut lines = info.lines().filter_map(|line| line.split_once(':'));
    let value = lines
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.trim());
    value.and_then(|value| value.parse().ok()).unwrap_or(0)
}

/// Keys of all databases: lines such as `db0:keys=5,expires=0`.
fn keys(info: &str) -> i64 {
    let databases = info
        .lines()
        .filter_map(|line| line.strip_prefix("db")?.split_once(":keys="));
    let counts = databases.filter(|(number, _)| number.bytes().all(|byte| byte.is_ascii_digit()));
    let counts = counts.filter_map(|(_, rest)| rest.split(',').next()?.parse::<i64>().ok());
    counts.fold(0, i64::saturating_add)
}

fn human_bytes(bytes: i64) -> String {
    const UNITS: [(&str, f64); 4] = [
        ("T", 1024.0 * 1024.0 * 1024.0 * 1024.0),
        ("G", 1024.0 * 1024.0 * 1024.0),
        ("M", 1024.0 * 1024.0),
        ("K", 1024.0),
    ];
    #[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
    let size = bytes as f64;
    let unit = UNITS.iter().find(|(_, factor)| size.abs() >= *factor);
    unit.map_or_else(
        || format!("{bytes}B"),
        |(name, factor)| format!("{:.2}{name}", size / factor),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: &str = "# Memory\r\nused_memory:2097152\r\nconnected_clients:3\r\n\
        blocked_clients:1\r\ntotal_commands_processed:120\r\ntotal_connections_received:7\r\n\
        loading:0\r\nrdb_bgsave_in_progress:1\r\ndb0:keys=5,expires=0\r\ndb12:keys=2,expires=1\r\n\
        dbx:keys=9\r\n";

    #[test]
    fn one_line() {
        let mut before = Some(100);
        assert_eq!(
            line(INFO, &mut before),
            "7          2.00M    3       1       120 (+20)           7           SAVE\n"
        );
        assert_eq!(before, Some(120));
    }

    #[test]
    fn sizes_for_people() {
        assert_eq!(human_bytes(1023), "1023B");
        assert_eq!(human_bytes(1536), "1.50K");
        assert_eq!(human_bytes(i64::MAX), "8388608.00T");
    }
}

//! What LATENCY tells people: a drawing of the events of a kind, and what may be done about them.

use alloc::{format, string::String, vec::Vec};

use crate::{
    Engine,
    config::id,
    observe::{Series, Summary},
};

/// Columns of a drawing.
const COLUMNS: usize = 80;
const ROWS: u64 = 4;
/// Heights within a row, low to high.
const MARKS: [char; 3] = ['_', 'o', '#'];

const SECONDS_PER_MINUTE: i64 = 60;
const SECONDS_PER_HOUR: i64 = 3600;
const SECONDS_PER_DAY: i64 = 86_400;

/// One column for each event, its age below, written downwards. Lines end with their last column,
/// blank or not.
pub(super) fn graph(event: &str, series: &Series, now_seconds: i64) -> String {
    let Summary {
        low_ms, high_ms, ..
    } = series.summary(now_seconds);
    let mut text = format!(
        "{event} - high {high_ms} ms, low {low_ms} ms (all time high {} ms)\n{}\n",
        series.max_ms,
        "-".repeat(COLUMNS)
    );
    let samples: Vec<_> = series.samples.iter().collect();
    for band in samples.chunks(COLUMNS) {
        let height = |ms: u64| height(ms, low_ms, high_ms);
        for row in (0..ROWS).rev() {
            let line = band.iter().map(|sample| mark(height(sample.ms), row));
            push_line(&mut text, line);
        }
        push_line(&mut text, band.iter().map(|_| ' '));
        let ages: Vec<Vec<char>> = band
            .iter()
            .map(|sample| age(now_seconds.saturating_sub(sample.unix_seconds)))
            .collect();
        let longest = ages.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..longest {
            let line = ages.iter().map(|age| age.get(at).copied().unwrap_or(' '));
            push_line(&mut text, line);
        }
    }
    text
}

/// Of the marks that fit into all rows, so many.
fn height(ms: u64, low_ms: u64, high_ms: u64) -> u64 {
    let marks = ROWS * MARKS.len() as u64 - 1;
    let range = high_ms.saturating_sub(low_ms);
    ms.saturating_sub(low_ms)
        .saturating_mul(marks)
        .checked_div(range)
        .unwrap_or(0)
}

fn mark(height: u64, row: u64) -> char {
    let marks = MARKS.len() as u64;
    match (height / marks).cmp(&row) {
        core::cmp::Ordering::Less => ' ',
        core::cmp::Ordering::Greater => '|',
        core::cmp::Ordering::Equal => {
            let at = usize::try_from(height % marks).unwrap_or(0);
            MARKS.get(at).copied().unwrap_or('_')
        }
    }
}

fn push_line(text: &mut String, line: impl Iterator<Item = char>) {
    text.extend(line);
    text.push('\n');
}

fn age(seconds: i64) -> Vec<char> {
    let units = [
        (SECONDS_PER_DAY, 'd'),
        (SECONDS_PER_HOUR, 'h'),
        (SECONDS_PER_MINUTE, 'm'),
    ];
    let unit = units.iter().find(|(length, _)| seconds >= *length);
    let (length, letter) = unit.copied().unwrap_or((1, 's'));
    let text = format!("{}{letter}", seconds.max(0) / length);
    text.chars().collect()
}

/// What LATENCY DOCTOR says.
pub(super) fn advice(engine: &Engine) -> String {
    let latency = &engine.observe.latency;
    let now_seconds = engine.wall.0.div_euclid(1_000_000);
    if latency.iter().len() == 0 {
        return if latency.is_on() {
            "No event took longer than latency-monitor-threshold. That is good.\n".into()
        } else {
            "Latency is not monitored. Say from how many milliseconds on an event is worth to be \
             recorded: CONFIG SET latency-monitor-threshold <milliseconds>.\n"
                .into()
        };
    }
    let mut text = String::from("These kinds of events took longer than the threshold:\n\n");
    let mut causes: Vec<String> = Vec::new();
    for (number, (event, series)) in latency.iter().enumerate() {
        let summary = series.summary(now_seconds);
        text.push_str(&format!(
            "{}. {event}: {} events, one every {:.2} seconds, {} ms on average with a mean \
             deviation of {} ms; the worst took {} ms.\n",
            number + 1,
            summary.count,
            summary.period_seconds,
            summary.mean_ms,
            summary.deviation_ms,
            series.max_ms
        ));
        for cause in causes_of(engine, event) {
            if !causes.contains(&cause) {
                causes.push(cause);
            }
        }
    }
    text.push_str("\nWhat to look at:\n\n");
    for cause in causes {
        text.push_str(&format!("- {cause}\n"));
    }
    text
}

fn causes_of(engine: &Engine, event: &str) -> Vec<String> {
    let mut causes = Vec::new();
    match event {
        "command" => {
            let slower_than = engine.config.int(id::COMMANDLOG_EXECUTION_SLOWER_THAN);
            let threshold_ms = engine.config.int(id::LATENCY_MONITOR_THRESHOLD);
            if slower_than < 0 || engine.config.int(id::COMMANDLOG_SLOW_EXECUTION_MAX_LEN) == 0 {
                causes.push(
                    "The log of slow commands is off; commandlog-execution-slower-than turns it \
                     on."
                    .into(),
                );
            } else if slower_than / 1000 > threshold_ms {
                causes.push(format!(
                    "The log of slow commands leaves out what latency-monitor-threshold \
                     records: CONFIG SET commandlog-execution-slower-than {}.",
                    threshold_ms.saturating_mul(1000)
                ));
            }
            causes.push("SLOWLOG GET tells which commands were slow.".into());
            causes.push(
                "Commands over large values take as long as the values are large; smaller values, \
                 or SCAN and its kin, help."
                    .into(),
            );
        }
        "fast-command" => causes.push(
            "Commands that are fast by nature were slow: the process did not get its CPU, or its \
             memory was paged out. Look at the load of the machine, at limits of the container and \
             at swapping."
                .into(),
        ),
        "expire-cycle" => causes.push(
            "Many keys expired at about the same time. A little randomness in the times spreads \
             the work; active-expire-effort bounds it."
                .into(),
        ),
        "eviction-cycle" | "eviction-del" => causes.push(
            "Memory has reached maxmemory and keys are evicted. Large values that come at once, or \
             a maxmemory that was lowered, make much work at once."
                .into(),
        ),
        _ if event.starts_with("aof") => causes.push(
            "The disk is slow or shared. appendfsync everysec waits less often than always, and \
             a local disk answers sooner."
                .into(),
        ),
        _ => causes.push(format!("Events of the kind {event} have no known remedy.")),
    }
    causes
}

#[cfg(test)]
mod tests {
    use super::{age, graph};
    use crate::observe::Series;

    #[test]
    fn a_drawing_goes_from_the_low_to_the_high() {
        let mut series = Series::default();
        for (seconds, ms) in [(0, 10), (3500, 15), (3590, 20)] {
            series.push(seconds, ms);
        }
        let text = graph("command", &series, 3600);
        let rows: alloc::vec::Vec<&str> = text.lines().skip(2).collect();
        assert_eq!(
            rows,
            ["  #", "  |", " #|", "_||", "   ", "111", "hm0", "  s"]
        );
    }

    #[test]
    fn ages_are_short() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (7200, "2h"),
            (90_000, "1d"),
        ] {
            assert_eq!(
                age(seconds).into_iter().collect::<alloc::string::String>(),
                expected
            );
        }
    }
}

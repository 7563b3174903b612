//! `--latency`, `--latency-history` and `--intrinsic-latency`: round trips of PING, and pauses of
//! this machine that no server is to blame for.

use std::thread;
use std::time::{Duration, Instant};

use super::{checked, say};
use crate::error::Failure;
use crate::options::{Options, OutputMode};
use crate::session::Session;

/// Time between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(10);

/// Length of a line of the history, and of a measurement that is not watched.
const HISTORY_INTERVAL: Duration = Duration::from_secs(15);
const SINGLE_INTERVAL: Duration = Duration::from_secs(1);

/// Milliseconds of the samples so far.
#[derive(Debug, Default)]
struct Samples {
    min: u128,
    max: u128,
    sum: u128,
    count: u64,
}

impl Samples {
    fn add(&mut self, latency: Duration) {
        let millis = latency.as_millis();
        self.min = if self.count == 0 {
            millis
        } else {
            self.min.min(millis)
        };
        self.max = self.max.max(millis);
        self.sum = self.sum.saturating_add(millis);
        self.count = self.count.saturating_add(1);
    }

    fn line(&self, mode: OutputMode) -> String {
        let Self {
            min, max, count, ..
        } = self;
        #[expect(clippy::cast_precision_loss, reason = "two decimals are shown")]
        let average = self.sum as f64 / (self.count.max(1)) as f64;
        match mode {
            OutputMode::Standard => {
                format!("min: {min}, max: {max}, avg: {average:.2} ({count} samples)")
            }
            OutputMode::Csv => format!("{min},{max},{average:.2},{count}\n"),
            OutputMode::Raw => format!("{min} {max} {average:.2} {count}\n"),
            OutputMode::Json | OutputMode::QuotedJson => format!(
                "{{\"min\": {min}, \"max\": {max}, \"avg\": {average:.2}, \"count\": {count}}}\n"
            ),
        }
    }
}

/// Samples for ever on a terminal, for one interval elsewhere.
pub(crate) fn run(session: &mut Session, options: &Options, history: bool) -> Result<(), Failure> {
    let mode = session.printer.mode();
    let given = (!options.interval.is_zero()).then_some(options.interval);
    let line_time = given.unwrap_or(HISTORY_INTERVAL);
    let single_time = given.unwrap_or(SINGLE_INTERVAL);
    let mut samples = Samples::default();
    let mut begin = Instant::now();
    loop {
        let sent = Instant::now();
        checked("PING", session.ask(&[b"PING"])?)?;
        samples.add(sent.elapsed());
        if mode == OutputMode::Standard {
            say(&format!("\x1b[0G\x1b[2K{}", samples.line(mode)))?;
        } else if !history && begin.elapsed() > single_time {
            return say(&samples.line(mode));
        }
        if history && begin.elapsed() > line_time {
            let seconds = begin.elapsed().as_secs_f64();
            match mode {
                OutputMode::Standard => say(&format!(" -- {seconds:.2} seconds range\n"))?,
                _ => say(&samples.line(mode))?,
            }
            samples = Samples::default();
            begin = Instant::now();
        }
        thread::sleep(SAMPLE_INTERVAL);
    }
}

/// Spins for some seconds and reports the longest time in which nothing was done.
pub(crate) fn intrinsic(seconds: u32) -> Result<(), Failure> {
    let begin = Instant::now();
    let length = Duration::from_secs(u64::from(seconds));
    let mut longest = Duration::ZERO;
    let mut runs = 0_u64;
    let mut before = begin;
    while before.duration_since(begin) < length {
        let now = Instant::now();
        let pause = now.duration_since(before);
        before = now;
        runs = runs.wrapping_add(1);
        if pause > longest {
            longest = pause;
            say(&format!(
                "Max latency so far: {} microseconds.\n",
                longest.as_micros()
            ))?;
        }
    }
    let spent = begin.elapsed();
    let average = spent.as_nanos() / u128::from(runs.max(1));
    let worst = longest.as_nanos() / average.max(1);
    say(&format!(
        "\n{runs} total runs (avg latency: {average} nanoseconds per run).\n\
         Worst run took {worst}x longer than the average latency.\n"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_mode() {
        let mut samples = Samples::default();
        for millis in [4, 1, 2] {
            samples.add(Duration::from_millis(millis));
        }
        let standard = "min: 1, max: 4, avg: 2.33 (3 samples)";
        assert_eq!(samples.line(OutputMode::Standard), standard);
        assert_eq!(samples.line(OutputMode::Raw), "1 4 2.33 3\n");
        assert_eq!(samples.line(OutputMode::Csv), "1,4,2.33,3\n");
        let json = "{\"min\": 1, \"max\": 4, \"avg\": 2.33, \"count\": 3}\n";
        assert_eq!(samples.line(OutputMode::Json), json);
    }
}

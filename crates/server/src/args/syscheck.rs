//! `--check-system`: kernel settings that cost an in-memory store latency or connections.
//!
//! It reads /proc and /sys and reports; it changes nothing and measures nothing.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// What was found.
#[derive(Debug)]
pub(crate) struct Report {
    /// One line a check, and a cure under each warning.
    pub(crate) text: String,
    /// No check warned.
    pub(crate) good: bool,
}

/// The verdict of one check.
enum Verdict {
    Good,
    /// The kernel does not say (a container, another system).
    Unknown,
    Warning {
        finding: String,
        cure: &'static str,
    },
}

type Check = fn(&Path) -> Verdict;

/// Runs all checks on the system files under `root` (`/`, but for tests).
pub(crate) fn run(root: &Path) -> Report {
    let checks: [(&str, Check); 4] = [
        ("clocksource", clock_source),
        ("transparent-huge-pages", huge_pages),
        ("tcp-backlog", backlog),
        ("overcommit", overcommit),
    ];
    let mut report = Report {
        text: String::new(),
        good: true,
    };
    for (name, check) in checks {
        // Writing to a string cannot fail.
        let _ = match check(root) {
            Verdict::Good => writeln!(report.text, "[{name}]...OK"),
            Verdict::Unknown => writeln!(report.text, "[{name}]...skipped"),
            Verdict::Warning { finding, cure } => {
                report.good = false;
                writeln!(report.text, "[{name}]...WARNING:\n{finding} {cure}")
            }
        };
    }
    report
}

fn setting(root: &Path, path: &str) -> Option<String> {
    fs::read_to_string(root.join(path))
        .ok()
        .map(|text| text.trim().to_owned())
}

fn clock_source(root: &Path) -> Verdict {
    let path = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    match setting(root, path).as_deref() {
        None => Verdict::Unknown,
        Some("hpet" | "acpi_pm" | "xen" | "jiffies") => Verdict::Warning {
            finding: "Reading the clock is a slow system call with this clock source.".to_owned(),
            cure: "Choose another one of /sys/devices/system/clocksource/clocksource0/\
                   available_clocksource, tsc if it is there.",
        },
        Some(_) => Verdict::Good,
    }
}

fn huge_pages(root: &Path) -> Verdict {
    match setting(root, "sys/kernel/mm/transparent_hugepage/enabled").as_deref() {
        None => Verdict::Unknown,
        Some(text) if text.contains("[always]") => Verdict::Warning {
            finding: "Transparent huge pages are always on: they cost memory and latency."
                .to_owned(),
            cure: "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled",
        },
        Some(_) => Verdict::Good,
    }
}

fn backlog(root: &Path) -> Verdict {
    const WANTED: u64 = 511;
    match setting(root, "proc/sys/net/core/somaxconn").and_then(|text| text.parse().ok()) {
        None => Verdict::Unknown,
        Some(limit) if limit < WANTED => Verdict::Warning {
            finding: format!("The kernel queues {limit} connections at most."),
            cure: "sysctl net.core.somaxconn=4096",
        },
        Some::<u64>(_) => Verdict::Good,
    }
}

fn overcommit(root: &Path) -> Verdict {
    match setting(root, "proc/sys/vm/overcommit_memory").as_deref() {
        None => Verdict::Unknown,
        // There is no fork here that would need the memory twice, so only the strict
        // accounting can refuse memory that is there.
        Some("2") => Verdict::Warning {
            finding: "Memory overcommit is off: allocations may fail before memory is used up."
                .to_owned(),
            cure: "sysctl vm.overcommit_memory=0, or 1",
        },
        Some(_) => Verdict::Good,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_dir::TestDir;

    fn with(path: &str, value: &str) -> Report {
        let dir = TestDir::new();
        let file = dir.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, value).unwrap();
        run(dir.path())
    }

    #[test]
    fn nothing_known_is_no_warning() {
        let dir = TestDir::new();
        let report = run(dir.path());
        assert!(report.good);
        assert_eq!(report.text.matches("skipped").count(), 4);
    }

    #[test]
    fn each_setting_is_judged() {
        let thp = "sys/kernel/mm/transparent_hugepage/enabled";
        assert!(!with(thp, "[always] madvise never\n").good);
        assert!(
            with(thp, "always [madvise] never\n")
                .text
                .contains("[transparent-huge-pages]...OK")
        );
        assert!(!with("proc/sys/net/core/somaxconn", "128\n").good);
        assert!(with("proc/sys/net/core/somaxconn", "4096\n").good);
        assert!(!with("proc/sys/vm/overcommit_memory", "2\n").good);
    }
}

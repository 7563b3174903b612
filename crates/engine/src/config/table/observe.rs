//! Directives of what is recorded about commands: logs of slow and large ones, latency, crashes.
//!
//! Not the log file (see [`super::process`]).

use super::{INT_MAX, LONG_MAX, directives};
use vk_spec::config::{ConfigSpec as C, Special, TextRule};

const CRASH: &str = "a crash is reported by the log line of the panic alone";
const TESTING: &str = "the directive exists for tests of other servers";

directives! { after super::encoding::END;
    /// Microseconds from which a command is recorded as slow; below 0 for never.
    COMMANDLOG_EXECUTION_SLOWER_THAN =
        C::int("commandlog-execution-slower-than", -1, LONG_MAX, "10000")
        .alias("slowlog-log-slower-than").engine();
    /// Slow commands that are kept.
    COMMANDLOG_SLOW_EXECUTION_MAX_LEN =
        C::int("commandlog-slow-execution-max-len", 0, LONG_MAX, "128")
        .alias("slowlog-max-len").engine();
    /// Bytes from which a request is recorded as large; below 0 for never.
    COMMANDLOG_REQUEST_LARGER_THAN =
        C::int("commandlog-request-larger-than", -1, LONG_MAX, "1048576").engine();
    /// Large requests that are kept.
    COMMANDLOG_LARGE_REQUEST_MAX_LEN =
        C::int("commandlog-large-request-max-len", 0, LONG_MAX, "128").engine();
    /// Bytes from which a reply is recorded as large; below 0 for never.
    COMMANDLOG_REPLY_LARGER_THAN =
        C::int("commandlog-reply-larger-than", -1, LONG_MAX, "1048576").engine();
    /// Large replies that are kept.
    COMMANDLOG_LARGE_REPLY_MAX_LEN =
        C::int("commandlog-large-reply-max-len", 0, LONG_MAX, "128").engine();
    /// Refused accesses that are kept.
    ACLLOG_MAX_LEN = C::int("acllog-max-len", 0, LONG_MAX, "128").engine();
    /// Milliseconds from which an event is recorded by LATENCY; 0 for never.
    LATENCY_MONITOR_THRESHOLD = C::int("latency-monitor-threshold", 0, LONG_MAX, "0").engine();
    /// Keeps a histogram of the latency of each command.
    LATENCY_TRACKING = C::bool("latency-tracking", "yes").engine();
    /// Percentiles that INFO shows.
    LATENCY_TRACKING_INFO_PERCENTILES =
        C::special("latency-tracking-info-percentiles", Special::Percentiles, "50 99 99.9");
    /// Writes a report when the process crashes.
    CRASH_LOG_ENABLED = C::bool("crash-log-enabled", "yes").tunes(CRASH);
    /// Tests memory when the process crashes.
    CRASH_MEMCHECK_ENABLED = C::bool("crash-memcheck-enabled", "yes").tunes(CRASH);
    /// Milliseconds after which a stuck command is reported; 0 for never.
    WATCHDOG_PERIOD = C::int("watchdog-period", 0, INT_MAX, "0").hidden()
        .tunes("there is no software watchdog; use WatchdogSec= of the service");
    /// Exits rather than aborts when an assertion fails.
    USE_EXIT_ON_PANIC = C::bool("use-exit-on-panic", "no").hidden().tunes(TESTING);
    /// Checks assertions that are meant for debugging.
    ENABLE_DEBUG_ASSERT = C::bool("enable-debug-assert", "no").immutable().hidden()
        .tunes(TESTING);
    /// A note that a crash report shows.
    DEBUG_CONTEXT = C::text("debug-context", TextRule::Any, "").hidden().tunes(TESTING);
}

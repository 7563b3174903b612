//! The sections Server and CPU.

use core::fmt;

use super::Lines;
use crate::{Engine, config::id, version};

const SECONDS_PER_DAY: u64 = 86_400;
const MICROS_PER_SECOND: u64 = 1_000_000;

pub(super) fn server(engine: &Engine, lines: &mut Lines) {
    let identity = &engine.identity;
    let config = &engine.config;
    let uptime = engine.mono.0.saturating_sub(engine.started.0) / MICROS_PER_SECOND;
    let port = match config.int(id::PORT) {
        0 => config.int(id::TLS_PORT),
        port => port,
    };
    let mode = if config.bool(id::EXTENDED_REDIS_COMPATIBILITY) {
        "redis_mode"
    } else {
        "server_mode"
    };
    lines.heading("Server");
    lines.fields(&[
        ("redis_version", version::REDIS),
        ("server_name", version::SERVER_NAME),
        ("valkey_version", version::VALKEY),
        ("valkey_release_stage", "ga"),
        ("verikey_version", version::VERIKEY),
        ("security_profile", config.profile().name()),
        ("redis_git_sha1", "00000000"),
        ("redis_git_dirty", "0"),
        ("redis_build_id", "0000000000000000"),
        (mode, "standalone"),
        ("os", &identity.os),
    ]);
    lines.field("arch_bits", usize::BITS);
    lines.fields(&[
        ("monotonic_clock", "POSIX clock_gettime"),
        ("multiplexing_api", "epoll"),
        ("gcc_version", identity.compiler.as_str()),
    ]);
    lines.field("process_id", identity.process_id);
    lines.field("process_supervised", &identity.supervised);
    lines.field("run_id", &engine.run_id);
    lines.field("tcp_port", port);
    lines.field("server_time_usec", engine.wall.0);
    lines.field("uptime_in_seconds", uptime);
    lines.field("uptime_in_days", uptime / SECONDS_PER_DAY);
    lines.field("hz", config.int(id::HZ));
    lines.field("configured_hz", config.int(id::HZ));
    lines.field("lru_clock", (engine.now_ms() / 1000) & 0x00ff_ffff);
    lines.field("executable", &identity.executable);
    lines.field("config_file", &identity.config_file);
    lines.field("io_threads_active", 0);
    lines.field("availability_zone", config.text(id::AVAILABILITY_ZONE));
    for listener in &identity.listeners {
        lines.line(listener);
    }
}

pub(super) fn cpu(engine: &Engine, lines: &mut Lines) {
    let host = &engine.host;
    lines.heading("CPU");
    lines.fields(&[
        ("used_cpu_sys", Seconds(host.cpu_system_micros)),
        ("used_cpu_user", Seconds(host.cpu_user_micros)),
        (
            "used_cpu_sys_children",
            Seconds(host.cpu_system_children_micros),
        ),
        (
            "used_cpu_user_children",
            Seconds(host.cpu_user_children_micros),
        ),
        (
            "used_cpu_sys_main_thread",
            Seconds(host.cpu_system_main_thread_micros),
        ),
        (
            "used_cpu_user_main_thread",
            Seconds(host.cpu_user_main_thread_micros),
        ),
        (
            "used_active_time_main_thread",
            Seconds(host.eventloop_micros),
        ),
    ]);
}

/// Microseconds as seconds with six decimals.
struct Seconds(u64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / MICROS_PER_SECOND, self.0 % MICROS_PER_SECOND);
        write!(f, "{whole}.{rest:06}")
    }
}

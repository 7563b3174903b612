//! Applications and client libraries as they are published: redis-py and its cache, valkey-glide,
//! Django, ioredis, and what dashboards ask. The scripts in `python/` and `node/` hold the checks.

use std::path::{Path, PathBuf};
use std::process::Command;
use vk_compat::free_port;
use vk_tests::{Certificates, Launch, Server, run_bounded};

/// What `variable` names, or what `ci/e2e` installed beside the tests' own binaries.
fn installed(variable: &str, part: &str) -> PathBuf {
    if let Some(path) = std::env::var_os(variable) {
        return PathBuf::from(path);
    }
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).unwrap();
    target.join(part)
}

/// Runs a script; without the libraries it says so and checks nothing.
fn run(mut program: Command, found: &Path, script: &str, port: u16, more: &[&str]) {
    if !found.exists() {
        eprintln!("SKIPPED {script}: its libraries are missing; run ci/e2e, which installs them");
        return;
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join(script);
    program.arg(script).arg(port.to_string()).args(more);
    let ended = run_bounded(&mut program, "");
    assert_eq!(ended.code, 0, "{}", ended.output);
    ended.line_with(&["all checks passed"]);
}

fn python(script: &str, port: u16, more: &[&str]) {
    let python = installed("VK_PYTHON", "venv/bin/python");
    let script = format!("python/{script}");
    run(Command::new(&python), &python, &script, port, more);
}

fn open_server() -> Server {
    Launch::compatible(&[]).start()
}

#[test]
fn redis_py_caches_on_its_side() {
    python("redis_py_cache.py", open_server().port(), &[]);
}

#[test]
fn valkey_glide() {
    python("glide_client.py", open_server().port(), &[]);
}

#[test]
fn django_cache_and_sessions() {
    python("django_cache.py", open_server().port(), &[]);
}

#[test]
fn dashboards_connect_and_refresh() {
    python("dashboards.py", open_server().port(), &[]);
}

#[test]
fn ioredis() {
    let modules = installed("VK_NODE_MODULES", "node/node_modules");
    let server = open_server();
    let folder = modules.parent().unwrap().display().to_string();
    let node = Command::new("node");
    run(
        node,
        &modules,
        "node/ioredis.mjs",
        server.port(),
        &[&folder],
    );
}

#[test]
fn redis_py_over_tcp() {
    let server = Launch::compatible(&["--requirepass", "sesame"]).start();
    python("redis_py.py", server.port(), &["--password", "sesame"]);
}

#[test]
fn redis_py_over_tls() {
    let plain = free_port().unwrap().to_string();
    let launch = Launch::compatible(&["--port", &plain, "--tls-auth-clients", "no"]);
    let files = Certificates::create(launch.folder());
    let directives = files.directives();
    let directives: Vec<&str> = directives.iter().map(String::as_str).collect();
    let server = launch
        .args(&directives)
        .args(&["--requirepass", "sesame"])
        .start_tls();
    let ca = files.ca.display().to_string();
    python(
        "redis_py.py",
        server.port(),
        &["--password", "sesame", "--ca", &ca],
    );
}

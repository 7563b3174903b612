//! The texts of `--version` and `--help`.
//!
//! Not the versions themselves: those are facts that the caller brings.

use super::Program;

/// The facts that the version line is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VersionFacts<'a> {
    /// Our own version.
    pub(crate) version: &'a str,
    /// The Valkey version that HELLO and INFO announce.
    pub(crate) compatible_with: &'a str,
    /// Name and version of the allocator.
    pub(crate) allocator: &'a str,
}

/// The commit that the binary was built from, when the build names it.
pub(crate) const GIT_SHA: &str = match option_env!("VKD_GIT_SHA") {
    Some(sha) => sha,
    None => "00000000",
};

/// The line of `--version`, in the shape that Valkey's tools read (`v=`, `sha=`, `bits=`).
///
/// By a server's name of the family it states the version that is spoken on the wire, since
/// whoever asks decides by it what the server can do; by our own name our own version, with the
/// other one behind it.
pub(crate) fn version_line(program: Program, facts: &VersionFacts<'_>) -> String {
    let (name, version) = match program {
        Program::Vkd => ("Verikey", facts.version),
        Program::Server => ("Valkey", facts.compatible_with),
    };
    let (allocator, bits) = (facts.allocator, usize::BITS);
    let build = build_id(facts);
    let mut line = format!(
        "{name} server v={version} sha={GIT_SHA}:0 malloc={allocator} bits={bits} build={build:x}"
    );
    if program == Program::Vkd {
        line.push_str(" valkey=");
        line.push_str(facts.compatible_with);
    }
    line.push('\n');
    line
}

/// A number that differs between builds of different versions or commits (FNV-1a).
fn build_id(facts: &VersionFacts<'_>) -> u64 {
    [
        facts.version,
        facts.compatible_with,
        GIT_SHA,
        std::env::consts::ARCH,
    ]
    .iter()
    .flat_map(|part| part.bytes())
    .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// The text of `--help`, with the name that the program was called by.
pub(crate) fn usage(name: &str) -> String {
    let name = if name.is_empty() { "vkd" } else { name };
    format!(
        "Usage: {name} [/path/to/config.conf] [--directive value ...] [-]
       {name} -                 read the configuration from the standard input
       {name} --check-config ...  read the configuration, report, and exit
       {name} --dev             loopback only, plaintext, one open user: for trying things out
       {name} -v | --version
       {name} -h | --help
       {name} --check-system    look for kernel settings that cost latency

Without a configuration file and without a Valkey directive vkd starts in the strict profile:
TLS and a Unix socket, an admin user with a generated password, a private CA of its own.
With either of them it behaves as Valkey does; --security-profile strict|compatible decides.

Examples:
       {name}
       {name} /etc/valkey/valkey.conf
       {name} --port 7777 --maxclients 100
       {name} --security-profile strict --tls-san db.example.org
       echo 'maxclients 100' | {name} -
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_find_what_they_read() {
        let facts = VersionFacts {
            version: "0.1.0",
            compatible_with: "8.0.1",
            allocator: "je-5",
        };
        let line = version_line(Program::Vkd, &facts);
        let field = |key: &str| {
            line.split_whitespace()
                .find_map(|word| word.strip_prefix(key))
        };
        assert_eq!(field("v="), Some("0.1.0"));
        assert_eq!(field("malloc="), Some("je-5"));
        assert_eq!(field("valkey="), Some("8.0.1"));
        assert!(field("build=").is_some_and(|id| u64::from_str_radix(id, 16).is_ok()));
        assert!(line.starts_with("Verikey server v="));
        let line = version_line(Program::Server, &facts);
        assert!(line.starts_with("Valkey server v=8.0.1 sha=") && !line.contains("valkey="));
    }
}

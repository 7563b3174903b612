//! `vkctl connect --for <client>`: a snippet that connects a client library to this server, with
//! TLS checked. The password is never in it; it comes from the environment.

use crate::endpoint::{ADMIN_USER, Address, Endpoint};
use crate::error::UsageError;
use crate::snippets::{SNIPPETS, Snippet};

/// The client of a name, whatever its case.
pub(crate) fn client(name: &str) -> Option<&'static Snippet> {
    SNIPPETS
        .iter()
        .find(|snippet| snippet.name.eq_ignore_ascii_case(name))
}

/// The snippet for a client, for this server and user.
pub(crate) fn snippet(snippet: &Snippet, endpoint: &Endpoint) -> Result<String, UsageError> {
    let tcp = endpoint.addresses.iter().find_map(|address| match address {
        Address::Tcp { host, port } => Some((host.as_str(), *port)),
        Address::Unix(_) => None,
    });
    let Some((host, port)) = tcp else {
        return Err(UsageError::new(
            "A snippet needs a host: leave -s out, or use -h",
        ));
    };
    let ca_file = endpoint.tls.as_ref().and(endpoint.ca_file.as_deref());
    if endpoint.tls.is_some() && ca_file.is_none() {
        let text = "A snippet with TLS names the CA file: give it with --cacert";
        return Err(UsageError::new(text));
    }
    let user = endpoint.user.as_deref();
    let assumed = if ca_file.is_some() {
        ADMIN_USER
    } else {
        "default"
    };
    let user = user.unwrap_or(assumed);
    Ok(fill(
        snippet,
        &Facts {
            host,
            port,
            user,
            ca_file,
        },
    ))
}

struct Facts<'a> {
    host: &'a str,
    port: u16,
    user: &'a str,
    ca_file: Option<&'a str>,
}

fn fill(snippet: &Snippet, facts: &Facts<'_>) -> String {
    let tls = facts.ca_file.is_some();
    let (wanted, other) = if tls {
        ("[tls]", "[plain]")
    } else {
        ("[plain]", "[tls]")
    };
    let url_host = match facts.host.contains(':') {
        true => format!("[{}]", facts.host),
        false => facts.host.to_owned(),
    };
    let literal = |text: &str| literal(text, snippet.single_quotes);
    let values = [
        ("@HOST@", literal(facts.host)),
        ("@URLHOST@", literal(&url_host)),
        ("@PORT@", facts.port.to_string()),
        ("@ADDRESS@", literal(&format!("{url_host}:{}", facts.port))),
        ("@SCHEME@", if tls { "rediss" } else { "redis" }.to_owned()),
        ("@USER@", literal(facts.user)),
        ("@CA@", literal(facts.ca_file.unwrap_or(""))),
    ];
    let mut out = String::new();
    for line in snippet
        .template
        .lines()
        .filter(|line| !line.starts_with(other))
    {
        replace_all(line.strip_prefix(wanted).unwrap_or(line), &values, &mut out);
        out.push('\n');
    }
    out
}

/// One pass, so that a value is never searched for names.
fn replace_all(line: &str, values: &[(&str, String)], out: &mut String) {
    let mut rest = line;
    while let Some(at) = rest.find('@') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        match values
            .iter()
            .find_map(|(name, value)| Some((from.strip_prefix(name)?, value)))
        {
            Some((after, value)) => {
                out.push_str(value);
                rest = after;
            }
            None => {
                out.push('@');
                rest = from.get(1..).unwrap_or("");
            }
        }
    }
    out.push_str(rest);
}

/// A string literal of the snippet's language.
fn literal(text: &str, single_quotes: bool) -> String {
    let quote = if single_quotes { '\'' } else { '"' };
    let mut out = String::from(quote);
    for character in text.chars().filter(|character| !character.is_control()) {
        if character == quote || character == '\\' {
            out.push('\\');
        }
        out.push(character);
    }
    out.push(quote);
    out
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn filled(tls: bool) -> Vec<(&'static str, String)> {
        let ca_file = tls.then_some("/etc/vkd/ca.crt");
        let facts = Facts {
            host: "::1",
            port: 7001,
            user: "o'ne\"",
            ca_file,
        };
        SNIPPETS
            .iter()
            .map(|snippet| (snippet.name, fill(snippet, &facts)))
            .collect()
    }

    #[test]
    fn every_snippet_is_filled_in() {
        for tls in [true, false] {
            for (name, text) in filled(tls) {
                assert!(
                    !text.contains("[tls]") && !text.contains("[plain]"),
                    "{name}: {text}"
                );
                for token in [
                    "@HOST@",
                    "@PORT@",
                    "@USER@",
                    "@CA@",
                    "@ADDRESS@",
                    "@SCHEME@",
                ] {
                    assert!(!text.contains(token), "{name}: {token}");
                }
                assert!(text.contains("VALKEY_PASSWORD"), "{name}");
                assert!(text.contains("7001"), "{name}");
                assert_eq!(text.contains("/etc/vkd/ca.crt"), tls, "{name}");
                let escaped = text.contains("o'ne\\\"") || text.contains("o\\'ne\"");
                assert!(escaped, "{name}: {text}");
            }
        }
    }

    #[test]
    fn no_snippet_turns_checks_off() {
        for (name, text) in filled(true) {
            let text = text.to_lowercase();
            for word in [
                "cert_none",
                "verify_none",
                "insecure",
                "rejectunauthorized",
                "=false",
            ] {
                assert!(!text.contains(word), "{name}: {word}");
            }
        }
    }

    #[test]
    fn without_tls_the_default_address_and_user() {
        let mut warnings = Vec::new();
        let options = crate::options::Options::default();
        let persona = crate::persona::Persona::ValkeyCli;
        let endpoint = Endpoint::decide(persona, &options, &mut warnings).unwrap();
        let text = snippet(client("REDIS-PY").unwrap(), &endpoint).unwrap();
        assert!(text.contains("port=6379") && text.contains("\"default\""));
        assert_eq!(client("cobol"), None);
    }
}

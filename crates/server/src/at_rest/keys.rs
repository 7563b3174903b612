//! Where the operator's keys come from: files that only the server can read, outside of the data
//! folder. A key beside the data would protect nothing.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use vk_engine::config::{Config, ConfigId, id};
use vk_persist::seal::{DatasetId, Key, Keyring};
use zeroize::Zeroizing;

use crate::{listen::system_text, secrets::permissions::check_private, settings};

/// The variable in which systemd names the folder of credentials.
const CREDENTIALS_VARIABLE: &str = "CREDENTIALS_DIRECTORY";

/// The directives that give keys, the one that encrypts first.
const SOURCES: [(ConfigId, &str, Form); 4] = [
    (id::AT_REST_KEY_FILE, "at-rest-key-file", Form::Keys),
    (
        id::AT_REST_KEY_CREDENTIAL,
        "at-rest-key-credential",
        Form::Credential,
    ),
    (
        id::AT_REST_PASSPHRASE_FILE,
        "at-rest-passphrase-file",
        Form::Passphrase,
    ),
    (id::AT_REST_OLD_KEY_FILE, "at-rest-old-key-file", Form::Keys),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Keys,
    Credential,
    Passphrase,
}

/// Some directive gives keys.
pub(super) fn are_given(config: &Config) -> bool {
    SOURCES
        .iter()
        .any(|(id, _, _)| !config.bytes(*id).is_empty())
}

/// Reads all keys for this dataset.
///
/// # Errors
/// What to tell the operator; never what is in a file.
pub(super) fn read(config: &Config, dataset: DatasetId, data: &Path) -> Result<Keyring, String> {
    let mut ring = Keyring::default();
    for (id, name, form) in SOURCES {
        let Some(path) = settings::path(config, id) else {
            continue;
        };
        let path = if form == Form::Credential {
            credential(&path)?
        } else {
            path
        };
        let bytes = secret(&path, data).map_err(|text| format!("{name}: {text}"))?;
        let shown = path.display();
        if form == Form::Passphrase {
            let passphrase = Key::parse_passphrase(&bytes)
                .ok_or_else(|| format!("{name}: the first line of {shown} is empty"))?;
            let key = Key::of_passphrase(&passphrase, dataset);
            ring.add(&key.ok_or_else(|| format!("{name}: no key can be derived"))?);
        } else {
            let keys = Key::parse_file(&bytes);
            let keys = keys.map_err(|fault| format!("{name}: {shown} {fault}"))?;
            keys.iter().for_each(|key| ring.add(key));
        }
    }
    Ok(ring)
}

fn credential(name: &Path) -> Result<PathBuf, String> {
    let folder = env::var_os(CREDENTIALS_VARIABLE).ok_or_else(|| {
        format!(
            "at-rest-key-credential: {CREDENTIALS_VARIABLE} is not set; start the server as a \
             service with LoadCredential= or LoadCredentialEncrypted="
        )
    })?;
    if name.components().count() != 1 {
        return Err("at-rest-key-credential: this is the name of a credential, not a path".into());
    }
    Ok(Path::new(&folder).join(name))
}

/// The contents of a file that must be secret.
fn secret(path: &Path, data: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    check_private(path).map_err(|fault| fault.to_string())?;
    let shown = path.display();
    let complain = |error: std::io::Error| format!("can't read {shown}: {}", system_text(&error));
    let real = fs::canonicalize(path).map_err(complain)?;
    let data = fs::canonicalize(data).map_err(complain)?;
    if real.starts_with(&data) {
        return Err(format!(
            "{shown} lies in the data folder, where it protects nothing; move it away"
        ));
    }
    fs::read(real).map(Zeroizing::new).map_err(complain)
}

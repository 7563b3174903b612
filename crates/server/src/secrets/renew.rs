//! Renewal of the server's certificate, by itself and without surprising clients.
//!
//! The CA's key is gone, so a new certificate has a new CA. It is made some time ahead and its
//! CA joins the bundle at once; the server changes over when clients had that time to take the
//! new bundle. Certificates that the operator installed are not renewed here.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::{
    CA_FILE, NEXT_FILE, SERVER_FILE, SecretsError, SecretsRequest, issue, leaf_facts, store,
};
use crate::tls_files::x509;

const DAY: Duration = Duration::from_secs(86_400);
/// This long before it expires the next certificate is made and its CA published.
const STAGE_AHEAD: Duration = DAY.saturating_mul(90);
/// This long before it expires the server changes over to it.
const SWITCH_AHEAD: Duration = DAY.saturating_mul(30);

/// What a look at the certificate led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Renewal {
    /// It is good for some time yet.
    NotDue,
    /// The next CA is in the bundle; the server still uses the old certificate.
    Staged {
        /// The bundle.
        ca_file: String,
    },
    /// There is a new certificate: the server has to load it.
    Switched {
        /// The bundle.
        ca_file: String,
    },
}

impl Renewal {
    /// What the log should tell.
    pub(crate) fn note(&self) -> Option<String> {
        match self {
            Self::NotDue => None,
            Self::Staged { ca_file } => Some(format!(
                "The server's certificate expires in less than {} days. The next one has a new \
                 CA, which is in {ca_file} already: give this file to clients on other machines; \
                 the server changes over {} days before the expiry",
                STAGE_AHEAD.as_secs() / DAY.as_secs(),
                SWITCH_AHEAD.as_secs() / DAY.as_secs(),
            )),
            Self::Switched { ca_file } => Some(format!(
                "WARNING: the server has a new certificate from a new CA: clients on other \
                 machines need the CA file {ca_file}"
            )),
        }
    }
}

/// Renews the certificate if its end is near, or if it is not for all names of `tls-san`. To be
/// called at the start and once a day or so.
///
/// # Errors
///
/// A file cannot be read or written; the old certificate stays in use.
pub(crate) fn renew(request: &SecretsRequest<'_>) -> Result<Renewal, SecretsError> {
    let (server, next) = (request.file(SERVER_FILE), request.file(NEXT_FILE));
    let ca_file = request.file(CA_FILE).display().to_string();
    let current = store::read(&server)?;
    if !issue::covers(&current, request.tls_san) {
        let issued = issue::issue(request)?;
        publish(request, &issued.ca_pem)?;
        store::replace(&server, issued.server_pem.as_bytes())?;
        // What was staged is not for the new names.
        let _ = fs::remove_file(&next);
        return Ok(Renewal::Switched { ca_file });
    }
    let left = left(leaf_facts(&server)?.not_after_s, request.now);
    if left > STAGE_AHEAD {
        return Ok(Renewal::NotDue);
    }
    let staged = store::read_if_there(&next)?
        .filter(|pem| issue::covers(pem, request.tls_san))
        .filter(|_| leaf_facts(&next).is_ok_and(|facts| outlasts(facts.not_after_s, request.now)));
    if staged.is_none() {
        let issued = issue::issue(request)?;
        publish(request, &issued.ca_pem)?;
        store::replace(&next, issued.server_pem.as_bytes())?;
    }
    if left <= SWITCH_AHEAD {
        fs::rename(&next, &server).map_err(|error| SecretsError::io("replace", &server, error))?;
        store::sync_folder(request.dir)?;
        return Ok(Renewal::Switched { ca_file });
    }
    if staged.is_some() {
        return Ok(Renewal::NotDue);
    }
    Ok(Renewal::Staged { ca_file })
}

/// Whether a staged certificate is itself not due again.
fn outlasts(not_after_s: i64, now: SystemTime) -> bool {
    left(not_after_s, now) > STAGE_AHEAD
}

/// The time until a moment; zero when it has passed.
fn left(until_s: i64, now: SystemTime) -> Duration {
    let until = UNIX_EPOCH + Duration::from_secs(u64::try_from(until_s).unwrap_or(0));
    until.duration_since(now).unwrap_or_default()
}

/// Adds a CA to the bundle and takes those out that have expired.
fn publish(request: &SecretsRequest<'_>, ca_pem: &str) -> Result<(), SecretsError> {
    let path = request.file(CA_FILE);
    let old = store::read_if_there(&path)?.unwrap_or_default();
    let mut bundle = ca_pem.to_owned();
    for section in issue::sections(&old) {
        let facts = issue::certificates(&section)
            .first()
            .and_then(|der| x509::facts(der));
        if facts.is_some_and(|facts| !left(facts.not_after_s, request.now).is_zero()) {
            bundle.push_str(&section);
        }
    }
    store::replace(&path, bundle.as_bytes())
}

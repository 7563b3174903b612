//! The secrets folder on disk: it comes into being whole, or leaves no trace.
//!
//! A folder that does not exist is made beside its place and renamed into it. One that exists
//! already (a mounted volume, a folder made by systemd) is filled under a mark that is removed
//! last; what a killed start left behind is recognised by its name or by the mark.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::FlockOperation;
use zeroize::Zeroizing;

use super::{
    AdminPassword, CA_FILE, NEXT_FILE, PASSWORD_FILE, SERVER_FILE, SecretsError, SecretsRequest,
    VERIFIER_FILE, issue, password, permissions,
};

/// The mark of a folder that is being filled.
const INCOMPLETE: &str = ".incomplete";
/// Every name that the folder may hold of ours.
const NAMES: [&str; 6] = [
    CA_FILE,
    SERVER_FILE,
    NEXT_FILE,
    PASSWORD_FILE,
    VERIFIER_FILE,
    INCOMPLETE,
];
/// A secret is small; a wrong path may lead to something that is not.
const FILE_BYTES_MAX: u64 = 1 << 20;
/// How long another start may take to make the secrets.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How a new file is written: exchanged by the tests for one that fails.
pub(super) type WriteFile = dyn Fn(&Path, &[u8]) -> io::Result<()>;

/// Makes the secrets if there are none; gives the password that was made.
pub(super) fn ensure(
    request: &SecretsRequest<'_>,
    write: &WriteFile,
) -> Result<Option<AdminPassword>, SecretsError> {
    let parents = Parents::make(request.dir)?;
    let result = ensure_in(request, write);
    if result.is_err() {
        parents.unmake();
    }
    result
}

fn ensure_in(
    request: &SecretsRequest<'_>,
    write: &WriteFile,
) -> Result<Option<AdminPassword>, SecretsError> {
    let exists = request.dir.try_exists().unwrap_or(true);
    let held = if exists {
        request.dir
    } else {
        parent(request.dir)
    };
    let _lock = lock(held)?;
    if !request.dir.try_exists().unwrap_or(true) {
        return make_beside(request, write).map(Some);
    }
    if !request.dir.is_dir() {
        let fault = permissions::Fault::Kind {
            path: request.dir.to_owned(),
            wanted: "folder",
        };
        return Err(fault.into());
    }
    let entries = names_in(request.dir)?;
    let has = |name: &str| entries.iter().any(|entry| entry == name);
    if has(INCOMPLETE) {
        remove_files(request.dir);
        return make_inside(request, write).map(Some);
    }
    let needed = [CA_FILE, SERVER_FILE, VERIFIER_FILE];
    if let Some(missing) = needed.into_iter().find(|name| !has(name)) {
        if needed.into_iter().any(has) || has(PASSWORD_FILE) {
            return Err(SecretsError::Incomplete {
                dir: request.dir.to_owned(),
                missing,
            });
        }
        // File systems put this one into the root of a volume.
        if entries.iter().any(|entry| entry != "lost+found") {
            return Err(SecretsError::Foreign {
                dir: request.dir.to_owned(),
            });
        }
        permissions::check_folder(request.dir)?;
        return make_inside(request, write).map(Some);
    }
    Ok(None)
}

/// The folders above the secrets folder that had to be made.
struct Parents(Vec<PathBuf>);

impl Parents {
    fn make(dir: &Path) -> Result<Self, SecretsError> {
        let missing: Vec<&Path> = parent(dir)
            .ancestors()
            .take_while(|path| !path.exists())
            .collect();
        let mut made = Self(Vec::new());
        for path in missing
            .into_iter()
            .rev()
            .filter(|path| !path.as_os_str().is_empty())
        {
            // The public copy of the CA bundle lies here for everybody to read.
            if let Err(error) = DirBuilder::new().mode(0o755).create(path) {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    continue;
                }
                made.unmake();
                return Err(SecretsError::io("make the folder", path, error));
            }
            made.0.push(path.to_owned());
        }
        Ok(made)
    }

    fn unmake(&self) {
        for path in self.0.iter().rev() {
            // Not empty: somebody else uses it already.
            let _ = fs::remove_dir(path);
        }
    }
}

fn parent(dir: &Path) -> &Path {
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// One start at a time makes secrets.
fn lock(dir: &Path) -> Result<File, SecretsError> {
    let file = File::open(dir).map_err(|error| SecretsError::io("open", dir, error))?;
    for _ in 0..LOCK_TRIES {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) => thread::sleep(LOCK_PAUSE),
            // A file system without locks: two first starts at once are then not told apart.
            Err(_) => return Ok(file),
        }
    }
    Err(SecretsError::Busy {
        path: dir.to_owned(),
    })
}

fn make_beside(
    request: &SecretsRequest<'_>,
    write: &WriteFile,
) -> Result<AdminPassword, SecretsError> {
    let above = parent(request.dir);
    let name = request
        .dir
        .file_name()
        .unwrap_or_default()
        .to_string_lossy();
    let prefix = format!(".{name}.new-");
    for entry in names_in(above)?
        .iter()
        .filter(|entry| entry.starts_with(&prefix))
    {
        // A killed start left it behind; under the lock nobody else can be making it.
        let left = above.join(entry);
        remove_files(&left);
        let _ = fs::remove_dir(&left);
    }
    let fresh = above.join(format!("{prefix}{}", std::process::id()));
    DirBuilder::new()
        .mode(0o700)
        .create(&fresh)
        .map_err(|error| SecretsError::io("make the folder", &fresh, error))?;
    let result = fill(request, &fresh, write).and_then(|password| {
        fs::rename(&fresh, request.dir)
            .map_err(|error| SecretsError::io("make the folder", request.dir, error))?;
        Ok(password)
    });
    if result.is_err() {
        remove_files(&fresh);
        let _ = fs::remove_dir(&fresh);
    }
    let password = result?;
    sync_folder(above)?;
    Ok(password)
}

fn make_inside(
    request: &SecretsRequest<'_>,
    write: &WriteFile,
) -> Result<AdminPassword, SecretsError> {
    let mark = request.file(INCOMPLETE);
    let result = write(&mark, b"")
        .map_err(|error| SecretsError::io("write", &mark, error))
        .and_then(|()| sync_folder(request.dir))
        .and_then(|()| fill(request, request.dir, write))
        .and_then(|password| {
            fs::remove_file(&mark).map_err(|error| SecretsError::io("remove", &mark, error))?;
            sync_folder(request.dir)?;
            Ok(password)
        });
    if result.is_err() {
        remove_files(request.dir);
    }
    result
}

/// Writes all files into `dir` and makes them durable.
fn fill(
    request: &SecretsRequest<'_>,
    dir: &Path,
    write: &WriteFile,
) -> Result<AdminPassword, SecretsError> {
    let issued = issue::issue(request)?;
    let admin = password::generate()?;
    let line = Zeroizing::new(format!("{}\n", *admin.0));
    let verifier = password::verifier_text(&admin.0);
    let files: [(&str, &[u8]); 4] = [
        (CA_FILE, issued.ca_pem.as_bytes()),
        (SERVER_FILE, issued.server_pem.as_bytes()),
        (PASSWORD_FILE, line.as_bytes()),
        (VERIFIER_FILE, verifier.as_bytes()),
    ];
    for (name, bytes) in files {
        let path = dir.join(name);
        write(&path, bytes).map_err(|error| SecretsError::io("write", &path, error))?;
    }
    sync_folder(dir)?;
    Ok(admin)
}

/// Removes our files from a folder, and nothing else.
fn remove_files(dir: &Path) {
    // The mark goes last: were we killed now, the rest would still be known as left over.
    for name in NAMES {
        let _ = fs::remove_file(dir.join(name));
    }
}

fn names_in(dir: &Path) -> Result<Vec<String>, SecretsError> {
    let entries = fs::read_dir(dir).map_err(|error| SecretsError::io("list", dir, error))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect())
}

/// Writes a new file of mode 0600 and makes it durable; never follows or replaces what is there.
pub(super) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Puts a file in the place of another at one stroke.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), SecretsError> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(".new");
    let fresh = PathBuf::from(fresh);
    // One that a killed process left.
    let _ = fs::remove_file(&fresh);
    let result = write_private(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = result {
        let _ = fs::remove_file(&fresh);
        return Err(SecretsError::io("write", path, error));
    }
    sync_folder(parent(path))
}

pub(super) fn sync_folder(dir: &Path) -> Result<(), SecretsError> {
    File::open(dir)
        .and_then(|file| file.sync_all())
        .map_err(|error| SecretsError::io("sync", dir, error))
}

/// The text of a secret file.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, SecretsError> {
    read_if_there(path)?
        .ok_or_else(|| SecretsError::io("read", path, io::Error::from(io::ErrorKind::NotFound)))
}

/// The text of a secret file, or none if there is no such file.
pub(super) fn read_if_there(path: &Path) -> Result<Option<Zeroizing<String>>, SecretsError> {
    let mut text = Zeroizing::new(String::new());
    let read =
        File::open(path).and_then(|file| file.take(FILE_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(SecretsError::Damaged {
            path: path.to_owned(),
        }),
        Err(error) => Err(SecretsError::io("read", path, error)),
    }
}

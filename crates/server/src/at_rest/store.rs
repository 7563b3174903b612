//! Small files that are read and replaced as a whole.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use crate::{listen::system_text, snapshot::sync_folder};

/// The contents of a file, if there is one.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let text = system_text(&error);
            Err(format!("Can't read {}: {text}", path.display()))
        }
    }
}

/// Puts other contents in the place of a file: after a crash the old ones are there or the new.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let temporary = path.with_added_extension("temp");
    let written = File::create(&temporary)
        .and_then(|mut file| {
            file.write_all(bytes)?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, path))
        .and_then(|()| sync_folder(path));
    written.map_err(|error| {
        // What was there before still holds.
        let _ = fs::remove_file(&temporary);
        let text = system_text(&error);
        format!("Can't write {}: {text}", path.display())
    })
}

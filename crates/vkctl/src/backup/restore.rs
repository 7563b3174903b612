//! `backup restore`: puts a backup into the data folder of a server that does not run. Whatever the
//! server's `appendonly` says it finds the data: as its RDB file, and as the base of its log.
//!
//! Nothing is changed before all of the backup was read and found right. What is there already is
//! set aside under another name, never removed.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use vk_persist::seal::Register;
use vk_persist::{Manifest, Names};

use super::Restore;
use super::record::{Record, SNAPSHOT};
use super::survey::{self, Survey, now_ms};
use crate::error::Failure;
use crate::modes::say;
use crate::new_file::{self, Existing, NewFile, file_failure, path_text, sync_folder};

/// Names of servers, as the kernel tells them.
const SERVERS: [&str; 3] = ["vkd", "valkey-server", "redis-server"];

/// Puts a backup into a data folder.
pub(super) fn run(job: &Restore) -> Result<(), Failure> {
    for name in [&job.file_name, &job.log_folder, &job.log_name] {
        if name.is_empty() || name.contains('/') || name == "." || name == ".." {
            return Err(Failure::Reply(format!("'{name}' is no name of a file")));
        }
    }
    let record = Record::read(&job.folder)?;
    let data_folder = &job.data_folder;
    if !data_folder.is_dir() {
        let made = DirBuilder::new().mode(0o700).create(data_folder);
        made.map_err(|error| file_failure(data_folder, &error))?;
    }
    refuse_running_server(data_folder)?;
    let places = Places::of(job);
    let there = places.there();
    if !there.is_empty() && !job.sets_aside {
        let names: Vec<String> = there.iter().map(|path| path_text(path)).collect();
        return Err(Failure::Reply(format!(
            "There is data already: {}. With --force it is set aside",
            names.join(", ")
        )));
    }
    let path = job.folder.join(SNAPSHOT);
    let mut copy = NewFile::create(&places.snapshot, Existing::Replaced)?;
    let survey = Survey::take(&path, survey::open(&path)?, &job.keys, Some(&mut copy))?;
    record.compare(&survey, &path)?;
    set_aside(&there)?;
    copy.finish()?;
    let failed = |error| file_failure(&places.log_folder, &error);
    if survey.is_sealed {
        say(
            "The snapshot is encrypted and cannot be the base of a log: start the server with \
             appendonly no and at-rest-accept-older yes, and switch appendonly on then\n",
        )?;
    } else {
        build_log(&places, &Names::new(&job.log_name))?;
    }
    give_to_owner(data_folder, &places).map_err(failed)?;
    sync_folder(&places.snapshot).map_err(failed)?;
    let (summary, created_s) = (survey.summary(data_folder), record.created_s);
    say(&format!("{summary}, of {created_s} (Unix time)\n"))
}

/// Where a server looks for its data.
struct Places {
    snapshot: PathBuf,
    log_folder: PathBuf,
    /// The one file that older versions wrote, which is taken over at a start.
    old_log: PathBuf,
    /// What an encrypted dataset says of its files, which are other ones now.
    register: PathBuf,
}

impl Places {
    fn of(job: &Restore) -> Self {
        let place = |name: &str| job.data_folder.join(name);
        Self {
            snapshot: place(&job.file_name),
            log_folder: place(&job.log_folder),
            old_log: place(&job.log_name),
            register: place(Register::FILE),
        }
    }

    /// Those where there is something.
    fn there(&self) -> Vec<&Path> {
        let places = [
            &self.snapshot,
            &self.log_folder,
            &self.old_log,
            &self.register,
        ];
        let places = places
            .into_iter()
            .filter(|path| path.symlink_metadata().is_ok());
        places.map(PathBuf::as_path).collect()
    }
}

fn set_aside(places: &[&Path]) -> Result<(), Failure> {
    let stamp = now_ms() / 1000;
    for place in places {
        let mut name = place.file_name().unwrap_or_default().to_owned();
        name.push(format!(".before-restore-{stamp}"));
        let aside = place.with_file_name(name);
        if aside.symlink_metadata().is_ok() {
            let error = std::io::ErrorKind::AlreadyExists.into();
            return Err(file_failure(&aside, &error));
        }
        fs::rename(place, &aside).map_err(|error| file_failure(place, &error))?;
        say(&format!(
            "{} is now {}\n",
            path_text(place),
            path_text(&aside)
        ))?;
    }
    Ok(())
}

/// A log whose base is the snapshot: the same file under a second name, since neither is ever
/// changed in its place.
fn build_log(places: &Places, names: &Names) -> Result<(), Failure> {
    let folder = &places.log_folder;
    let mut name = folder.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.with_file_name(name);
    let (manifest, base) = Manifest::default().with_base(names, true, 0);
    let build = || -> Result<(), Failure> {
        let failed = |error| file_failure(&temporary, &error);
        let made = DirBuilder::new().mode(0o700).create(&temporary);
        made.map_err(failed)?;
        let base = temporary.join(base);
        // Some file systems have one name per file alone.
        if fs::hard_link(&places.snapshot, &base).is_err() {
            fs::copy(&places.snapshot, &base).map_err(failed)?;
            fs::File::open(&base)
                .and_then(|file| file.sync_all())
                .map_err(failed)?;
        }
        let mut list = NewFile::create(&temporary.join(names.manifest()), Existing::Kept)?;
        list.write(&manifest.encode())?;
        list.finish()?;
        fs::rename(&temporary, folder).map_err(failed)
    };
    build().inspect_err(|_| {
        // The snapshot is in its place; without a log there is nothing that goes before it.
        let _ = fs::remove_dir_all(&temporary);
    })
}

/// Root restores for the user that the folder belongs to.
fn give_to_owner(data_folder: &Path, places: &Places) -> std::io::Result<()> {
    let owner = fs::metadata(data_folder)?;
    let mut own = vec![places.snapshot.clone()];
    if places.log_folder.is_dir() {
        for file in fs::read_dir(&places.log_folder)? {
            own.push(file?.path());
        }
        own.push(places.log_folder.clone());
    }
    own.iter()
        .try_for_each(|path| new_file::give_to_owner(path, &owner))
}

/// A server works in its data folder; one that runs would write over what is restored.
fn refuse_running_server(data_folder: &Path) -> Result<(), Failure> {
    let folder = fs::canonicalize(data_folder);
    let folder = folder.map_err(|error| file_failure(data_folder, &error))?;
    // Where the kernel tells nothing of processes nothing is found.
    let Ok(processes) = fs::read_dir("/proc") else {
        return Ok(());
    };
    for process in processes.flatten() {
        let path = process.path();
        let works_here = fs::read_link(path.join("cwd")).is_ok_and(|cwd| cwd == folder);
        let name = fs::read_to_string(path.join("comm")).unwrap_or_default();
        if works_here && SERVERS.contains(&name.trim_end()) {
            return Err(Failure::Reply(format!(
                "A server works in {}: {}, process {}. End it first",
                path_text(data_folder),
                name.trim_end(),
                process.file_name().to_string_lossy()
            )));
        }
    }
    Ok(())
}

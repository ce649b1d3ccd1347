//! Processes on Linux: `/proc`, one process at a time.
//!
//! Never more than three descriptors are open at once, whatever the limit and however many
//! processes there are. Links are read and never followed: a file system that they lead to may not
//! answer.

mod follow;
mod inspection;
mod kernel;
mod links;
mod locks;
mod namespaces;
mod newlines;
mod own_runs;
mod seen;
mod threads;
mod unseen;
mod view;

use std::path::PathBuf;

use procfs::ProcError;
use procfs::process::{Process, all_processes};
use rustix::io::Errno;

use super::{InUse, UsingProcess};
use crate::cache::path_lookup::{PathLookup, as_path, entry_below};
use crate::cache::{Cache, Location};
use crate::error::{Context, Result};

use inspection::Inspector;
pub use locks::lock_holder;
use namespaces::Home;
#[cfg(feature = "cli")]
pub use own_runs::announce;

pub fn look(cache: &Cache) -> Result<InUse> {
    let (own, lookup) = (own_pid().context(LIST, PROC)?, PathLookup::new(cache));
    let home = Home::new(cache, &lookup).context("read", "/proc/self/mountinfo")?;
    let mut users = InUse { unseen: unseen::unseen(&home.mounts), ..InUse::default() };
    look_at_kernel(&home, &mut users)?;
    let mut inspector = Inspector::new(&lookup, home);
    for process in all_processes().map_err(into_io).context(LIST, PROC)? {
        match process {
            Ok(process) if process.pid == own => {}
            Ok(process) => inspector.inspect(&process, &mut users),
            Err(cause) if is_gone(&cause) => {}
            Err(cause) => return Err(into_io(cause)).context(LIST, PROC),
        }
    }
    Ok(users)
}

/// Adds what the kernel itself uses.
fn look_at_kernel(home: &Home, users: &mut InUse) -> Result<()> {
    for file in kernel::files()? {
        for entry in home.view.entries(&file.path) {
            users.insert(entry, UsingProcess::of_kernel(&file.user));
        }
    }
    Ok(())
}

/// Each entry that a mount keeps busy, and where that is mounted.
pub fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    Ok(Home::new(cache, &PathLookup::new(cache))?.held().collect())
}

const LIST: &str = "list the processes in";
const PROC: &str = "/proc";

/// The entries on which a file system is mounted that a server or a process has to answer for. The
/// cache's own folders are not among them: without those there is no cache.
pub fn unanswering_mounts(cache: &Cache) -> std::io::Result<Vec<Location>> {
    let (mounts, lookup) = (crate::fs::mounts()?, PathLookup::new(cache));
    let points = mounts.iter().filter(|mount| !mount.is_local()).map(|mount| as_path(&mount.point));
    let entries = points.filter_map(|point| {
        let entry = entry_below(lookup.real(), point)?;
        (entry.path_in(lookup.real()) == point && entry.name.as_bytes() != b"layers")
            .then_some(entry)
    });
    Ok(entries.collect())
}

/// What `/proc` calls this process, which may be in another pid namespace than that it is of.
fn own_pid() -> std::io::Result<i32> {
    Process::myself().map(|own| own.pid).map_err(into_io)
}

/// Whether the process has ended, or the file or mapping in question been closed, meanwhile.
fn is_gone(cause: &ProcError) -> bool {
    match cause {
        ProcError::NotFound(_) => true,
        ProcError::Io(cause, _) => cause.raw_os_error() == Some(Errno::SRCH.raw_os_error()),
        _ => false,
    }
}

/// Of these, only that `/proc` is missing is [`NotFound`](std::io::ErrorKind::NotFound).
fn into_io(cause: ProcError) -> std::io::Error {
    match cause {
        ProcError::Io(cause, _) => cause,
        ProcError::NotFound(_) => Errno::NOENT.into(),
        ProcError::PermissionDenied(_) => Errno::ACCESS.into(),
        other => std::io::Error::other(other.to_string()),
    }
}

/// The process by the file name of its executable. The name that it has for the kernel is cut to
/// 15 bytes, and its own to choose.
fn user(process: &Process) -> Option<UsingProcess> {
    let name = |exe: std::path::PathBuf| Some(exe.file_name()?.to_string_lossy().into_owned());
    let program = match process.exe().ok().and_then(name) {
        Some(name) => name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned(),
        None => process.stat().ok()?.comm,
    };
    Some(UsingProcess { pid: u32::try_from(process.pid).ok()?, program, holds_lease: false })
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_what_is_missing_is_not_found() {
        let kind = |cause| into_io(cause).kind();
        assert_eq!(kind(ProcError::NotFound(None)), ErrorKind::NotFound);
        assert_eq!(kind(ProcError::PermissionDenied(None)), ErrorKind::PermissionDenied);
        assert_eq!(kind(ProcError::Incomplete(None)), ErrorKind::Other);
        assert_eq!(kind(ProcError::Other(String::new())), ErrorKind::Other);
        let many = || Error::from(Errno::MFILE);
        assert_eq!(kind(ProcError::Io(many(), None)), many().kind());
    }
}

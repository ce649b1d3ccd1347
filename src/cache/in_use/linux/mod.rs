//! Processes on Linux: `/proc`, one process at a time.
//!
//! Each thread has at most three descriptors open at once, whatever the limit and however many
//! processes there are. Links are read but never followed, because the file system they lead to may
//! not answer.

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

use std::path::{Path, PathBuf};
use std::sync::Arc;

use procfs::ProcError;
use procfs::process::Process;
use rustix::io::Errno;

use super::{InUse, UsingProcess};
use crate::cache::path_lookup::{PathLookup, as_path, entry_below};
use crate::cache::{Cache, Location};
use crate::error::{Context, Result};
use crate::fs::Directory;

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
    let mut pids = pids().context(LIST, PROC)?;
    pids.retain(|&pid| pid != own);
    for part in look_at_all(&lookup, &Arc::new(home), &pids) {
        users.add(part?);
    }
    Ok(users)
}

fn pids() -> rustix::io::Result<Vec<i32>> {
    let mut pids = Vec::new();
    Directory::open(Path::new(PROC))?.for_each(|name, _| {
        pids.extend(name.to_str().ok().and_then(|name| name.parse::<i32>().ok()));
    })?;
    Ok(pids)
}

/// Inspects all processes in parallel. If a thread cannot be started, this one does its part.
fn look_at_all(lookup: &PathLookup, home: &Arc<Home>, pids: &[i32]) -> Vec<Result<InUse>> {
    let count = std::thread::available_parallelism().map_or(1, usize::from).min(MOST_THREADS);
    let look = |part: usize| look_at_some(lookup, home, pids.iter().skip(part).step_by(count));
    std::thread::scope(|scope| {
        let start = |part| std::thread::Builder::new().spawn_scoped(scope, move || look(part));
        let others: Vec<_> = (1..count).map(|part| (part, start(part))).collect();
        let mut parts = vec![look(0)];
        parts.extend(others.into_iter().map(|(part, worker)| match worker {
            Ok(worker) => worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(_) => look(part),
        }));
        parts
    })
}

fn look_at_some<'p>(
    lookup: &PathLookup,
    home: &Arc<Home>,
    pids: impl Iterator<Item = &'p i32>,
) -> Result<InUse> {
    let (mut inspector, mut users) = (Inspector::new(lookup, Arc::clone(home)), InUse::default());
    for &pid in pids {
        match Process::new(pid) {
            Ok(process) => inspector.inspect(&process, &mut users),
            Err(cause) if is_gone(&cause) => {}
            Err(cause) => return Err(into_io(cause)).context(LIST, PROC),
        }
    }
    Ok(users)
}

/// Adds the files that the kernel itself uses.
fn look_at_kernel(home: &Home, users: &mut InUse) -> Result<()> {
    for file in kernel::files()? {
        for entry in home.view.entries(&file.path) {
            users.insert(entry, UsingProcess::of_kernel(&file.user));
        }
    }
    Ok(())
}

/// The entries that are busy because of a mount, each with the mount point.
pub fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    Ok(Home::new(cache, &PathLookup::new(cache))?.held().collect())
}

/// Most of the time is spent in the kernel, which handles several processes in parallel.
const MOST_THREADS: usize = 4;

const LIST: &str = "list the processes in";
const PROC: &str = "/proc";

/// Entries that are mount points of file systems that need a server or a process to answer.
/// Excludes the cache's own folders, because without them there is no cache.
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

/// This process's PID in `/proc`, which may belong to another PID namespace.
fn own_pid() -> std::io::Result<i32> {
    Process::myself().map(|own| own.pid).map_err(into_io)
}

/// Whether the process has ended, or the file or mapping has been closed, in the meantime.
fn is_gone(cause: &ProcError) -> bool {
    match cause {
        ProcError::NotFound(_) => true,
        ProcError::Io(cause, _) => cause.raw_os_error() == Some(Errno::SRCH.raw_os_error()),
        _ => false,
    }
}

/// Converts an error. Only a missing `/proc` becomes [`NotFound`](std::io::ErrorKind::NotFound).
fn into_io(cause: ProcError) -> std::io::Error {
    match cause {
        ProcError::Io(cause, _) => cause,
        ProcError::NotFound(_) => Errno::NOENT.into(),
        ProcError::PermissionDenied(_) => Errno::ACCESS.into(),
        other => std::io::Error::other(other.to_string()),
    }
}

/// Describes a process by the file name of its executable. The kernel's name for a process is cut
/// to 15 bytes, and the process can change it.
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
    fn only_a_missing_proc_is_not_found() {
        let kind = |cause| into_io(cause).kind();
        assert_eq!(kind(ProcError::NotFound(None)), ErrorKind::NotFound);
        assert_eq!(kind(ProcError::PermissionDenied(None)), ErrorKind::PermissionDenied);
        assert_eq!(kind(ProcError::Incomplete(None)), ErrorKind::Other);
        assert_eq!(kind(ProcError::Other(String::new())), ErrorKind::Other);
        let many = || Error::from(Errno::MFILE);
        assert_eq!(kind(ProcError::Io(many(), None)), many().kind());
    }
}

//! Processes on every other Unix, mainly macOS: command lines, current directories, roots and
//! executables, and on macOS open files. These systems do not report who holds a lock.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};

#[cfg(target_vendor = "apple")]
use super::apple::for_each_open_file;
#[cfg(feature = "cli")]
use super::role::Role;
use super::runner::root_path;
use super::users::{InUse, UsingProcess};
use crate::cache::path_lookup::PathLookup;
use crate::cache::{Cache, Location};
use crate::error::{Error, Result};
use crate::fs::{InodeId, mount_points};

pub fn look(cache: &Cache) -> Result<InUse> {
    let lookup = PathLookup::new(cache);
    let wanted = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_cwd(UpdateKind::Always)
        .with_root(UpdateKind::Always)
        .with_exe(UpdateKind::Always)
        .without_tasks();
    let mut system = System::new();
    if system.refresh_processes_specifics(ProcessesToUpdate::All, true, wanted) == 0 {
        let cause = std::io::Error::from(std::io::ErrorKind::Unsupported);
        return Err(Error::io("list the processes of", "this system", cause));
    }
    let mut users = InUse::default();
    for process in system.processes().values().filter(|process| is_other(process)) {
        let (entries, is_partial) = inspect(process, &lookup);
        users.uninspected.extend(is_partial.then(|| user(process)));
        entries.into_iter().for_each(|entry| users.insert(entry, user(process)));
    }
    users.uninspected.sort();
    Ok(users)
}

/// Excludes this process and the kernel.
fn is_other(process: &Process) -> bool {
    ![0, std::process::id()].contains(&process.pid().as_u32())
}

/// The entries that a process uses, and whether something could not be inspected.
fn inspect(process: &Process, lookup: &PathLookup) -> (Vec<Location>, bool) {
    let links = [process.cwd(), process.root(), process.exe()].into_iter().flatten();
    let led_to = links.flat_map(|path| lookup.of_link(path.as_os_str().as_bytes()));
    let named = process.cmd().iter().filter_map(|argument| root_path(argument.as_bytes()));
    let named = named.flat_map(|path| named_entries(process, lookup, &path));
    let mut entries: Vec<_> = led_to.chain(named).collect();
    let files = for_each_open_file(process.pid().as_u32(), |path| {
        entries.extend(lookup.of_link(path));
    });
    (entries, files.is_none() || process.cwd().is_none())
}

/// A path among a program's arguments counts both literally and resolved.
fn named_entries(process: &Process, lookup: &PathLookup, path: &Path) -> Vec<Location> {
    let path = process.cwd().unwrap_or(Path::new("")).join(path);
    let mut entries: Vec<_> = lookup.of_name(&path).collect();
    // A path that is still relative would be resolved from our own directory.
    if let Some(path) = path.is_absolute().then(|| follow(&path)).flatten() {
        entries.extend(lookup.of_name(&path));
    }
    entries
}

/// Resolves a path as far as possible, and keeps the rest literally.
fn follow(path: &Path) -> Option<PathBuf> {
    path.ancestors().find_map(|upper| {
        let rest = path.strip_prefix(upper).ok()?;
        Some(upper.canonicalize().ok()?.join(rest))
    })
}

fn user(process: &Process) -> UsingProcess {
    let program = process.exe().and_then(|exe| exe.file_name()).unwrap_or(process.name());
    let program = program.to_string_lossy().into_owned();
    UsingProcess { pid: process.pid().as_u32(), program, holds_lease: false }
}

/// No other system reports them.
#[cfg(not(target_vendor = "apple"))]
fn for_each_open_file(_: u32, _: impl FnMut(&[u8])) -> Option<()> {
    Some(())
}

pub fn lock_holder(_: InodeId) -> Option<UsingProcess> {
    None
}

/// The entries in which something is mounted, each with the mount point.
pub fn mounted(cache: &Cache) -> std::io::Result<Vec<(Location, PathBuf)>> {
    let lookup = PathLookup::new(cache);
    let mounts = mount_points()?.into_iter().flat_map(|point| {
        let entries: Vec<_> = lookup.of_link(point.as_os_str().as_bytes()).collect();
        entries.into_iter().map(move |entry| (entry, point.clone()))
    });
    Ok(mounts.collect())
}

/// The types of mounted file systems are not checked here.
pub fn unanswering_mounts(_: &Cache) -> std::io::Result<Vec<Location>> {
    Ok(Vec::new())
}

/// No other run looks for a mark here.
#[cfg(feature = "cli")]
pub fn announce(_: Role) -> Option<std::os::fd::OwnedFd> {
    None
}

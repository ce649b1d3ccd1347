//! The look at all processes, by a few threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use procfs::process::Process;

use super::inspection::Inspector;
use super::kernel;
use super::namespaces::Home;
use super::process::{into_io, is_gone, own_pid};
use super::unseen::unseen;
use crate::cache::in_use::users::{InUse, UsingProcess};
use crate::cache::path_lookup::{PathLookup, as_path, entry_below};
use crate::cache::{Cache, Location};
use crate::error::{Context, Result};
use crate::fs::Directory;

pub fn look(cache: &Cache) -> Result<InUse> {
    let (own, lookup) = (own_pid().context(LIST, PROC)?, PathLookup::new(cache));
    let home = Home::new(cache, &lookup).context("read", "/proc/self/mountinfo")?;
    let mut users = InUse::beside_unseen(unseen(&home.mounts));
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

//! Who holds a `flock`, as `/proc/locks` tells it.
//!
//! A line names a process and an inode, not a path. The device in it is that of the file system,
//! and on btrfs `stat` gives each subvolume another one. So the inode number decides at first, an
//! equal device comes before others, and whoever is named must have that directory open, if one
//! may look. (Whoever took a lock may have handed it on and ended, and its number be used again.)

use std::io::{BufRead, BufReader};

use procfs::process::Process;
use procfs::{FromBufRead, Lock, LockKind, LockType, Locks};
use rustix::fs::AtFlags;

use super::{UsingProcess, descriptors, is_gone, own_pid, user};
use crate::fs::{Directory, InodeId};

pub fn lock_holder(directory: &Directory) -> Option<UsingProcess> {
    let inode = directory.status().ok()?.inode;
    let own = own_pid().ok()?;
    let mut held: Vec<_> = exclusive_locks().ok()?;
    held.retain(|lock| lock.inode == inode.number && lock.pid != Some(own));
    held.sort_by_key(|lock| device(lock.devmaj, lock.devmin) != inode.device);
    held.iter().find_map(|lock| holder(lock, inode))
}

/// The locks that are held. A line that begins with an arrow is a process that waits for one.
fn exclusive_locks() -> std::io::Result<Vec<Lock>> {
    let mut locks = Vec::new();
    for line in BufReader::new(std::fs::File::open("/proc/locks")?).lines() {
        let line = line?;
        if !line.contains("->") {
            // A line of some future kind says nothing about a kind that is known.
            locks.extend(
                Locks::from_buf_read(line.as_bytes()).into_iter().flat_map(|found| found.0),
            );
        }
    }
    locks.retain(|lock| lock.lock_type == LockType::FLock && matches!(lock.kind, LockKind::Write));
    Ok(locks)
}

/// Numbers of 0 and below stand for processes that cannot be seen from here.
fn holder(lock: &Lock, inode: InodeId) -> Option<UsingProcess> {
    let process = Process::new(lock.pid.filter(|&pid| pid > 0)?).ok()?;
    match has_open(&process, inode) {
        Ok(false) => None,
        Err(cause) if is_gone(&cause) => None,
        Ok(true) | Err(_) => user(&process),
    }
}

fn has_open(process: &Process, inode: InodeId) -> procfs::ProcResult<bool> {
    let mut found = false;
    descriptors::for_each(process, |links, name| {
        let target = rustix::fs::statat(links, name, AtFlags::empty());
        found |= target.is_ok_and(|status| {
            let device = device(rustix::fs::major(status.st_dev), rustix::fs::minor(status.st_dev));
            InodeId { device, number: status.st_ino } == inode
        });
    })?;
    Ok(found)
}

/// The same number that the status of a directory has.
fn device(major: u32, minor: u32) -> u64 {
    u64::from(major) << 32 | u64::from(minor)
}

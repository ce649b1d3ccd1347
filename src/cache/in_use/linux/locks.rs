//! The holder of a `flock`, according to `/proc/locks`.
//!
//! A line contains a process and an inode, but no path. Its device is that of the file system,
//! while on btrfs `stat` returns a different one for each subvolume. So locks are matched by inode
//! number, those with an equal device are tried first, and the process must have that lock among
//! its open files if they can be inspected. (A process may have passed its lock on and ended, and
//! its PID may have been reused.)

use std::fs::File;
use std::io::{BufRead, BufReader};

use procfs::process::Process;
use procfs::{FromBufRead, Lock, LockKind, LockType, Locks};
use rustix::fs::{Mode, OFlags};

use super::links;
use super::process::{is_gone, own_pid, user};
use crate::cache::in_use::users::UsingProcess;
use crate::fs::InodeId;

pub fn lock_holder(inode: InodeId) -> Option<UsingProcess> {
    let own = own_pid().ok()?;
    let mut held: Vec<_> = exclusive_locks().ok()?;
    held.retain(|lock| lock.inode == inode.number && lock.pid != Some(own));
    held.sort_by_key(|lock| device(lock.devmaj, lock.devmin) != inode.device);
    held.iter().find_map(|lock| holder(lock, inode))
}

/// The locks currently held. A line with an arrow is a process that waits for one.
fn exclusive_locks() -> std::io::Result<Vec<Lock>> {
    let mut locks = Vec::new();
    for line in BufReader::new(std::fs::File::open("/proc/locks")?).lines() {
        let line = line?;
        if !line.contains("->") {
            // Skips lines of kinds that the parser does not know.
            locks.extend(
                Locks::from_buf_read(line.as_bytes()).into_iter().flat_map(|found| found.0),
            );
        }
    }
    locks.retain(|lock| lock.lock_type == LockType::FLock && matches!(lock.kind, LockKind::Write));
    Ok(locks)
}

/// PIDs of 0 and below stand for processes that are not visible from here.
fn holder(lock: &Lock, inode: InodeId) -> Option<UsingProcess> {
    let process = Process::new(lock.pid.filter(|&pid| pid > 0)?).ok()?;
    match holds(&process, inode.number) {
        Ok(false) => None,
        Err(cause) if is_gone(&cause) => None,
        Ok(true) | Err(_) => user(&process),
    }
}

/// Reads the kernel's information on every open file, without touching the files.
fn holds(process: &Process, inode: u64) -> procfs::ProcResult<bool> {
    let mut found = false;
    links::for_each(process, "fdinfo", |directory, name| {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let info = rustix::fs::openat(directory, name, flags, Mode::empty());
        // A file that has been closed in the meantime has no lock.
        let text = info.ok().and_then(|info| std::io::read_to_string(File::from(info)).ok());
        found |= text.is_some_and(|text| text.lines().any(|line| is_lock(line, inode)));
    })?;
    Ok(found)
}

/// Parses a line like `lock: 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF`.
fn is_lock(line: &str, inode: u64) -> bool {
    let fields: Vec<_> = line.split_whitespace().collect();
    match fields[..] {
        ["lock:", _, "FLOCK", _, "WRITE", _, place, ..] => {
            place.rsplit(':').next().and_then(|number| number.parse().ok()) == Some(inode)
        }
        _ => false,
    }
}

/// The device number, composed as in a directory's status.
fn device(major: u32, minor: u32) -> u64 {
    u64::from(major) << 32 | u64::from(minor)
}

//! Everything that a process uses in the cache.
//!
//! A process may have thousands of mappings, and their list is by far the longest text to read. So
//! each line is first searched for the paths of the cache, and only matching lines are parsed.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use procfs::ProcResult;
use procfs::process::{Process, Stat, StatFlags};
use rustix::io::Errno;

use super::namespaces::{Home, Namespaces};
use super::process::user;
use super::seen::Seen;
use super::{links, newlines, threads};
use crate::cache::in_use::role::Role;
use crate::cache::in_use::runner::root_path;
use crate::cache::in_use::users::{InUse, UsingProcess};
use crate::cache::path_lookup::PathLookup;

/// Inspects processes one after the other.
pub struct Inspector<'a> {
    lookup: &'a PathLookup,
    home: Arc<Home>,
    namespaces: Namespaces,
    /// Reused for every text and link.
    buffer: Vec<u8>,
}

impl<'a> Inspector<'a> {
    pub fn new(lookup: &'a PathLookup, home: Arc<Home>) -> Self {
        let namespaces = Namespaces::new(Arc::clone(&home));
        Self { lookup, home, namespaces, buffer: Vec::new() }
    }

    /// Adds everything that the process uses to `users`.
    pub fn inspect(&mut self, process: &Process, users: &mut InUse) {
        let mut seen = Seen::new(Arc::clone(&self.home.view));
        match process.stat() {
            Ok(stat) if has_nothing(&stat) => {}
            Ok(stat) => self.look(process, &stat, &mut seen),
            Err(cause) => seen.note(Err(cause)),
        }
        if !seen.is_partial && seen.entries.is_empty() {
            return;
        }
        let Some(user) = user(process) else { return };
        users.uninspected.extend(seen.is_partial.then(|| user.clone()));
        if seen.role != Some(Role::Walker) {
            let holds_lease = seen.role == Some(Role::Leaseholder);
            let user = UsingProcess { holds_lease, ..user };
            seen.entries.into_iter().for_each(|entry| users.insert(entry, user.clone()));
        }
    }

    fn look(&mut self, process: &Process, stat: &Stat, seen: &mut Seen) {
        let is_alive = !is_zombie(stat);
        if is_alive {
            self.look_at_whole(process, seen);
        }
        // If the first thread cannot be inspected, neither can the others.
        if stat.num_threads > 1 && !seen.is_partial {
            let result = self.look_at_threads(process, is_alive, seen);
            seen.note(result);
        }
    }

    /// Inspects every thread that has files or directories of its own. If the first thread has
    /// ended, the next one stands in for it, because all threads share mappings and arguments.
    fn look_at_threads(
        &mut self,
        process: &Process,
        is_first_alive: bool,
        seen: &mut Seen,
    ) -> ProcResult<()> {
        let mut seen_through = is_first_alive.then_some(process.pid);
        for number in threads::list(process)? {
            match seen_through {
                _ if number == process.pid => {}
                Some(other) if threads::share_all(other, number) => {}
                Some(_) => match Process::new(number) {
                    Ok(thread) => self.look_at_thread(&thread, seen),
                    Err(cause) => seen.note(Err(cause)),
                },
                None => match Process::new(number) {
                    Ok(thread) => {
                        self.look_at_whole(&thread, seen);
                        seen_through = Some(number);
                    }
                    Err(cause) => seen.note(Err(cause)),
                },
            }
        }
        Ok(())
    }

    fn look_at_whole(&mut self, process: &Process, seen: &mut Seen) {
        self.look_at_thread(process, seen);
        let result = self.arguments(process, seen);
        seen.note(result);
        seen.try_link(process.exe());
        let result = self.mappings(process, seen);
        seen.note(result);
    }

    fn look_at_thread(&mut self, thread: &Process, seen: &mut Seen) {
        let namespace = self.namespaces.get(thread);
        if let Some(namespace) = &namespace {
            seen.entries.extend(namespace.held.iter().cloned());
        }
        seen.look_through(namespace.map(|namespace| Arc::clone(&namespace.view)));
        seen.try_link(thread.cwd());
        seen.try_link(thread.root());
        let result = self.descriptors(thread, seen);
        seen.note(result);
    }

    fn arguments(&mut self, process: &Process, seen: &mut Seen) -> ProcResult<()> {
        self.buffer.clear();
        process.open_relative("cmdline")?.read_to_end(&mut self.buffer)?;
        for path in self.buffer.split(|&byte| byte == 0).filter_map(root_path) {
            self.argument(&process.cwd().unwrap_or_default().join(path), seen);
        }
        Ok(())
    }

    /// A path among a program's arguments counts both literally and resolved.
    fn argument(&self, path: &Path, seen: &mut Seen) {
        seen.entries.extend(self.lookup.of_name(path));
        seen.link(path.as_os_str().as_bytes());
        // A path that is still relative would be resolved from our own directory.
        if path.is_absolute() {
            let found = self.home.follow(path);
            seen.link(found.path.as_os_str().as_bytes());
            seen.is_partial |= !found.is_certain;
        }
    }

    fn descriptors(&mut self, thread: &Process, seen: &mut Seen) -> ProcResult<()> {
        links::for_each(thread, "fd", |directory, name| {
            let target = rustix::fs::readlinkat(directory, name, std::mem::take(&mut self.buffer));
            match target {
                Ok(target) => {
                    seen.descriptor(target.as_bytes());
                    self.buffer = target.into_bytes();
                }
                Err(Errno::NOENT | Errno::SRCH) => {}
                Err(_) => seen.is_partial = true,
            }
        })
    }

    fn mappings(&mut self, process: &Process, seen: &mut Seen) -> ProcResult<()> {
        let mut maps = BufReader::new(process.open_relative("maps")?);
        loop {
            self.buffer.clear();
            if maps.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(());
            }
            let line = self.buffer.trim_ascii_end();
            if seen.may_mean(line)
                && let Some(start) = memchr::memchr(b'/', line)
            {
                // Only newlines are escaped, so `\012` in a name looks the same as an escaped
                // newline.
                seen.link(&line[start..]);
                seen.link(&newlines::unescape(&line[start..]));
            }
        }
    }
}

/// Kernel threads have no files, and their links cannot be read.
fn has_nothing(stat: &Stat) -> bool {
    let is_kernel = stat.flags & StatFlags::PF_KTHREAD.bits() != 0;
    is_kernel || (is_zombie(stat) && stat.num_threads <= 1)
}

/// The process has ended, but its other threads may still run.
fn is_zombie(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X' | 'x')
}

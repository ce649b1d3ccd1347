//! All that a process has of the cache.
//!
//! A process may have thousands of mappings, and their list is by far the longest text that there
//! is to read. So it is searched for the path of the cache, a line at a time, and only lines that
//! hold it are looked at closely, unless the process may have another path for it.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use memchr::memmem::Finder;
use procfs::ProcResult;
use procfs::process::{Process, Stat, StatFlags};
use rustix::io::Errno;

use super::super::runner::root_path;
use super::namespaces::Namespaces;
use super::own_runs::{OwnRuns, Role};
use super::seen::Seen;
use super::{InUse, UsingProcess, descriptors, newlines, user};
use crate::cache::path_lookup::PathLookup;

/// Looks at one process after the other.
pub struct Inspector<'a> {
    places: &'a PathLookup,
    kin: OwnRuns,
    namespaces: Namespaces,
    /// The path of the cache as it reads in a list of mappings.
    cache: Finder<'static>,
    /// For texts and links, used again for each.
    buffer: Vec<u8>,
}

impl<'a> Inspector<'a> {
    pub fn new(places: &'a PathLookup) -> Self {
        let cache = newlines::escape(places.real().as_os_str().as_bytes());
        Self {
            places,
            kin: OwnRuns::new(),
            namespaces: Namespaces::new(places.real()),
            cache: Finder::new(&cache).into_owned(),
            buffer: Vec::new(),
        }
    }

    /// Adds what the process uses to `users`.
    pub fn inspect(&mut self, process: &Process, users: &mut InUse) {
        let mut seen = Seen::default();
        match process.stat() {
            Ok(stat) if has_nothing(&stat) => {}
            Ok(stat) => {
                seen.is_partial = is_zombie(&stat);
                self.look(process, &mut seen);
            }
            Err(cause) => seen.note(Err(cause)),
        }
        users.uninspected += usize::from(seen.is_partial);
        if seen.entries.is_empty() {
            return;
        }
        let role = self.kin.role(process);
        if role != Role::Walker
            && let Some(user) = user(process)
        {
            let user = UsingProcess { holds_lease: role == Role::Leaseholder, ..user };
            seen.entries.into_iter().for_each(|entry| users.insert(entry, user.clone()));
        }
    }

    fn look(&mut self, process: &Process, seen: &mut Seen) {
        if let Some(view) = self.namespaces.view(process) {
            seen.look_through(view, self.places);
        }
        let cwd = process.cwd();
        let result = self.arguments(process, cwd.as_deref().ok(), seen);
        seen.note(result);
        for link in [cwd, process.root(), process.exe()] {
            let link = link.map(|path| seen.link(path.as_os_str().as_bytes(), self.places));
            seen.note(link);
        }
        let result = self.descriptors(process, seen);
        seen.note(result);
        let result = self.mappings(process, seen);
        seen.note(result);
    }

    fn arguments(
        &mut self,
        process: &Process,
        cwd: Option<&Path>,
        seen: &mut Seen,
    ) -> ProcResult<()> {
        self.buffer.clear();
        process.open_relative("cmdline")?.read_to_end(&mut self.buffer)?;
        for path in self.buffer.split(|&byte| byte == 0).filter_map(root_path) {
            seen.entries.extend(self.places.of_name(&path, cwd));
        }
        Ok(())
    }

    fn descriptors(&mut self, process: &Process, seen: &mut Seen) -> ProcResult<()> {
        descriptors::for_each(process, |directory, name| {
            let target = rustix::fs::readlinkat(directory, name, std::mem::take(&mut self.buffer));
            match target {
                Ok(target) => {
                    seen.link(target.as_bytes(), self.places);
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
            if (seen.is_elsewhere() || self.cache.find(line).is_some())
                && let Some(start) = memchr::memchr(b'/', line)
            {
                // Only newlines are escaped, so a name may also hold those very characters.
                seen.link(&line[start..], self.places);
                seen.link(&newlines::unescape(&line[start..]), self.places);
            }
        }
    }
}

/// Kernel threads have no files, and nobody may look at their links.
fn has_nothing(stat: &Stat) -> bool {
    let is_kernel = stat.flags & StatFlags::PF_KTHREAD.bits() != 0;
    is_kernel || (is_zombie(stat) && stat.num_threads <= 1)
}

/// Ended; but its other threads may run on, and the files be theirs.
fn is_zombie(stat: &Stat) -> bool {
    matches!(stat.state, 'Z' | 'X' | 'x')
}

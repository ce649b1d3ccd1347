//! The state of one tree during its removal.

use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::{Errno, Result};

use super::freed::LastNames;
use super::names::is_hidden;
use super::obstacle::explain;
use super::outcome::{RemovalResult, Report};
use super::trash::HiddenEntry;
use crate::cache::CONFIG_FILE;
use crate::error::{Error, Problems};
use crate::fs::{Directory, Kind, Status};
use crate::stop::StopFlag;
use crate::usage::{Counters, Page, Phase, Progress, Survey, Surveys, Usage};

/// The result of removing a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Removed,
    /// It, or something in it, is still there.
    Kept,
}

/// A tree to remove.
pub struct Tree<'s> {
    to_remove: &'s HiddenEntry,
    counters: &'s Counters,
    stop: &'s StopFlag,
    names: &'s LastNames,
    report: &'s Report<'s>,
    survey: Option<Survey<'s>>,
    problems: Mutex<Problems>,
}

impl<'s> Tree<'s> {
    pub fn new(
        to_remove: &'s HiddenEntry,
        progress: &'s Progress,
        names: &'s LastNames,
        report: &'s Report<'s>,
        surveys: &Surveys<'s>,
    ) -> Self {
        Self {
            to_remove,
            counters: progress.counters(to_remove.decision),
            stop: progress.stop(),
            names,
            report,
            survey: surveys.of(report.location(to_remove.decision)),
            problems: Mutex::default(),
        }
    }

    pub fn name(&self) -> &'s CStr {
        self.to_remove.name.as_c_str()
    }

    pub fn begin(&self) {
        self.counters.enter(Phase::Working);
    }

    /// The number of names removed so far.
    pub fn removed(&self) -> u64 {
        let usage = self.counters.usage();
        usage.files + usage.directories
    }

    pub fn is_stopped(&self) -> bool {
        self.stop.is_raised()
    }

    /// A page for the tree's account of shared data, if there is one.
    pub fn page(&self) -> Option<Page<'s>> {
        self.survey.map(Survey::page)
    }

    /// The folder of the cache that contains the tree.
    pub fn folder(&self) -> &Directory {
        &self.to_remove.folder
    }

    /// Retries an attempt after making a directory of the tree writable, if its mode was in the
    /// way. The folder of the cache keeps its mode, since it is not removed.
    pub fn in_writable<T>(
        &self,
        directory: &Directory,
        attempt: impl Fn() -> Result<T>,
    ) -> Result<T> {
        match attempt() {
            Err(Errno::ACCESS) if !std::ptr::eq(directory, self.folder()) => {
                match directory.make_writable() {
                    Ok(()) => attempt(),
                    // A failed repair is not reported: the first error says more.
                    Err(_) => Err(Errno::ACCESS),
                }
            }
            result => result,
        }
    }

    /// Opens a directory to empty it, even if its mode denies access to its owner.
    pub fn open(&self, holder: &Directory, name: &CStr) -> Result<(Directory, Status)> {
        let (directory, status) = self.open_unlocked(holder, name)?;
        if self.to_remove.in_place.is_some() && std::ptr::eq(holder, self.folder()) {
            self.mark(&directory)?;
        }
        Ok((directory, status))
    }

    /// Marks an image or layer that is removed in place, so that a program that finds half of it
    /// cannot copy it, and the next collection recognises it. The config is removed first: without
    /// it, no program takes the image for a whole one.
    fn mark(&self, top: &Directory) -> Result<()> {
        match top.close() {
            // A full disk may have no room for a mode, and another user no right to set it. An item
            // under its own name is removed nevertheless: the user was told that no program must
            // look for it.
            Err(cause) if is_hidden(&self.to_remove.name) => return Err(cause),
            _ => {}
        }
        let mut usage = Usage::default();
        let removed = self.remove_file(top, CONFIG_FILE, &mut usage);
        self.count(&usage);
        // A layer may have a directory of that name, which is removed with the rest.
        removed.or_else(|cause| if cause == Errno::ISDIR { Ok(()) } else { Err(cause) })
    }

    fn open_unlocked(&self, holder: &Directory, name: &CStr) -> Result<(Directory, Status)> {
        match self.in_writable(holder, || holder.open_child(name)) {
            Err(Errno::ACCESS) => {
                holder.make_child_writable(name).map_err(|cause| match cause {
                    Errno::XDEV => cause,
                    // A failed repair is not reported: the first error says more.
                    _ => Errno::ACCESS,
                })?;
                holder.open_child(name)
            }
            result => result,
        }
    }

    /// Removes a name that is not a directory, and adds the bytes that this frees to `usage`. It is
    /// no error if another process has removed it.
    ///
    /// # Errors
    /// `ISDIR` for a directory.
    pub fn remove_file(&self, holder: &Directory, name: &CStr, usage: &mut Usage) -> Result<()> {
        match self.ask(holder, name, None, self.page().as_mut()) {
            Ok(status) if status.kind == Kind::Directory => Err(Errno::ISDIR),
            Ok(status) => self.remove_asked(holder, name, &status, usage),
            Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    /// Checks the type of a name. Unless it is a directory, announces its removal and enters it
    /// into the account.
    pub fn ask(
        &self,
        holder: &Directory,
        name: &CStr,
        kind: Option<Kind>,
        page: Option<&mut Page<'_>>,
    ) -> Result<Status> {
        let look = || self.in_writable(holder, || holder.status_of(name));
        let Some(page) = page.filter(|page| page.reads_sharing()) else {
            let status = look()?;
            let is_directory = status.kind == Kind::Directory;
            return Ok(if is_directory { status } else { self.names.announce(status) });
        };
        let kind = kind.map_or_else(|| look().map(|status| status.kind), Ok)?;
        if kind == Kind::File
            && let Ok((file, status)) =
                self.in_writable(holder, || holder.open_data_with_status(name))
            && status.kind == Kind::File
        {
            let status = self.names.announce(status);
            page.add_open(file, status);
            return Ok(status);
        }
        let mut status = look()?;
        if status.kind != Kind::Directory {
            status = self.names.announce(status);
            page.add_closed(&status);
        }
        Ok(status)
    }

    /// Removes a name that has been checked.
    ///
    /// # Errors
    /// `ISDIR` if it is a directory by now.
    pub fn remove_asked(
        &self,
        holder: &Directory,
        name: &CStr,
        status: &Status,
        usage: &mut Usage,
    ) -> Result<()> {
        match self.in_writable(holder, || holder.remove_file(name)) {
            Ok(()) => {
                usage.files += 1;
                if self.names.confirm(status) {
                    usage.add_bytes(status);
                }
                Ok(())
            }
            Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(cause),
        }
    }

    pub fn count(&self, usage: &Usage) {
        self.counters.add(usage);
    }

    /// Records a failed operation.
    pub fn miss(
        &self,
        operation: &'static str,
        holder: &Directory,
        name: &CStr,
        cause: Errno,
    ) -> Ending {
        self.lose(operation, holder, name, explain(holder, name, cause))
    }

    /// Records a failed operation whose cause has no error number.
    pub fn lose(
        &self,
        operation: &'static str,
        holder: &Directory,
        name: &CStr,
        cause: std::io::Error,
    ) -> Ending {
        let below = holder.path().unwrap_or_else(|| PathBuf::from("…"));
        let path: &Path = OsStr::from_bytes(name.to_bytes()).as_ref();
        let error = Error::io(operation, below.join(path), cause);
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push(error);
        Ending::Kept
    }

    /// Reports the end of the whole tree.
    pub fn settle(&self, ending: Ending) {
        self.counters.enter(Phase::Done);
        let freed = self.counters.usage().on_disk().at_least();
        let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
        let fate = match ending {
            Ending::Removed => RemovalResult::Removed { freed },
            Ending::Kept if problems.is_empty() => RemovalResult::Interrupted { freed },
            Ending::Kept => {
                RemovalResult::Failed { freed, problems: Arc::new(std::mem::take(&mut *problems)) }
            }
        };
        self.report.settle(self.to_remove.decision, fate);
    }
}

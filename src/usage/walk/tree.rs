//! One tree while it is walked: what counts in it, and how.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rustix::io::Errno;

use super::batch::Batch;
use super::mount_points::MountPoints;
use super::reading::{LookedInto, MOST_OPENED, Reading, ReadingOn, Sharing, Turn, look};
use super::top::Top;
use crate::cache::EntryName;
use crate::error::Error;
use crate::error::Problems;
use crate::fs::{DataFile, Directory, Extent, Holding, Kind, Status};
use crate::usage::amounts::Usage;
use crate::usage::breakdown::{DirId, Layout, Name, Recorder};
use crate::usage::links::Links;
use crate::usage::measurement::Account;
use crate::usage::progress::{Counters, Phase};
use crate::usage::sharing::Record;

/// One tree while it is walked. Workers share it and change it once a directory.
pub(in crate::usage) struct TreeWalk<'a> {
    top: Top<'a>,
    counters: &'a Counters,
    sharing: Sharing<'a>,
    /// Keeps what each directory holds, if that was asked for.
    recorder: Option<Recorder>,
    /// Where the walk must not go.
    mount_points: MountPoints,
    /// Whether a file takes more than a look at its status.
    is_thorough: bool,
    found: Mutex<Found>,
    /// Directories that are known and not finished.
    open: AtomicUsize,
    /// When anything in it was changed last: nanoseconds since 1970; 0 as long as nothing was seen.
    newest: AtomicI64,
}

/// What only the whole tree can tell.
#[derive(Default)]
struct Found {
    links: Links,
    holding: Holding,
    records: Vec<Record>,
    problems: Problems,
}

impl<'a> TreeWalk<'a> {
    /// A walk that reads what files share, if `reading` says how.
    pub fn new(top: Top<'a>, counters: &'a Counters, reading: Option<Reading<'a>>) -> Self {
        let (found, open) = (Mutex::default(), AtomicUsize::new(1));
        let newest = AtomicI64::new(0);
        let (sharing, recorder) = (Sharing::Impossible, None);
        let (is_thorough, mount_points) = (false, MountPoints::default());
        let walk = Self {
            top,
            counters,
            sharing,
            recorder,
            mount_points,
            is_thorough,
            found,
            open,
            newest,
        };
        // A folder that cannot be opened is missed once the walk begins.
        let Ok(Some(folder)) = walk.top.folder else { return walk };
        let sharing = match (folder.volume(), reading) {
            (Ok(None), _) => Sharing::Impossible,
            (Ok(Some(volume)), Some(reading)) if volume.kind.tells() => {
                Sharing::Read(reading.on(volume))
            }
            (Ok(Some(_)), _) => Sharing::Unread,
            (Err(cause), _) => {
                walk.miss(DirId::TOP, "determine the file system of", walk.path(), cause);
                Sharing::Unread
            }
        };
        let is_thorough = matches!(sharing, Sharing::Read(_));
        Self { sharing, is_thorough, ..walk }
    }

    /// Keeps what each directory holds, if there is a recorder.
    pub fn recording(self, recorder: Option<Recorder>) -> Self {
        let is_thorough = self.is_thorough || recorder.is_some();
        Self { recorder, is_thorough, ..self }
    }

    /// Leaves out what is mounted there.
    pub fn without(self, mount_points: MountPoints) -> Self {
        Self { mount_points, ..self }
    }

    /// What is no part of the tree.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn mount_points(&self) -> &MountPoints {
        &self.mount_points
    }

    pub fn name(&self) -> &'a EntryName {
        self.top.name
    }

    pub fn path(&self) -> &Path {
        &self.top.path
    }

    /// Whether what files share is to be read.
    pub fn reads_sharing(&self) -> bool {
        matches!(self.sharing, Sharing::Read(_))
    }

    /// Whether a file takes more than to [count](Self::count) its status.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn is_thorough(&self) -> bool {
        self.is_thorough
    }

    /// The status of the tree's top, which need not be a directory. `None` if it is gone; what
    /// cannot be looked at is noted.
    pub fn top_status(&self) -> Option<Status> {
        match self.folder()?.status_of(self.name().as_c_str()) {
            Ok(status) => Some(status),
            Err(Errno::NOENT) => None,
            Err(cause) => {
                self.miss(DirId::TOP, "read the status of", self.path(), cause);
                None
            }
        }
    }

    /// Where it lies, if that folder is still there.
    pub fn folder(&self) -> Option<&'a Arc<Directory>> {
        self.top.folder.unwrap_or_else(|cause| {
            self.miss(DirId::TOP, "open the parent of", self.path(), cause);
            None
        })
    }

    pub fn begin(&self) {
        self.counters.enter(Phase::Working);
    }

    /// The number of the directory `name` that was met in another one, or at the top. Unless that
    /// was asked for, all is the top.
    pub fn dir_id(&self, above: Option<DirId>, name: &OsStr, status: &Status) -> DirId {
        match (&self.recorder, above) {
            (Some(recorder), Some(above)) => recorder.enter(above, name, status),
            (Some(recorder), None) => recorder.enter_top(status),
            (None, _) => DirId::TOP,
        }
    }

    /// Notes a file in the directory of `batch`, if that was asked for. `target` reads where it
    /// points if it is a symlink.
    pub fn note_file(
        &self,
        batch: &mut Batch,
        name: &OsStr,
        status: &Status,
        target: impl FnOnce() -> Option<OsString>,
    ) {
        let Some(recorder) = &self.recorder else { return };
        recorder.note_file(batch.dir, name, status);
        if recorder.keeps_names() {
            let target = (status.kind == Kind::Symlink).then(target).flatten();
            batch.names.push(Name::new(name, status, target));
        }
    }

    /// Counts an inode, or one of its names, in `batch`, and commits that before it grows big.
    // Inlined for the walkers: see `docs/performance.md`.
    #[inline(always)]
    pub fn count(&self, batch: &mut Batch, status: &Status) {
        batch.add(status);
        if batch.is_full() {
            self.commit_full(batch);
        }
    }

    #[cold]
    fn commit_full(&self, batch: &mut Batch) {
        let next = Batch::new(batch.dir);
        self.commit(std::mem::replace(batch, next));
    }

    /// Counts a file that is open, with what it shares. It may stay open until the batch is
    /// committed.
    pub fn count_open(&self, batch: &mut Batch, file: DataFile, status: Status) {
        match &self.sharing {
            Sharing::Read(reading) if reading.turn().is_some() => {
                batch.opened.push((file, status));
                if batch.opened.len() >= MOST_OPENED {
                    self.count_opened(reading, batch);
                }
            }
            _ => self.count_sharing(batch, &status, |_, each| look(&file, &status, each)),
        }
    }

    /// Counts several at once: not each of them should have to wait for its turn.
    fn count_opened(&self, reading: &ReadingOn<'_>, batch: &mut Batch) {
        let opened = std::mem::take(&mut batch.opened);
        let turn = reading.turn().map(Turn::take);
        for (file, status) in &opened {
            self.count_sharing(batch, status, |_, each| look(file, status, each));
        }
        drop(turn);
    }

    /// Counts an inode that is not open, with what it may share.
    pub fn count_closed(&self, batch: &mut Batch, status: &Status) {
        if self.reads_sharing() {
            self.count_sharing(batch, status, |reading, _| reading.holding_unseen(status))
        } else {
            self.count(batch, status)
        }
    }

    /// Counts a file that was looked into before, and has shown these extents.
    pub fn count_looked_into(&self, batch: &mut Batch, status: &Status, looked: &LookedInto) {
        self.count_sharing(batch, status, |_, each| {
            looked.extents.iter().copied().for_each(each);
            looked.holding
        });
    }

    fn count_sharing(
        &self,
        batch: &mut Batch,
        status: &Status,
        look: impl FnOnce(&ReadingOn<'_>, &mut dyn FnMut(Extent)) -> Holding,
    ) {
        if let Sharing::Read(reading) = &self.sharing
            && let Some(holder) = reading.holder(status)
        {
            let records = &mut batch.records;
            let mut layout = self.keeps_layouts(reading).then(Layout::default);
            let holding = look(reading, &mut |extent| {
                if extent.is_shared {
                    layout.iter_mut().for_each(|layout| layout.push(extent));
                }
                records.extend(reading.record(holder, status, extent));
            });
            if let Some(layout) = layout.filter(|layout| layout.is_whole(status)) {
                batch.layouts.push((status.inode, layout));
            }
            batch.holding += reading.share_of_tree(holder, holding);
        }
        self.count(batch, status);
    }

    fn keeps_layouts(&self, reading: &ReadingOn<'_>) -> bool {
        let keeps_names = self.recorder.as_ref().is_some_and(Recorder::keeps_names);
        keeps_names && reading.extents_tell_content()
    }

    pub fn commit(&self, mut batch: Batch) {
        if let Sharing::Read(reading) = &self.sharing
            && !batch.opened.is_empty()
        {
            self.count_opened(reading, &mut batch);
        }
        if let Some(recorder) = &self.recorder {
            recorder.add(batch.dir, &batch.usage, &batch.linked);
            recorder.keep(batch.dir, &mut batch.names, &mut batch.layouts);
        }
        if batch.is_for_the_tree() {
            let mut found = self.found();
            batch.usage += found.links.see(&batch.linked);
            found.holding += batch.holding;
            found.records.append(&mut batch.records);
        }
        self.counters.add(&batch.usage);
        self.note_change(batch.newest);
    }

    /// Read before it is written: most directories are older than one that was seen before.
    fn note_change(&self, (seconds, nanoseconds): (i64, u32)) {
        let change = seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds.into());
        if change > self.newest.load(Ordering::Relaxed) {
            self.newest.fetch_max(change, Ordering::Relaxed);
        }
    }

    /// Notes that something in a directory could not be looked at.
    pub fn miss(
        &self,
        dir: DirId,
        operation: &'static str,
        path: &Path,
        cause: impl Into<std::io::Error>,
    ) {
        let missed = Usage { unreadable: 1, ..Usage::default() };
        self.counters.add(&missed);
        if let Some(recorder) = &self.recorder {
            recorder.add(dir, &missed, &[]);
        }
        let error = Error::io(operation, path, cause);
        self.found().problems.push(error);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One directory is finished, and `children` more are known through it. Called before the
    /// first of those can be finished.
    pub fn finish_directory(&self, children: usize) {
        let was_last = match children.checked_sub(1) {
            Some(more) => self.open.fetch_add(more, Ordering::Relaxed) == 0,
            None => self.open.fetch_sub(1, Ordering::Relaxed) == 1,
        };
        if was_last {
            self.counters.enter(Phase::Done);
        }
    }

    /// The tree's account, and what it shares.
    pub fn into_account(self) -> (Account, Vec<Record>) {
        self.counters.enter(Phase::Done);
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let Found { mut links, mut holding, records, problems } = found;
        self.counters.add(&links.settle());
        let usage = self.counters.usage();
        let may_share = matches!(self.sharing, Sharing::Unread);
        if may_share {
            holding = Holding::unsure(usage.on_disk.as_u64());
        }
        let newest = Some(self.newest.into_inner()).filter(|&newest| newest > 0);
        let newest = newest.map(|newest| Timestamp::from_nanosecond(newest.into()));
        let newest = newest.and_then(Result::ok);
        let breakdown = self.recorder.map(Recorder::finish);
        (Account { usage, newest, links, holding, may_share, breakdown, problems }, records)
    }
}

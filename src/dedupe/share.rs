//! Lets one file share the data of another.
//!
//! The kernel compares what it shares, and for that it reads both files without readahead. So both
//! ranges are read right before each request. Requests are small, since the kernel handles no
//! signal before it has compared the whole range.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use crossbeam_channel::{Receiver, Sender, bounded};
use rustix::io::{Errno, Result};

use super::layout::{Layout, end};
use super::progress::Progress;
use crate::fs::{DataFile, Directory, FileMap, Sharing};
use crate::stop::StopFlag;

/// The maximum size of a request. A multiple of every block size.
const PIECE: u64 = 16 << 20;
/// The number of bytes to read at once.
const BUFFER: usize = 128 << 10;
/// The maximum number of requests in the kernel: more would wait there for each other
/// (`docs/performance.md`).
pub const CALLERS: usize = 2;

/// Limits the number of concurrent requests.
pub struct Callers {
    sender: Sender<()>,
    receiver: Receiver<()>,
    /// Set once something had to be read from the disk, or the work is over.
    needs_readers: OnceLock<()>,
    /// Whether anything was shared since the file system was last synced.
    has_shared: AtomicBool,
}

impl Callers {
    pub fn new() -> Self {
        let (sender, receiver) = bounded(CALLERS);
        let needs_readers = OnceLock::new();
        Self { sender, receiver, needs_readers, has_shared: AtomicBool::new(false) }
    }

    /// Waits until more threads than callers are useful, for reading.
    pub fn wait_as_reader(&self) {
        self.needs_readers.wait();
    }

    /// Returns a guard that wakes all readers when it is dropped, even by a panic.
    pub fn calling_readers_at_end(&self) -> AtEnd<'_> {
        AtEnd(self)
    }

    fn call_readers(&self) {
        self.needs_readers.get_or_init(|| ());
    }

    fn call<T>(&self, request: impl FnOnce() -> T) -> T {
        // Both ends are in `self`, so neither call fails.
        self.sender.send(()).expect("the other end is open");
        let answer = request();
        self.receiver.recv().expect("the other end is open");
        answer
    }
}

/// A guard for the end of a thread's work.
pub struct AtEnd<'a>(&'a Callers);

impl Drop for AtEnd<'_> {
    fn drop(&mut self) {
        self.0.call_readers();
    }
}

/// An open file whose data others will share.
pub struct Source {
    pub file: DataFile,
    pub layout: Layout,
}

/// The result for a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// It now shares all of its data.
    Whole,
    /// It is not equal to the source.
    Unequal,
    /// It was equal, but does not share all of its data: it was written to meanwhile.
    Changed,
    Interrupted,
}

/// The state of one thread.
pub struct Sharer<'a> {
    callers: &'a Callers,
    /// The cache directory, to sync its file system.
    root: &'a Directory,
    pub stop: &'a StopFlag,
    progress: &'a Progress,
    /// Bytes reported to `progress` since the last [`Sharer::take_told`].
    told: u64,
    buffer: Vec<u8>,
}

/// The layout of an open file with `size` bytes; `None` if its data has no position of its own on
/// the disk.
pub fn layout(file: &DataFile, size: u64) -> Result<Option<Layout>> {
    Ok(match file.map()? {
        FileMap::Extents(extents) => Some(Layout::new(extents, end(size))),
        FileMap::Inline | FileMap::Unsettled => None,
    })
}

impl<'a> Sharer<'a> {
    pub fn new(
        callers: &'a Callers,
        root: &'a Directory,
        stop: &'a StopFlag,
        progress: &'a Progress,
    ) -> Self {
        Self { callers, root, stop, progress, told: 0, buffer: vec![0; BUFFER] }
    }

    /// The number of bytes reported to the progress since the last call.
    pub fn take_told(&mut self) -> u64 {
        std::mem::take(&mut self.told)
    }

    /// Lets `file` share the data of `source`; both have `size` bytes. `whole`: they do not share
    /// anything yet.
    pub fn share(
        &mut self,
        source: &Source,
        file: &DataFile,
        size: u64,
        whole: bool,
    ) -> Result<Shared> {
        let whole_range = 0..size;
        let differences = if whole {
            vec![whole_range]
        } else {
            match layout(file, size)? {
                Some(layout) => source.layout.differences(&layout, end(size)),
                None => return Ok(Shared::Changed),
            }
        };
        for range in differences {
            match self.share_range(source, file, range.start..range.end.min(size))? {
                Shared::Whole => {}
                other => return Ok(other),
            }
        }
        // The number of shared bytes that the kernel reports is not reliable.
        let shares = layout(file, size)?
            .is_some_and(|found| source.layout.differences(&found, end(size)).is_empty());
        Ok(if shares { Shared::Whole } else { Shared::Changed })
    }

    fn share_range(
        &mut self,
        source: &Source,
        file: &DataFile,
        range: Range<u64>,
    ) -> Result<Shared> {
        let mut offset = range.start;
        while offset < range.end {
            let length = PIECE.min(range.end - offset);
            if !self.load(&source.file, offset, length)? || !self.load(file, offset, length)? {
                return Ok(Shared::Interrupted);
            }
            match self.ask(source, file, offset, length)? {
                Sharing::Differs => return Ok(Shared::Unequal),
                Sharing::Shared { bytes: 0 } => return Ok(Shared::Changed),
                Sharing::Shared { bytes } => {
                    self.progress.add_done(bytes);
                    self.told += bytes;
                    offset += bytes;
                }
            }
        }
        Ok(Shared::Whole)
    }

    /// Reads a range into the page cache, unless it is there already. Returns whether it was
    /// finished before a stop.
    fn load(&mut self, file: &DataFile, offset: u64, length: u64) -> Result<bool> {
        for start in (offset..offset + length).step_by(BUFFER) {
            if self.stop.is_raised() {
                return Ok(false);
            }
            let end = (start + BUFFER as u64).min(offset + length);
            if !file.is_in_memory(end - 1) {
                self.callers.call_readers();
                let part = &mut self.buffer[..(end - start) as usize];
                // A short read means that the file has become shorter. The kernel compares what is
                // left.
                file.read_at(part, start)?;
            }
        }
        Ok(true)
    }

    /// Makes a request. If there was no room, but something was shared meanwhile, retries after a
    /// sync: that frees some space.
    fn ask(&self, source: &Source, file: &DataFile, offset: u64, length: u64) -> Result<Sharing> {
        let ask = || self.callers.call(|| file.share_from(&source.file, offset, length));
        let has_shared = &self.callers.has_shared;
        let answer = match ask() {
            Err(Errno::NOSPC) if has_shared.swap(false, Relaxed) => {
                self.root.settle()?;
                ask()
            }
            answer => answer,
        };
        if let Ok(Sharing::Shared { .. }) = answer {
            has_shared.store(true, Relaxed);
        }
        answer
    }
}

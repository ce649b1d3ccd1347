//! The lower bound: only the system calls of a walk, and the sum of their results.
//!
//! The work is divided in advance, so the threads have next to nothing to share. It stores just two
//! numbers, handles no errors, and does not limit open files: a deep tree would crash it.

use std::ffi::{CStr, CString};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, StatxFlags};

/// Directories are dealt out one by one down to this depth, and as whole trees below it.
const DEALT_DEPTH: usize = 4;

/// A unit of work for one thread.
pub struct Part {
    path: CString,
    is_tree: bool,
}

/// Divides a directory, whole trees first: the small parts fill the gaps at the end.
pub fn parts(directory: &Path) -> Vec<Part> {
    let (mut parts, mut level) = (Vec::new(), vec![directory.to_owned()]);
    for depth in 0..=DEALT_DEPTH {
        let is_tree = depth == DEALT_DEPTH;
        for directory in std::mem::take(&mut level) {
            let path = CString::new(directory.as_os_str().as_bytes()).unwrap();
            parts.push(Part { path, is_tree });
            let entries = std::fs::read_dir(&directory).unwrap().map(Result::unwrap);
            let below = entries.filter(|entry| entry.file_type().unwrap().is_dir());
            level.extend(below.map(|entry| entry.path()));
        }
    }
    parts.reverse();
    parts
}

/// Walks all parts on this many threads. Returns the number of names found.
pub fn walk(parts: &[Part], threads: usize) -> u64 {
    let next = AtomicUsize::new(0);
    let work = || {
        let buffer = vec![MaybeUninit::uninit(); 32 * 1024];
        let mut thread = Thread { names: 0, blocks: 0, buffer };
        while let Some(part) = parts.get(next.fetch_add(1, Ordering::Relaxed)) {
            thread.walk(&open(CWD, &part.path), part.is_tree);
        }
        black_box(thread.blocks);
        thread.names
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

struct Thread {
    names: u64,
    blocks: u64,
    buffer: Vec<MaybeUninit<u8>>,
}

fn open(parent: impl AsFd, name: &CStr) -> OwnedFd {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    rustix::fs::openat(parent, name, flags | OFlags::NOATIME, Mode::empty()).unwrap()
}

impl Thread {
    fn walk(&mut self, directory: &OwnedFd, is_tree: bool) {
        self.look(directory, c"", AtFlags::EMPTY_PATH);
        let (mut below, mut place) = (Vec::new(), 0);
        let mut buffer = std::mem::take(&mut self.buffer);
        let mut entries = RawDir::new(directory, &mut buffer);
        // ext4, btrfs and tmpfs mark the last entry this way.
        while !(place == i64::MAX as u64 && entries.is_buffer_empty()) {
            let Some(entry) = entries.next() else { break };
            let entry = entry.unwrap();
            place = entry.next_entry_cookie();
            match (entry.file_name(), entry.file_type()) {
                (name, _) if name == c"." || name == c".." => {}
                (name, FileType::Directory) if is_tree => below.push(name.to_owned()),
                (_, FileType::Directory) => {}
                (name, _) => self.look(directory, name, AtFlags::SYMLINK_NOFOLLOW),
            }
        }
        self.buffer = buffer;
        below.iter().for_each(|name| self.walk(&open(directory, name), true));
    }

    fn look(&mut self, directory: &OwnedFd, name: &CStr, flags: AtFlags) {
        let mask = StatxFlags::TYPE | StatxFlags::NLINK | StatxFlags::INO | StatxFlags::SIZE;
        let mask = mask | StatxFlags::BLOCKS | StatxFlags::MTIME;
        let flags = flags | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
        let found = rustix::fs::statx(directory, name, flags, mask).unwrap();
        self.names += 1;
        self.blocks += found.stx_blocks;
    }
}

//! The trees that take part: images, layers, and the clones of microVMs as witnesses.

use std::cmp::Reverse;
use std::ffi::{CStr, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::group::TreeId;
use super::options::Options;
use crate::cache::{Cache, Entry, EntryKind, Folders, Location, UsingProcess, VmClones};
use crate::error::Error;
use crate::fs::Directory;
use crate::gc::Draft;
use crate::plan::Verdict;

/// A tree that is kept open.
#[derive(Debug)]
pub struct Tree {
    /// The image or layer; `None` for the clone of a microVM, which is only read, never changed.
    pub entry: Option<Location>,
    pub top: Directory,
    path: PathBuf,
}

/// An image or layer that is left out as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub struct LeftOutEntry {
    /// The location of the entry.
    pub location: Location,
    /// Why it is left out.
    pub why: WhyLeftOut,
}

/// Why an image or layer is left out as a whole.
#[derive(Debug)]
#[non_exhaustive]
pub enum WhyLeftOut {
    /// A collection would remove it anyway, for this reason.
    Reclaimable(Verdict),
    /// The kernel uses a file in it, as swap or through a loop device.
    InUse(UsingProcess),
    /// It cannot be opened.
    Unreadable(Error),
}

impl Tree {
    /// The full path of a file, for messages.
    pub fn path_of(&self, below: &CStr) -> PathBuf {
        self.path.join(OsStr::from_bytes(below.to_bytes()))
    }
}

/// Opens all trees that take part, the newest image first and the witnesses last.
pub fn open(cache: &Cache, draft: &Draft, options: &Options) -> (Vec<Tree>, Vec<LeftOutEntry>) {
    let (mut trees, mut left_out) = (Vec::new(), Vec::new());
    let folders = Folders::open(cache);
    for entry in candidates(draft, options) {
        let location = entry.location.clone();
        let why = match excluded(draft, &location) {
            Some(why) => why,
            None => match open_entry(cache, &folders, &location) {
                Ok(None) => continue,
                Ok(Some(tree)) => {
                    trees.push(tree);
                    continue;
                }
                Err(error) => WhyLeftOut::Unreadable(error),
            },
        };
        left_out.push(LeftOutEntry { location, why });
    }
    let clones = cache.vm_clones().into_iter().flat_map(VmClones::list);
    trees.extend(clones.filter_map(|clone| {
        // A clone that cannot be opened counts like any other unknown file.
        let (top, _) = clone.folder.open_child(clone.name.as_c_str()).ok()?;
        Some(Tree { entry: None, top, path: clone.path })
    }));
    trees.truncate(TreeId::MAX as usize);
    (trees, left_out)
}

fn candidates<'d>(draft: &'d Draft, options: &Options) -> Vec<&'d Entry> {
    let is_meant = |entry: &&Entry| {
        let is_whole = matches!(entry.kind, EntryKind::Image(_) | EntryKind::Layer(_));
        is_whole && options.only.as_ref().is_none_or(|only| only.contains(&entry.location))
    };
    let mut entries: Vec<_> = draft.inventory.entries.iter().filter(is_meant).collect();
    entries.sort_by_key(|entry| {
        let is_layer = matches!(entry.kind, EntryKind::Layer(_));
        (is_layer, Reverse(entry.last_used))
    });
    entries
}

fn excluded(draft: &Draft, location: &Location) -> Option<WhyLeftOut> {
    let verdict = draft.plan.get(location)?.verdict;
    if verdict.removes() {
        return Some(WhyLeftOut::Reclaimable(verdict));
    }
    let users = draft.evidence.in_use.iter().flat_map(|in_use| in_use.get(location));
    let kernel = users.into_iter().find(|user| user.pid == 0)?;
    Some(WhyLeftOut::InUse(kernel.clone()))
}

/// Opens an entry; `None` if it is gone, or not a directory.
fn open_entry(
    cache: &Cache,
    folders: &Folders,
    location: &Location,
) -> Result<Option<Tree>, Error> {
    use rustix::io::Errno;
    let path = location.path_in(cache.path());
    let opened = folders.get(location.folder).and_then(|folder| match folder {
        Some(folder) => folder.open_child(location.name.as_c_str()),
        None => Err(Errno::NOENT),
    });
    match opened {
        Ok((top, _)) => Ok(Some(Tree { entry: Some(location.clone()), top, path })),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(None),
        Err(cause) => Err(Error::io("open", path, cause)),
    }
}

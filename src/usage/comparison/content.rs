//! Comparing files by reading them.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use rustix::io::Errno;

use super::changes::Comparison;
use super::found::Unproven;
use crate::cache::{Cache, Folders, Location};
use crate::error::{Error, Result};
use crate::fs::{DataFile, Directory, Kind};
use crate::jobs::Jobs;
use crate::stop::StopFlag;

/// How many bytes of each file are read at once.
const CHUNK: usize = 128 << 10;

/// The result of reading files.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Contents {
    /// Number of pairs with equal content.
    pub equal: u64,
    /// Paths, in the new tree, of files whose content differs.
    pub different: Vec<PathBuf>,
    /// Errors about files that could not be read.
    pub problems: Vec<Error>,
}

/// Reads the files of the images `old` and `new` that the comparison only knows to have equal size.
///
/// # Errors
/// The threads cannot be started, an image is gone, or the job was stopped.
pub fn compare_contents(
    cache: &Cache,
    [old, new]: [&Location; 2],
    comparison: &Comparison<'_>,
    jobs: Jobs,
    stop: &StopFlag,
) -> Result<Contents> {
    let folders = Folders::open(cache);
    let tops = [Top::open(cache, &folders, old)?, Top::open(cache, &folders, new)?];
    let pool = jobs.pool_with_files(2)?;
    let compare = |number: usize| {
        let pair = comparison.unproven_pair(number);
        match stop.is_raised() {
            true => Err(Error::Interrupted),
            false => Ok(if are_equal(&tops, &pair)? { None } else { Some(pair.new) }),
        }
    };
    let numbers = (0..comparison.unproven() as usize).into_par_iter();
    let compared: Vec<_> = pool.threads.install(|| numbers.map(compare).collect());
    if stop.is_raised() {
        return Err(Error::Interrupted);
    }
    let mut contents = Contents::default();
    for result in compared {
        match result {
            Ok(None) => contents.equal += 1,
            Ok(Some(path)) => contents.different.push(path),
            Err(error) => contents.problems.push(error),
        }
    }
    contents.different.sort();
    Ok(contents)
}

/// One of the two images.
struct Top {
    directory: Directory,
    path: PathBuf,
}

impl Top {
    fn open(cache: &Cache, folders: &Folders, at: &Location) -> Result<Self> {
        let path = at.path_in(cache.path());
        let fail = |cause: Errno| Error::io("open", &path, cause);
        let folder = folders.get(at.folder).map_err(fail)?.ok_or(Errno::NOENT).map_err(fail)?;
        let (directory, _) = folder.open_child(at.name.as_c_str()).map_err(fail)?;
        Ok(Self { directory, path })
    }

    /// Opens a regular file in the image. Never follows a symlink or enters a mount.
    fn open_file(&self, path: &Path) -> rustix::io::Result<DataFile> {
        let (above, name) = (path.parent().unwrap_or(Path::new("")), path.file_name());
        let mut below: Option<Directory> = None;
        for name in above {
            let here = below.as_ref().unwrap_or(&self.directory);
            below = Some(here.open_child(&c_string(name)?)?.0);
        }
        let here = below.as_ref().unwrap_or(&self.directory);
        let file = here.open_data(&c_string(name.ok_or(Errno::INVAL)?)?)?;
        match file.status()?.kind {
            Kind::File => Ok(file),
            _ => Err(Errno::INVAL),
        }
    }
}

fn c_string(name: &OsStr) -> rustix::io::Result<CString> {
    CString::new(name.as_bytes()).map_err(|_| Errno::INVAL)
}

fn are_equal(tops: &[Top; 2], pair: &Unproven) -> Result<bool> {
    let sides = [(&tops[0], &pair.old), (&tops[1], &pair.new)];
    let fail = |side: usize, operation: &'static str, cause: Errno| {
        let (top, path) = sides[side];
        Error::io(operation, top.path.join(path), cause)
    };
    let open = |side: usize| {
        let (top, path) = sides[side];
        top.open_file(path).map_err(|cause| fail(side, "open", cause))
    };
    let (files, mut offset) = ([open(0)?, open(1)?], 0);
    let mut buffers = [vec![0; CHUNK], vec![0; CHUNK]];
    loop {
        let mut counts = [0; 2];
        for side in 0..2 {
            let count = fill(&files[side], &mut buffers[side], offset);
            counts[side] = count.map_err(|cause| fail(side, "read", cause))?;
        }
        if buffers[0][..counts[0]] != buffers[1][..counts[1]] {
            return Ok(false);
        }
        if counts[0] < CHUNK {
            return Ok(true);
        }
        offset += CHUNK as u64;
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &DataFile, buffer: &mut [u8], offset: u64) -> rustix::io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match file.read_at(&mut buffer[count..], offset + count as u64) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(Errno::INTR) => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(count)
}

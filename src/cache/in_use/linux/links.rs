//! A directory of a process in `/proc`, such as its open files: numbered links.

use std::ffi::CStr;
use std::fs::File;
use std::mem::MaybeUninit;

use procfs::process::Process;
use procfs::{ProcError, ProcResult};
use rustix::fs::RawDir;

/// 4 KiB has room for some 170 descriptors.
const BUFFER_BYTES: usize = 4096;

/// Calls `each` with the directory `name` of a process and the name of every entry in it. (The
/// crate's own iterators take four calls per entry, and replace bytes that are not UTF-8 with
/// U+FFFD.)
pub fn for_each(
    process: &Process,
    name: &str,
    mut each: impl FnMut(&File, &CStr),
) -> ProcResult<()> {
    let directory = process.open_relative(name)?;
    let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
    let mut links = RawDir::new(&directory, &mut buffer);
    while let Some(link) = links.next() {
        let link = link.map_err(|cause| ProcError::from(std::io::Error::from(cause)))?;
        if !link.file_name().to_bytes().starts_with(b".") {
            each(&directory, link.file_name());
        }
    }
    Ok(())
}

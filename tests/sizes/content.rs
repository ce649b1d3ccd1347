//! Files of all kinds that occupy space in unusual ways.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, ioctl_ficlone};

pub const MIB: u64 = 1 << 20;

/// Incompressible bytes.
pub fn noise(bytes: u64) -> Vec<u8> {
    let mut noise = Vec::new();
    File::open("/dev/urandom").unwrap().take(bytes).read_to_end(&mut noise).unwrap();
    noise
}

/// A file of this size, written to disk.
pub fn file(path: &Path, bytes: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = File::create(path).unwrap();
    file.write_all(&noise(bytes)).unwrap();
    file.sync_all().unwrap();
}

/// A file of this many equal lines, written to disk.
pub fn text(path: &Path, lines: usize) {
    let mut file = File::create(path).unwrap();
    file.write_all("all work and no play\n".repeat(lines).as_bytes()).unwrap();
    file.sync_all().unwrap();
}

/// A file or tree that shares all its data with `from`.
pub fn clone(from: &Path, to: &Path) {
    let status = fs::symlink_metadata(from).unwrap();
    if status.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let name = entry.unwrap().file_name();
            clone(&from.join(&name), &to.join(&name));
        }
    } else {
        let (from, to) = (File::open(from).unwrap(), File::create(to).unwrap());
        ioctl_ficlone(&to, &from).unwrap();
    }
}

/// Overwrites a part of a file with different data.
pub fn overwrite(path: &Path, at: u64, bytes: u64) {
    let mut file = OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(at)).unwrap();
    file.write_all(&noise(bytes)).unwrap();
    file.sync_all().unwrap();
}

/// A file with a hole between two blocks.
pub fn sparse(path: &Path, bytes: u64) {
    let mut file = File::create(path).unwrap();
    file.write_all(&noise(MIB)).unwrap();
    file.seek(SeekFrom::Start(bytes - MIB)).unwrap();
    file.write_all(&noise(MIB)).unwrap();
    file.sync_all().unwrap();
}

/// A file with preallocated space within its length and beyond.
pub fn preallocated(path: &Path, within: u64, beyond: u64) {
    let file = File::create(path).unwrap();
    fallocate(&file, FallocateFlags::empty(), 0, within).unwrap();
    fallocate(&file, FallocateFlags::KEEP_SIZE, within, beyond).unwrap();
    file.sync_all().unwrap();
}

//! Files that the kernel itself uses: swap files, and the files behind loop devices.

use std::io::{ErrorKind, Result};
use std::path::Path;

use crate::error::Context;
use crate::fs::Directory;
use crate::fs::mountinfo::unescape;

/// A file in use.
#[derive(Debug, PartialEq, Eq)]
pub struct KernelFile {
    /// Its path, as reported by the system.
    pub path: Vec<u8>,
    /// The user: `swap`, or the name of a loop device.
    pub user: String,
}

const SWAPS: &str = "/proc/swaps";
const DEVICES: &str = "/sys/block";

/// All files in use by the kernel.
pub fn files() -> crate::error::Result<Vec<KernelFile>> {
    let swaps = if_there(std::fs::read(SWAPS)).context("read", SWAPS)?;
    let mut files = swap_files(&swaps.unwrap_or_default());
    files.extend(loop_files(Path::new(DEVICES)).context("read", DEVICES)?);
    Ok(files)
}

/// Parses `/proc/swaps`: one line per swap after the header, with spaces after the path. Only files
/// have the type `file`.
fn swap_files(list: &[u8]) -> Vec<KernelFile> {
    let lines = list.split(|&byte| byte == b'\n').skip(1);
    let files = lines.filter_map(|line| {
        let mut fields = line.split(|byte| byte.is_ascii_whitespace()).filter(|f| !f.is_empty());
        let path = unescape(fields.next()?);
        (fields.next()? == b"file").then(|| KernelFile { path, user: "swap".to_owned() })
    });
    files.collect()
}

fn loop_files(devices: &Path) -> Result<Vec<KernelFile>> {
    let mut files = Vec::new();
    let Some(list) = if_there(Directory::open(devices).map_err(Into::into))? else {
        return Ok(files);
    };
    let mut names = Vec::new();
    list.for_each(|name, _| names.push(name.to_string_lossy().into_owned()))?;
    for name in names.into_iter().filter(|name| name.starts_with("loop")) {
        let file = if_there(std::fs::read(devices.join(&name).join("loop/backing_file")))?;
        files.extend(file.map(|path| KernelFile {
            path: path.strip_suffix(b"\n").unwrap_or(&path).to_vec(),
            user: name,
        }));
    }
    Ok(files)
}

/// A loop device without a file has no such entry, and neither has a kernel without swap.
fn if_there<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_file_is_listed_by_its_path_and_a_partition_is_not() {
        let list = b"Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n\
            /dev/sda2                               partition\t1024\t0\t-2\n\
            /c/sha256-a/two\\040words\\040(deleted)    file\t\t2044\t0\t-3\n";
        let file =
            KernelFile { path: b"/c/sha256-a/two words (deleted)".into(), user: "swap".into() };
        assert_eq!(swap_files(list), [file]);
        assert_eq!(swap_files(b""), []);
    }

    #[test]
    fn a_loop_device_is_listed_with_its_file() {
        let home = tempfile::tempdir().unwrap();
        for (device, file) in [("loop0/loop", "/c/a b\n"), ("sda/loop", "/c/x\n"), ("loop1", "")] {
            std::fs::create_dir_all(home.path().join(device)).unwrap();
            std::fs::write(home.path().join(device).join("backing_file"), file).unwrap();
        }
        let expected = KernelFile { path: b"/c/a b".into(), user: "loop0".into() };
        assert_eq!(loop_files(home.path()).unwrap(), [expected]);
        assert_eq!(loop_files(&home.path().join("none")).unwrap(), []);
    }
}

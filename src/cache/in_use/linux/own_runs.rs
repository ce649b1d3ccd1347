//! Other runs of this very program.
//!
//! A `bbox list` opens what it walks, for a moment, and must not keep a collection from anything.
//! `bbox cache lease` is run by the same executable, and is there to keep something. By its other name
//! the program is another file: then it counts like anybody's, which keeps something once too often.

use std::io::Read;
use std::os::unix::fs::MetadataExt;

use procfs::ProcResult;
use procfs::process::Process;
use rustix::fs::OFlags;

/// Knows this program again, by its file: names and paths of programs are not unique.
pub struct OwnRuns {
    /// The device and the inode of the executable. None where the system does not tell.
    own: Option<(u64, u64)>,
}

impl OwnRuns {
    pub fn new() -> Self {
        Self { own: Process::myself().and_then(|own| executable(&own)).ok() }
    }

    /// What this process does. If in doubt, it is none of this program.
    pub fn role(&self, process: &Process) -> Role {
        if self.own.is_none() || self.own != executable(process).ok() {
            return Role::Other;
        }
        match command_line(process) {
            Ok(line) if is_leaseholder(&line) => Role::Leaseholder,
            Ok(_) => Role::Walker,
            Err(_) => Role::Other,
        }
    }
}

/// What a process has to do with this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is another program.
    Other,
    /// It only walks the cache, as this process may.
    Walker,
    Leaseholder,
}

/// The path of a program that has been removed since it was started cannot be followed, but the
/// link in `/proc` can.
fn executable(process: &Process) -> ProcResult<(u64, u64)> {
    let status = process.open_relative_flags("exe", OFlags::PATH | OFlags::CLOEXEC)?.metadata()?;
    Ok((status.dev(), status.ino()))
}

fn command_line(process: &Process) -> ProcResult<Vec<u8>> {
    let mut line = Vec::new();
    process.open_relative("cmdline")?.read_to_end(&mut line)?;
    Ok(line)
}

/// Whether one of the arguments, after the name of the program, is `lease`.
fn is_leaseholder(command_line: &[u8]) -> bool {
    command_line.split(|&byte| byte == 0).skip(1).any(|argument| argument == b"lease")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_argument_makes_a_leaseholder() {
        for (line, expected) in [
            (&b"bbox\0cache\0lease\0node:22\0--\0run\0"[..], true),
            (b"/usr/bin/bbox\0--cache-dir\0/c\0cache\0lease", true),
            (b"bbox\0cache\0list\0", false),
            (b"bbox\0cache\0leases\0release\0--lease\0", false),
            (b"lease\0list\0", false),
            (b"", false),
        ] {
            assert_eq!(is_leaseholder(line), expected, "{:?}", line.escape_ascii().to_string());
        }
    }
}

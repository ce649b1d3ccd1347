//! One process of `/proc`: its number, its program, and whether it has ended.

use procfs::ProcError;
use procfs::process::Process;
use rustix::io::Errno;

use crate::cache::in_use::users::UsingProcess;

/// This process's PID in `/proc`, which may belong to another PID namespace.
pub fn own_pid() -> std::io::Result<i32> {
    Process::myself().map(|own| own.pid).map_err(into_io)
}

/// Whether the process has ended, or the file or mapping has been closed, in the meantime.
pub fn is_gone(cause: &ProcError) -> bool {
    match cause {
        ProcError::NotFound(_) => true,
        ProcError::Io(cause, _) => cause.raw_os_error() == Some(Errno::SRCH.raw_os_error()),
        _ => false,
    }
}

/// Converts an error. Only a missing `/proc` becomes [`NotFound`](std::io::ErrorKind::NotFound).
pub fn into_io(cause: ProcError) -> std::io::Error {
    match cause {
        ProcError::Io(cause, _) => cause,
        ProcError::NotFound(_) => Errno::NOENT.into(),
        ProcError::PermissionDenied(_) => Errno::ACCESS.into(),
        other => std::io::Error::other(other.to_string()),
    }
}

/// Describes a process by the file name of its executable. The kernel's name for a process is cut
/// to 15 bytes, and the process can change it.
pub fn user(process: &Process) -> Option<UsingProcess> {
    let name = |exe: std::path::PathBuf| Some(exe.file_name()?.to_string_lossy().into_owned());
    let program = match process.exe().ok().and_then(name) {
        Some(name) => name.strip_suffix(" (deleted)").unwrap_or(&name).to_owned(),
        None => process.stat().ok()?.comm,
    };
    Some(UsingProcess { pid: u32::try_from(process.pid).ok()?, program, holds_lease: false })
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn only_a_missing_proc_is_not_found() {
        let kind = |cause| into_io(cause).kind();
        assert_eq!(kind(ProcError::NotFound(None)), ErrorKind::NotFound);
        assert_eq!(kind(ProcError::PermissionDenied(None)), ErrorKind::PermissionDenied);
        assert_eq!(kind(ProcError::Incomplete(None)), ErrorKind::Other);
        assert_eq!(kind(ProcError::Other(String::new())), ErrorKind::Other);
        let many = || Error::from(Errno::MFILE);
        assert_eq!(kind(ProcError::Io(many(), None)), many().kind());
    }
}

//! Runs of this program among the processes.
//!
//! A `bbox list` opens what it walks, for a moment, and must not keep a collection from anything.
//! `bbox cache lease` is there to keep something. Neither the file of an executable nor its name tells
//! them from others: both names of the program are files of their own, an interpreter runs anything, and
//! any program may use the library. So a run says what it is: it holds an empty file in memory of a
//! certain name, which any process can read among its open files, and which goes with it. The file is closed
//! in a program that it runs, and is not in any cache.

#[cfg(feature = "cli")]
use std::os::fd::OwnedFd;

#[cfg(feature = "cli")]
use rustix::fs::{MemfdFlags, memfd_create};

use crate::cache::in_use::role::Role;

impl Role {
    fn mark(self) -> &'static str {
        match self {
            Self::Walker => "bbox-cache: walks a cache",
            Self::Leaseholder => "bbox-cache: holds a lease",
        }
    }

    /// What an open file says of the process that holds it, by its path.
    pub fn of_link(path: &[u8]) -> Option<Self> {
        let name = path.strip_prefix(b"/memfd:")?.strip_suffix(b" (deleted)")?;
        [Self::Walker, Self::Leaseholder].into_iter().find(|role| role.mark().as_bytes() == name)
    }
}

/// Says to other runs what this process does, as long as the answer lives. A kernel without such files
/// makes it a process like any other, which keeps something once too often.
#[cfg(feature = "cli")]
pub fn announce(role: Role) -> Option<OwnedFd> {
    // Kernels before 6.3 do not know the second flag, and later ones complain without.
    let flags = [MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL, MemfdFlags::CLOEXEC];
    flags.into_iter().find_map(|flags| memfd_create(role.mark(), flags).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_mark_tells_a_role() {
        for (link, role) in [
            ("/memfd:bbox-cache: walks a cache (deleted)", Some(Role::Walker)),
            ("/memfd:bbox-cache: holds a lease (deleted)", Some(Role::Leaseholder)),
            ("/memfd:bbox-cache: walks a cache", None),
            ("/tmp/memfd:bbox-cache: walks a cache (deleted)", None),
            ("/memfd:bbox-cache (deleted)", None),
        ] {
            assert_eq!(Role::of_link(link.as_bytes()), role, "{link}");
        }
    }
}

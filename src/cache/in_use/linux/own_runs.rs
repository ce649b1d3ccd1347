//! Recognizing other runs of this program.
//!
//! `bbox list` opens every tree it walks for a moment, which must not keep a gc from removing it.
//! `bbox cache lease` is there to protect an image. Neither the executable nor its name identifies
//! such a run: the program has two names, each a separate file, an interpreter may run it, and any
//! program may use the library. So each run marks itself: it keeps an empty in-memory file with a
//! certain name open. Any process that can inspect its open files can read the name, and the mark
//! disappears with the process. It is closed in programs that the run starts, and is not part of
//! any cache.

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

    /// The role that an open file's path announces for its process.
    pub fn of_link(path: &[u8]) -> Option<Self> {
        let name = path.strip_prefix(b"/memfd:")?.strip_suffix(b" (deleted)")?;
        [Self::Walker, Self::Leaseholder].into_iter().find(|role| role.mark().as_bytes() == name)
    }
}

/// Announces to other runs what this process does, until the returned file is dropped. On a kernel
/// without in-memory files the process counts as any other, which at worst keeps an entry
/// unnecessarily.
#[cfg(feature = "cli")]
pub fn announce(role: Role) -> Option<OwnedFd> {
    // Kernels before 6.3 reject the second flag, and later ones log a warning without it.
    let flags = [MemfdFlags::CLOEXEC | MemfdFlags::NOEXEC_SEAL, MemfdFlags::CLOEXEC];
    flags.into_iter().find_map(|flags| memfd_create(role.mark(), flags).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_whole_mark_announces_a_role() {
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

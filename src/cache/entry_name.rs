//! One plain path component.

use std::ffi::{CStr, CString, OsStr};
use std::fmt;
use std::os::unix::ffi::OsStrExt;

use crate::escape::Escaped;

/// A name that an entry of a directory can have: not empty, not `.` or `..`, without `/` or NUL.
/// Its bytes are otherwise arbitrary, but it can never lead out of its directory.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryName(CString);

impl EntryName {
    /// `None` if the bytes are not a plain path component.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Option<Self> {
        let name = CString::new(bytes).ok()?;
        match name.to_bytes() {
            b"" | b"." | b".." => None,
            bytes if bytes.contains(&b'/') => None,
            _ => Some(Self(name)),
        }
    }

    /// The name as a C string, for system calls.
    pub fn as_c_str(&self) -> &CStr {
        &self.0
    }

    /// The name without the trailing NUL.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.to_bytes()
    }

    /// The name as an OS string, for paths.
    pub fn as_os_str(&self) -> &OsStr {
        OsStr::from_bytes(self.as_bytes())
    }

    /// Whether it is 64 hex digits, like the name of every ref file.
    pub(super) fn is_hash(&self) -> bool {
        self.as_bytes().len() == 64 && self.as_bytes().iter().all(u8::is_ascii_hexdigit)
    }

    /// Whether the name starts with `prefix`.
    pub fn starts_with(&self, prefix: &str) -> bool {
        self.as_bytes().starts_with(prefix.as_bytes())
    }
}

/// For names from a directory listing, which are always plain components.
impl From<&CStr> for EntryName {
    fn from(name: &CStr) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Escaped::new(self.as_os_str()).fmt(f)
    }
}

impl fmt::Debug for EntryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_os_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_components_are_names() {
        for bad in ["", ".", "..", "/", "a/b", "../a", "a/", "a\0b"] {
            assert_eq!(EntryName::new(bad), None, "{bad:?}");
        }
        for good in ["a", "...", "a\nb", "sha256-0"] {
            assert!(EntryName::new(good).is_some(), "{good:?}");
        }
        assert!(EntryName::new(b"\xff".to_vec()).is_some());
    }
}

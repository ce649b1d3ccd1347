//! The names of directories, in one block of memory.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// Bits of a [`DirName`] for the length. No system allows names of more than 1,023 bytes.
const LENGTH_BITS: u32 = 16;

/// The names of the directories of one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DirNames(Vec<u8>);

/// The position and length of a name. 8 bytes, and an empty name by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DirName(u64);

impl DirNames {
    pub fn add(&mut self, name: &OsStr) -> DirName {
        let start = self.0.len() as u64;
        self.0.extend_from_slice(name.as_bytes());
        DirName(start << LENGTH_BITS | name.len() as u64)
    }

    pub fn get(&self, name: DirName) -> &OsStr {
        let start = (name.0 >> LENGTH_BITS) as usize;
        let length = (name.0 & ((1 << LENGTH_BITS) - 1)) as usize;
        OsStr::from_bytes(&self.0[start..start + length])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_again() {
        let mut names = DirNames::default();
        let long = "x".repeat(1023);
        let added = ["usr", "", "lib", &long].map(|name| (name, names.add(OsStr::new(name))));
        for (name, at) in added {
            assert_eq!(names.get(at), name);
        }
        assert_eq!(names.get(DirName::default()), "");
    }
}

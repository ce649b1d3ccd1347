//! Whether a microVM has run in an image itself instead of a clone.
//!
//! Brood Box does that once after a pull in the foreground. Whatever the machine leaves behind,
//! from forwarded environment variables to credentials, ends up in every later clone of the image.

use std::ffi::CStr;

use rustix::io::Errno;

use super::handle::Cache;
use super::location::Location;
use crate::error::{Context, Result};

/// Files that the first machine leaves behind, each with its directory in the image.
const TRACES: [(&[&CStr], &CStr); 3] =
    [(&[], c"bbox-init"), (&[], c".krun_config.json"), (&[c"etc"], c"sandbox-env")];

impl Cache {
    /// Whether a microVM has run in this image itself. Costs a few `stat` calls.
    ///
    /// # Errors
    /// A directory of the image cannot be opened.
    pub fn is_used_in_place(&self, image: &Location) -> Result<bool> {
        let found = TRACES.iter().map(|(path, name)| self.has(image, path, name));
        let found: rustix::io::Result<Vec<_>> = found.collect();
        found.map(|found| found.contains(&true)).context("inspect", image.path_in(self.path()))
    }

    fn has(&self, image: &Location, path: &[&CStr], name: &CStr) -> rustix::io::Result<bool> {
        let look = || {
            let folder = self.try_folder(image.folder)?.ok_or(Errno::NOENT)?;
            let top = folder.open_folder(image.name.as_c_str())?;
            let open = |above: crate::fs::Directory, below: &&CStr| Ok(above.open_child(below)?.0);
            path.iter().try_fold(top, open)?.status_of(name)
        };
        match look() {
            Ok(_) => Ok(true),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::XDEV) => Ok(false),
            Err(cause) => Err(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::cache::{EntryName, Folder};
    use crate::test_cache::TestCache;

    #[test]
    fn the_first_machine_leaves_traces_and_no_symlink_does() {
        for (trace, expected) in [
            (None, false),
            (Some("bbox-init"), true),
            (Some(".krun_config.json"), true),
            (Some("etc/sandbox-env"), true),
            (Some("sandbox-env"), false),
        ] {
            let cache = TestCache::new();
            let image = cache.image("a");
            if let Some(trace) = trace {
                fs::create_dir_all(image.join(trace).parent().unwrap()).unwrap();
                fs::write(image.join(trace), "").unwrap();
            }
            let opened = Cache::open(cache.dir()).unwrap().unwrap();
            let name = EntryName::new("sha256-a").unwrap();
            let location = Location { folder: Folder::Root, name };
            assert_eq!(opened.is_used_in_place(&location).unwrap(), expected, "{trace:?}");
        }
        let cache = TestCache::new();
        let image = cache.image("a");
        fs::write(cache.home().join("sandbox-env"), "").unwrap();
        symlink(cache.home(), image.join("etc")).unwrap();
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let location = Location { folder: Folder::Root, name: EntryName::new("sha256-a").unwrap() };
        assert!(!opened.is_used_in_place(&location).unwrap());
    }
}

//! Writing and removing references the way the owner of the cache does.
//!
//! The owner writes a reference in place, because only the owner reads it. Every other file in
//! `refs` would count as a reference, so a new one is prepared in a directory that the next `gc`
//! treats as its own leftover, and then renamed to its final name in one step. The image is marked
//! as used, because the owner counts its week from the last use.

use std::ffi::CStr;
use std::io::{self, Write};

use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use super::digest::Digest;
use super::entry_name::EntryName;
use super::location::{Folder, Location};
use super::lock::LockedCache;
use super::trash_name::TrashStage;
use crate::error::{Context, Error, Result};
use crate::fs::Directory;

/// The result of writing a reference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tagged {
    /// The reference points to the image now.
    Written,
    /// The reference points to this other image, and was not changed.
    NamesAnother(Digest),
}

/// The name of the file while it is being prepared.
const NEW: &CStr = c"new";
/// How often to retry if the owner writes a reference of the same name in between.
const TRIES: usize = 10;

impl LockedCache {
    /// Points `reference` to an image, and marks the image as used. If the reference points to
    /// another image, it is only changed with `replaces`. An empty or broken reference file of that
    /// name is replaced.
    ///
    /// # Errors
    /// The image does not exist or has no valid config, so the owner would pull it again. The
    /// reference is empty, or contains a control character or white space. The references cannot be
    /// read, or the file cannot be written.
    pub fn tag(&self, image: &Digest, reference: &str, replaces: bool) -> Result<Tagged> {
        let path = Folder::Refs.path_in(self.path()).join(file_name(reference).as_os_str());
        if reference.is_empty() || reference.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::io("write the reference", path, invalid("not a valid reference")));
        }
        self.mark(image)?;
        for _ in 0..TRIES {
            let named = self.digest_of(reference)?;
            match &named {
                Some(named) if named == image => return Ok(Tagged::Written),
                Some(named) if !replaces => return Ok(Tagged::NamesAnother(named.clone())),
                _ => {}
            }
            match self.write(reference, image, named.is_some()) {
                Err(Errno::EXIST) => {}
                written => {
                    let written = written.context("write the reference", &path);
                    return written.map(|()| Tagged::Written);
                }
            }
        }
        Err(Error::io("write the reference", path, Errno::AGAIN))
    }

    /// Removes a reference and keeps its image. Returns whether the reference existed.
    ///
    /// # Errors
    /// The references cannot be read, or the file cannot be removed.
    pub fn untag(&self, reference: &str) -> Result<bool> {
        let index = self.refs().into_readable()?;
        let Some(refs) = self.folder(Folder::Refs)? else { return Ok(false) };
        let named = index.refs.iter().filter(|found| found.image.as_deref() == Some(reference));
        let mut is_there = false;
        for found in named {
            let path = Folder::Refs.path_in(self.path()).join(found.file.as_os_str());
            match refs.remove_file(found.file.as_c_str()) {
                Err(Errno::NOENT) => {}
                removed => {
                    removed.context("remove the reference", path).map(|()| is_there = true)?
                }
            }
        }
        Ok(is_there)
    }

    /// Marks an image as used now. Fails if the owner could not use it as it is.
    fn mark(&self, image: &Digest) -> Result<()> {
        let location = Location { folder: Folder::Root, name: image.entry_name().clone() };
        let path = location.path_in(self.path());
        let top = self.root().open_folder(image.entry_name().as_c_str());
        let top = top.context("find the image", &path)?;
        if self.config(&location)?.is_none() {
            let cause = invalid("it has no .oci-config.json, so Brood Box would pull it again");
            return Err(Error::io("use the image", path, cause));
        }
        top.touch().context("mark", path)
    }

    /// The image that a reference points to.
    fn digest_of(&self, reference: &str) -> Result<Option<Digest>> {
        let index = self.refs().into_readable()?;
        let mut named = index.refs.iter().filter(|found| found.image.as_deref() == Some(reference));
        Ok(named.next().map(|found| found.digest.clone()))
    }

    /// Fails with `EXIST` if a reference of that name has been written in the meantime.
    fn write(&self, reference: &str, image: &Digest, replaces: bool) -> rustix::io::Result<()> {
        let file = file_name(reference);
        let workshop = TrashStage::Dead.name_of(&file, 0);
        match self.root().make_directory(workshop.as_c_str()) {
            // Left behind by a killed run.
            Ok(()) | Err(Errno::EXIST) => {}
            Err(cause) => return Err(cause),
        }
        let workshop = Workshop { root: self.root(), name: workshop };
        let directory = self.root().open_folder(workshop.name.as_c_str())?;
        match directory.remove_file(NEW) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(cause) => return Err(cause),
        }
        let mut new = directory.create_file(NEW)?;
        let line = format!("{reference}\t{}\n", image.to_text());
        let written = new.write_all(line.as_bytes()).and_then(|()| new.sync_all());
        written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let refs = self.refs_folder()?;
        let is_broken = || {
            let index = self.refs();
            let mut invalid = index.invalid.iter();
            invalid.any(|found| found.file == file && found.modified.is_some())
        };
        if replaces || is_broken() {
            directory.replace(NEW, &refs, file.as_c_str())
        } else {
            directory.rename(NEW, &refs, file.as_c_str())
        }
    }

    /// The folder of references. Created if it does not exist.
    fn refs_folder(&self) -> rustix::io::Result<Directory> {
        match self.root().make_directory(c"refs") {
            Ok(()) | Err(Errno::EXIST) => self.root().open_folder(c"refs"),
            Err(cause) => Err(cause),
        }
    }
}

/// The directory in which a reference is prepared. Removed when dropped.
struct Workshop<'c> {
    root: &'c Directory,
    name: EntryName,
}

impl Drop for Workshop<'_> {
    fn drop(&mut self) {
        // The next gc removes anything left.
        if let Ok(directory) = self.root.open_folder(self.name.as_c_str()) {
            directory.remove_file(NEW).unwrap_or_default();
        }
        self.root.remove_directory(self.name.as_c_str()).unwrap_or_default();
    }
}

/// The owner's name for the file of a reference: its SHA-256 in hex digits.
fn file_name(reference: &str) -> EntryName {
    let digits: String =
        Sha256::digest(reference).iter().map(|byte| format!("{byte:02x}")).collect();
    EntryName::new(digits).expect("hexadecimal digits are a plain name")
}

fn invalid(cause: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::time::Duration;

    use super::*;
    use crate::StopFlag;
    use crate::cache::{Cache, Patience};
    use crate::test_cache::{TestCache, age};

    fn lock(cache: &TestCache) -> LockedCache {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        opened.lock(&StopFlag::new(), |_| Patience::GiveUp).unwrap()
    }

    fn digest(text: &str) -> Digest {
        Digest::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_reference_is_written_as_the_owner_writes_it_and_removed_again() {
        let cache = TestCache::new();
        let image = cache.image("a");
        let locked = lock(&cache);
        assert_eq!(locked.tag(&digest("sha256:a"), "alpine", false).unwrap(), Tagged::Written);
        // The output of `printf alpine | sha256sum`.
        let name = "54c5b3dd459d5ef778bb2fa1e23a5fb0e1b62ae66970bcb436e8f81a1a1a8e41";
        let file = cache.path("refs").join(name);
        assert_eq!(fs::read_to_string(&file).unwrap(), "alpine\tsha256:a\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let used = fs::metadata(&image).unwrap().modified().unwrap().elapsed().unwrap();
        assert!(used < Duration::from_secs(600), "the image counts as used");
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 2, "nothing else is left");
        assert!(locked.untag("alpine").unwrap() && !locked.untag("alpine").unwrap());
        assert!(image.exists() && !file.exists());
    }

    #[test]
    fn a_reference_to_another_image_stays_unless_replaced() {
        let cache = TestCache::new();
        for name in ["a", "b"] {
            cache.image(name);
        }
        let locked = lock(&cache);
        let (a, b) = (digest("sha256:a"), digest("sha256:b"));
        locked.tag(&a, "x:1", false).unwrap();
        assert_eq!(locked.tag(&b, "x:1", false).unwrap(), Tagged::NamesAnother(a));
        assert_eq!(locked.tag(&b, "x:1", true).unwrap(), Tagged::Written);
        assert_eq!(locked.refs().refs[0].digest, b);
        // A full disk may have left it empty.
        let file = fs::read_dir(cache.path("refs")).unwrap().next().unwrap().unwrap().path();
        fs::write(&file, "").unwrap();
        age(&file, Duration::from_secs(60));
        assert_eq!(locked.tag(&b, "x:1", false).unwrap(), Tagged::Written);
        assert_eq!(locked.refs().refs.len(), 1);
    }

    #[test]
    fn an_image_that_the_owner_could_not_use_gets_no_reference() {
        let cache = TestCache::new();
        fs::create_dir(cache.path("sha256-bare")).unwrap();
        cache.image("a");
        let locked = lock(&cache);
        for (image, reference, cause) in [
            ("sha256:gone", "x:1", "sha256-gone: No such file"),
            ("sha256:bare", "x:1", "it has no .oci-config.json"),
            ("sha256:a", "", "not a valid reference"),
            ("sha256:a", "x\ty", "not a valid reference"),
        ] {
            let error = locked.tag(&digest(image), reference, true).unwrap_err().to_string();
            assert!(error.contains(cause), "{error}");
        }
        assert!(!cache.path("refs").exists() || locked.refs().is_empty());
    }
}

//! Leases, which protect images from gc.
//!
//! A lease is a shared `flock` on the image's own directory, so it leaves nothing behind and ends
//! with its holder. Right before a gc renames an image, it tries to get the exclusive lock without
//! waiting, and keeps the image if it is leased. It releases the lock right after the rename. The
//! image can then no longer be found by its name, and a process that had opened it before checks
//! the name again once its lease is granted.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::digest::Digest;
use super::entry_name::EntryName;
use super::handle::Cache;
use super::in_use::{UsingProcess, lock_holder};
use crate::error::{Context, Error, Result};
use crate::fs::{Directory, LockAnswer, LockKind};

/// How long to wait for a lease. The exclusive lock is only held during a rename.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause between attempts.
const POLL: Duration = Duration::from_millis(5);
/// How often a gc tries, because another one may briefly hold a lock just to check.
const ATTEMPTS: u32 = 3;

/// Protects an image from gc until dropped. Created by [`Cache::lease`].
#[derive(Debug)]
#[must_use = "the lease ends when it is dropped"]
pub struct Lease {
    /// `None` if the file system does not support locks.
    held: Option<Directory>,
}

impl Lease {
    /// Whether the file system supports locks. If not, the image is not protected.
    pub fn is_effective(&self) -> bool {
        self.held.is_some()
    }
}

/// The images that were leased at one moment.
#[derive(Clone, Debug, Default)]
pub struct Leases(HashSet<EntryName>);

impl Leases {
    /// Whether this image was leased.
    pub fn contains(&self, image: &EntryName) -> bool {
        self.0.contains(image)
    }
}

impl FromIterator<EntryName> for Leases {
    fn from_iter<I: IntoIterator<Item = EntryName>>(images: I) -> Self {
        Self(images.into_iter().collect())
    }
}

/// The result of a gc's attempt to claim an image.
#[derive(Debug)]
pub(crate) enum Claim {
    /// The image is not leased and cannot be while this is held. There is no lock if the file
    /// system does not support locks, or if even the owner cannot open the directory.
    Granted {
        _held: Option<Directory>,
    },
    Leased,
}

impl Claim {
    /// Tries to claim the directory `name` in `folder`.
    pub fn new(folder: &Directory, name: &EntryName) -> rustix::io::Result<Self> {
        let directory = match folder.open_folder(name.as_c_str()) {
            Ok(directory) => directory,
            Err(Errno::ACCESS) => return Ok(Self::Granted { _held: None }),
            Err(cause) => return Err(cause),
        };
        for attempt in 1.. {
            match directory.try_lock(LockKind::Exclusive)? {
                LockAnswer::Granted => return Ok(Self::Granted { _held: Some(directory) }),
                LockAnswer::Unsupported => break,
                LockAnswer::Taken if attempt == ATTEMPTS => return Ok(Self::Leased),
                LockAnswer::Taken => std::thread::sleep(POLL),
            }
        }
        Ok(Self::Granted { _held: None })
    }
}

impl Cache {
    /// Protects the image `digest` from gc for as long as the lease exists. `None` if it is not in
    /// the cache.
    ///
    /// # Errors
    /// The image cannot be opened, or another process has it locked for more than two seconds.
    ///
    /// ```
    /// # use bbox_cache::cache::{Cache, Lookup};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # std::fs::create_dir(home.path().join("sha256-8432e34e7c77"))?;
    /// # let cache = Cache::open(home.path())?.unwrap();
    /// let Lookup::One(image) = cache.inventory()?.find("8432") else { return Ok(()) };
    /// let Some(lease) = cache.lease(&image)? else { return Ok(()) };
    /// if !lease.is_effective() {
    ///     eprintln!("this file system does not support locks");
    /// }
    /// // … work with the image …
    /// # let leases = cache.leases([image.entry_name()]);
    /// # assert_eq!(leases.contains(image.entry_name()), lease.is_effective());
    /// drop(lease);
    /// assert!(!cache.leases([image.entry_name()]).contains(image.entry_name()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn lease(&self, digest: &Digest) -> Result<Option<Lease>> {
        let name = digest.entry_name();
        let path = self.path().join(name.as_os_str());
        let deadline = Instant::now() + PATIENCE;
        while let Some(directory) = self.open_image(name).context("open", &path)? {
            match directory.try_lock(LockKind::Shared).context("lease", &path)? {
                LockAnswer::Unsupported => return Ok(Some(Lease { held: None })),
                LockAnswer::Granted if self.is_called(&directory, name) => {
                    return Ok(Some(Lease { held: Some(directory) }));
                }
                _ if Instant::now() >= deadline => return Err(locked(&directory, path)),
                _ => std::thread::sleep(POLL),
            }
        }
        Ok(None)
    }

    /// Which of these images are leased right now. An image that cannot be checked counts as not
    /// leased, because its lock is requested again before anything happens to it.
    pub fn leases<'a>(&self, images: impl IntoIterator<Item = &'a EntryName>) -> Leases {
        let is_leased =
            |image: &&EntryName| matches!(Claim::new(self.root(), image), Ok(Claim::Leased));
        images.into_iter().filter(is_leased).cloned().collect()
    }

    fn open_image(&self, name: &EntryName) -> rustix::io::Result<Option<Directory>> {
        if Digest::of_entry(name).is_none() {
            return Ok(None);
        }
        match self.root().open_folder(name.as_c_str()) {
            Ok(directory) => Ok(Some(directory)),
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Whether this name still refers to an open directory.
    fn is_called(&self, directory: &Directory, name: &EntryName) -> bool {
        directory.is_found_by(|| self.root().status_of(name.as_c_str())).unwrap_or(false)
    }
}

fn locked(directory: &Directory, path: PathBuf) -> Error {
    let holder = directory.status().ok().and_then(|status| lock_holder(status.inode));
    let cause = format!("it is locked by {}", UsingProcess::describe(holder.as_ref()));
    Error::io("lease", path, std::io::Error::new(std::io::ErrorKind::WouldBlock, cause))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_cache::TestCache;

    fn digest(name: &str) -> Digest {
        Digest::parse(format!("sha256:{name}").as_bytes()).unwrap()
    }

    #[test]
    fn a_lease_is_visible_until_dropped_and_can_be_shared() {
        let cache = TestCache::new();
        cache.image("a");
        cache.image("b");
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let (a, b) = (digest("a"), digest("b"));
        let names = [a.entry_name(), b.entry_name()];
        let first = opened.lease(&a).unwrap().unwrap();
        let second = opened.lease(&a).unwrap().unwrap();
        assert!(first.is_effective());
        drop(first);
        let leases = opened.leases(names);
        assert_eq!(names.map(|name| leases.contains(name)), [true, false]);
        drop(second);
        assert!(!opened.leases(names).contains(names[0]));
    }

    #[test]
    fn only_images_can_be_leased() {
        let cache = TestCache::new();
        cache.live("a");
        cache.layer("l");
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        for text in ["sha256:b", "refs", "layers", "sha256:a/usr"] {
            let digest = Digest::parse(text.as_bytes());
            assert!(digest.is_none_or(|digest| opened.lease(&digest).unwrap().is_none()), "{text}");
        }
    }

    #[test]
    fn a_lease_waits_for_a_claimed_image_and_looks_it_up_again() {
        let cache = TestCache::new();
        let path = cache.image("a");
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let a = digest("a");
        let claim = Claim::new(opened.root(), a.entry_name()).unwrap();
        std::thread::scope(|scope| {
            let lease = scope.spawn(|| opened.lease(&a).unwrap());
            std::thread::sleep(Duration::from_millis(50));
            std::fs::rename(&path, cache.path("tmp-gc-sha256-a")).unwrap();
            drop(claim);
            assert!(lease.join().unwrap().is_none());
        });
    }
}

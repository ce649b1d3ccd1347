//! The mount namespaces of the processes, and where the cache is in each of them.
//!
//! A directory that is `/disk/images/sha256-a` here may be `/job` in a sandbox or a container. So a
//! path is interpreted with the mounts of its own namespace, which tell the file system and the
//! location on it. That is compared with the location of the cache, without touching any file.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Result};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use procfs::process::Process;

use super::follow::{Followed, follow};
use super::view::View;
use crate::cache::path_lookup::PathLookup;
use crate::cache::{Cache, Location};
use crate::fs::mountinfo::{Mount, Place, parse};
use crate::fs::mounts;

/// Our own mount namespace.
pub struct Home {
    pub mounts: Vec<Mount>,
    pub view: Arc<View>,
    /// The location of the cache. `None` if its mount is not listed; then only its path is known.
    cache: Option<Place>,
}

/// All mount namespaces met so far, so that the mounts of each are read only once.
pub struct Namespaces {
    home: Arc<Home>,
    own_name: Option<PathBuf>,
    /// Keyed by the namespace and the root of the process, because the mounts listed for a process
    /// are only those below its root.
    others: BTreeMap<(PathBuf, PathBuf), Arc<Namespace>>,
}

/// A mount namespace other than ours.
pub struct Namespace {
    pub view: Arc<View>,
    /// Entries that its mounts keep busy. An image is mounted for a process that uses it.
    pub held: BTreeSet<Location>,
}

impl Home {
    pub fn new(cache: &Cache, lookup: &PathLookup) -> Result<Self> {
        let (mounts, path) = (mounts()?, lookup.real().as_os_str().as_bytes());
        let id = cache.root().mount_id();
        let mount = mounts.iter().find(|mount| Ok(mount.id) == id);
        let place = mount.and_then(|mount| mount.place(path));
        let view = match &place {
            Some(place) => View::new(&mounts, Path::new("/"), place).with_tails(place),
            None => View::from_path(path),
        };
        Ok(Self { mounts, view: Arc::new(view), cache: place })
    }

    /// The entries that are busy because of a mount, each with the mount point.
    pub fn held(&self) -> impl Iterator<Item = (Location, PathBuf)> {
        self.mounts.iter().flat_map(|mount| {
            let point = PathBuf::from(std::ffi::OsString::from_vec(mount.point.clone()));
            self.held_by(mount).into_iter().map(move |entry| (entry, point.clone()))
        })
    }

    fn held_by(&self, mount: &Mount) -> BTreeSet<Location> {
        let Some(cache) = &self.cache else { return self.view.entries(&mount.point).collect() };
        let mut held = BTreeSet::from_iter(self.view.held(&self.mounts, mount, cache));
        for layer in mount.layers().iter().filter(|layer| layer.starts_with(b"/")) {
            let led_to = self.follow(crate::cache::path_lookup::as_path(layer)).path;
            held.extend(self.view.entries(led_to.as_os_str().as_bytes()));
        }
        held
    }

    /// Resolves an absolute path.
    pub fn follow(&self, path: &Path) -> Followed {
        follow(&self.mounts, self.cache.as_ref().map(|place| place.device), path)
    }
}

impl Namespaces {
    pub fn new(home: Arc<Home>) -> Self {
        let own_name = Process::myself().ok().and_then(|own| name(&own));
        Self { home, own_name, others: BTreeMap::new() }
    }

    /// The mount namespace of a thread. `None` if it is our own, or cannot be inspected; then the
    /// thread's links cannot be read either.
    pub fn get(&mut self, thread: &Process) -> Option<Arc<Namespace>> {
        let cache = self.home.cache.as_ref()?;
        let name = name(thread).filter(|name| Some(name) != self.own_name.as_ref())?;
        let key = (name, thread.root().ok()?);
        if let Some(known) = self.others.get(&key) {
            return Some(Arc::clone(known));
        }
        // A failure is not cached: this process may have ended while others in the namespace still
        // run.
        let mounts = mounts_of(thread)?;
        let view = View::new(&mounts, &key.1, cache);
        let mut held = BTreeSet::new();
        for mount in &mounts {
            held.extend(view.held(&mounts, mount, cache));
            held.extend(mount.layers().iter().flat_map(|layer| self.home.view.entries(layer)));
        }
        let found = Arc::new(Namespace { view: Arc::new(view), held });
        self.others.insert(key, Arc::clone(&found));
        Some(found)
    }
}

/// A name like `mnt:[4026531841]`, equal for all processes in the same namespace.
fn name(process: &Process) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/ns/mnt", process.pid)).ok()
}

fn mounts_of(process: &Process) -> Option<Vec<Mount>> {
    let mut text = Vec::new();
    process.open_relative("mountinfo").ok()?.read_to_end(&mut text).ok()?;
    Some(parse(&text))
}

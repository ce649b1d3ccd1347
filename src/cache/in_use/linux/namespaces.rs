//! Processes in another mount namespace, such as those in a sandbox or a container.
//!
//! The system gives their paths as they read there: what is `/disk/images/sha256-a` here may be
//! `/job` there. So each path is turned into the place where it lies ([`Place`]), by the mounts
//! of that namespace, and that into the path that we have for it. A path is also still taken as it
//! reads: mounts may hide one another, and it is worse to miss a user than to see one too many.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use procfs::process::Process;

use crate::fs::mountinfo::{Mount, Place, below, join, locate, parse};

/// All namespaces that have been met, so that the mounts of each are read but once.
pub struct Namespaces {
    own: Option<Own>,
    /// By the name of the namespace and the root of the process: mounts that do not lie below its
    /// root are not listed for it. None if nothing of the file system of the cache is seen there.
    others: BTreeMap<(PathBuf, PathBuf), Option<Rc<View>>>,
}

/// The cache from here.
struct Own {
    namespace: PathBuf,
    place: Place,
    path: Vec<u8>,
}

/// The cache from another namespace.
pub struct View {
    mounts: Vec<Mount>,
    place: Place,
    path: Vec<u8>,
}

impl Namespaces {
    /// `cache` is its path as the system calls it here.
    pub fn new(cache: &Path) -> Self {
        let own = Process::myself().ok().and_then(|own| {
            let path = cache.as_os_str().as_bytes().to_vec();
            let place = locate(&mounts(&own)?, &path)?;
            Some(Own { namespace: namespace(&own)?, place, path })
        });
        Self { own, others: BTreeMap::new() }
    }

    /// How the process sees the cache, unless it sees it as we do, or not at all. Nor is it told
    /// of a process that may not be looked at: then its links cannot be read either.
    pub fn view(&mut self, process: &Process) -> Option<Rc<View>> {
        let own = self.own.as_ref()?;
        let namespace = namespace(process).filter(|other| *other != own.namespace)?;
        let key = (namespace, process.root().ok()?);
        if !self.others.contains_key(&key) {
            // Not kept if it fails: the process may have ended, and others there run on.
            let view = View::new(own, mounts(process)?, &key.1);
            self.others.insert(key.clone(), view.map(Rc::new));
        }
        self.others.get(&key)?.clone()
    }
}

impl View {
    /// `root` is that of a process which has these mounts: their mount points are told from there.
    fn new(own: &Own, mut mounts: Vec<Mount>, root: &Path) -> Option<Self> {
        mounts.iter().find(|mount| mount.root.device == own.place.device)?;
        for mount in &mut mounts {
            mount.point = join(root.as_os_str().as_bytes(), &mount.point);
        }
        Some(Self { mounts, place: own.place.clone(), path: own.path.clone() })
    }

    /// What we call that which is called `path` there, if it lies in the cache.
    pub fn translate(&self, path: &[u8]) -> Option<Vec<u8>> {
        self.ours(&locate(&self.mounts, path)?)
    }

    /// What we call those directories in the cache that are mounted there on their own. Nobody
    /// mounts an image for a process that does not use it.
    pub fn mounted(&self) -> impl Iterator<Item = Vec<u8>> {
        self.mounts.iter().filter_map(|mount| self.ours(&mount.root))
    }

    fn ours(&self, place: &Place) -> Option<Vec<u8>> {
        let is_same = place.device == self.place.device;
        let rest = below(&place.path, &self.place.path).filter(|_| is_same)?;
        Some(join(&self.path, rest))
    }
}

/// Like `mnt:[4026531841]`: two processes are in the same namespace if it is the same for both.
fn namespace(process: &Process) -> Option<PathBuf> {
    std::fs::read_link(format!("/proc/{}/ns/mnt", process.pid)).ok()
}

fn mounts(process: &Process) -> Option<Vec<Mount>> {
    let mut text = Vec::new();
    process.open_relative("mountinfo").ok()?.read_to_end(&mut text).ok()?;
    Some(parse(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(path: Vec<u8>) -> String {
        String::from_utf8(path).unwrap()
    }

    fn view(mounts: &str, root: &str) -> Option<View> {
        let place = Place { device: (8, 1), path: b"/user/images".to_vec() };
        let own = Own { namespace: PathBuf::new(), place, path: b"/home/user/images".to_vec() };
        View::new(&own, parse(mounts.as_bytes()), Path::new(root))
    }

    #[test]
    fn a_path_from_there_becomes_the_path_from_here() {
        let mounts = "1 0 9:9 / / rw\n2 1 8:1 /user /data rw\n3 1 8:1 /user/images/sha256-a /job rw\n\
                      4 2 9:9 / /data/images/sha256-b rw\n5 1 8:1 /user/other /other rw\n";
        let view = view(mounts, "/").unwrap();
        for (path, expected) in [
            ("/job", Some("/home/user/images/sha256-a")),
            ("/job/usr (deleted)", Some("/home/user/images/sha256-a/usr (deleted)")),
            ("/data/images", Some("/home/user/images")),
            ("/data/images/layers/x/y", Some("/home/user/images/layers/x/y")),
            ("/data/images/sha256-b/usr", None),
            ("/data/images-2/x", None),
            ("/other/images/sha256-a", None),
            ("/home/user/images/sha256-a", None),
            ("anon_inode:[eventpoll]", None),
        ] {
            assert_eq!(view.translate(path.as_bytes()).map(shown).as_deref(), expected, "{path}");
        }
        assert_eq!(view.mounted().map(shown).collect::<Vec<_>>(), ["/home/user/images/sha256-a"]);
    }

    #[test]
    fn mount_points_are_told_from_the_root_of_the_process() {
        let jailed = view("1 0 8:1 / / rw\n", "/jail").unwrap();
        assert_eq!(
            jailed.translate(b"/jail/user/images/x").map(shown).unwrap(),
            "/home/user/images/x"
        );
        assert_eq!(jailed.translate(b"/user/images/x"), None);
        assert!(view("1 0 8:2 / / rw\n", "/").is_none());
    }
}

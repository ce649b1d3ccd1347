//! Resolving a path from a program's arguments without ever blocking.
//!
//! Every symlink on the way is read as long as the path stays on file systems served by the local
//! kernel alone, or on that of the cache, which is accessed anyway. From the first directory on
//! that a server or an automounter may have to serve, the rest of the path is taken literally.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::fs::mountinfo::{Device, Mount, locate};

/// The same limit as the kernel's.
const MOST_LINKS: usize = 40;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Followed {
    pub path: PathBuf,
    /// Whether every step could be checked.
    pub is_certain: bool,
}

/// Resolves an absolute path among `mounts`. `own` is the file system of the cache.
pub fn follow(mounts: &[Mount], own: Option<Device>, path: &Path) -> Followed {
    let mut found = Followed { path: PathBuf::from("/"), is_certain: true };
    let (mut names, mut links) = (steps(path), 0);
    while let Some(name) = names.pop() {
        if name == ".." {
            found.path.pop();
            continue;
        }
        let next = found.path.join(name);
        found.is_certain &= may_look(mounts, own, &next);
        match link_at(&next, found.is_certain && links < MOST_LINKS) {
            Some(target) => {
                links += 1;
                names.extend(steps(&target));
                if target.is_absolute() {
                    found.path = PathBuf::from("/");
                }
            }
            None => found.path = next,
        }
    }
    found
}

fn may_look(mounts: &[Mount], own: Option<Device>, path: &Path) -> bool {
    let mount = locate(mounts, path.as_os_str().as_bytes());
    mount.is_some_and(|mount| mount.is_local() || Some(mount.root.device) == own)
}

/// The components of a path, last one first.
fn steps(path: &Path) -> Vec<OsString> {
    let names = path.components().rev().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    names.collect()
}

/// `None` if the path is not a symlink, is gone, or must not be accessed. Then it is taken
/// literally.
fn link_at(path: &Path, may_look: bool) -> Option<PathBuf> {
    may_look.then(|| std::fs::read_link(path).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::fs::mountinfo::parse;

    #[test]
    fn symlinks_are_followed_until_a_server_may_have_to_answer() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().canonicalize().unwrap();
        for (name, target) in [("link", "real/deep"), ("loop", "loop"), ("real/up", "../real")] {
            std::fs::create_dir_all(home.join("real/deep")).unwrap();
            symlink(target, home.join(name)).unwrap();
        }
        symlink(home.join("real"), home.join("away")).unwrap();
        let local = parse(b"1 0 8:1 / / rw - ext4 d rw\n");
        let far = format!(
            "1 0 8:1 / / rw - ext4 d rw\n2 1 0:9 / {}/link rw - nfs4 d rw\n",
            home.display()
        );
        for (path, led_to) in [
            ("link/x", "real/deep/x"),
            ("away/up/deep/../gone/y", "real/gone/y"),
            ("link/../x", "real/x"),
            ("none/../real", "real"),
        ] {
            let found = follow(&local, None, &home.join(path));
            assert_eq!(found, Followed { path: home.join(led_to), is_certain: true }, "{path}");
        }
        assert!(follow(&local, None, &home.join("loop/x")).is_certain);
        for (own, led_to, is_certain) in
            [(None, "link/x", false), (Some((0, 9)), "real/deep/x", true)]
        {
            let found = follow(&parse(far.as_bytes()), own, &home.join("link/x"));
            assert_eq!(found, Followed { path: home.join(led_to), is_certain });
        }
    }
}

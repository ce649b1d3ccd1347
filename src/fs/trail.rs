//! Walks a tree of any depth with two open directories.
//!
//! Only the base and the lowest directory are open. The way back up is the `..` of the lowest one,
//! which is wherever that directory is *now*: another process may have moved it out of the tree. So
//! the inode of the directory that `..` opened is compared, on the descriptor itself, with the
//! inode passed on the way down before it is used for anything. If they differ, the walk ends there
//! with an error. The base is never reached through `..`, because it is still open.
//!
//! An inode number may be reused once its directory is gone. For that, another process would have
//! to move the lowest directory away, remove the one above, create another and move the lowest into
//! it. All of this takes permissions that also allow putting that other directory into the tree
//! directly.

use std::io;

use super::directory::Directory;
use super::status::InodeId;

/// The path from a base to a directory below it.
pub struct Trail<'b> {
    base: &'b Directory,
    lowest: Option<Directory>,
    /// The inodes of all directories below the base, down to the lowest.
    passed: Vec<InodeId>,
}

impl<'b> Trail<'b> {
    /// Starts at the base.
    pub fn new(base: &'b Directory) -> Self {
        Self { base, lowest: None, passed: Vec::new() }
    }

    /// The current directory.
    pub fn here(&self) -> &Directory {
        self.lowest.as_ref().unwrap_or(self.base)
    }

    /// Moves down to `child`, which was opened in [`Trail::here`] and has this inode. Closes the
    /// directory above it, unless that is the base.
    pub fn descend(&mut self, child: Directory, inode: InodeId) {
        self.passed.push(inode);
        self.lowest = Some(child);
    }

    /// Moves up to the parent directory. Stays at the base if already there.
    ///
    /// # Errors
    /// The parent cannot be opened, or the current directory has been moved to another parent. The
    /// trail then stays where it was.
    pub fn ascend(&mut self) -> io::Result<()> {
        let above = match self.passed.split_last() {
            Some((_, [.., inode])) => Some(self.open_above(*inode)?),
            _ => None,
        };
        self.lowest = above;
        self.passed.pop();
        Ok(())
    }

    fn open_above(&self, inode: InodeId) -> io::Result<Directory> {
        let above = self.here().open_folder(c"..")?;
        if above.status()?.inode == inode {
            Ok(above)
        } else {
            Err(io::Error::other("it was moved in the meantime"))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::io::Errno;

    use super::*;

    fn descend(trail: &mut Trail<'_>, name: &CStr) -> rustix::io::Result<()> {
        let (child, status) = trail.here().open_child(name)?;
        trail.descend(child, status.inode);
        Ok(())
    }

    /// A base with `a/b/c/d` in it.
    fn tree() -> (tempfile::TempDir, Directory) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir_all(home.path().join("base/a/b/c/d")).unwrap();
        let base = Directory::open(&home.path().join("base")).unwrap();
        (home, base)
    }

    fn is_at(trail: &Trail<'_>, path: &Path) -> bool {
        trail.here().status().unwrap().inode
            == Directory::open(path).unwrap().status().unwrap().inode
    }

    #[test]
    fn ascending_retraces_the_way_down_and_ends_at_the_base() {
        let (home, base) = tree();
        let mut trail = Trail::new(&base);
        [c"a", c"b", c"c", c"d"].into_iter().for_each(|name| descend(&mut trail, name).unwrap());
        for path in ["base/a/b/c/d", "base/a/b/c", "base/a/b", "base/a", "base", "base"] {
            assert!(is_at(&trail, &home.path().join(path)), "{path}");
            trail.ascend().unwrap();
        }
        descend(&mut trail, c"a").unwrap();
        assert!(is_at(&trail, &home.path().join("base/a")));
    }

    #[test]
    fn a_symlink_cannot_be_descended() {
        let (home, base) = tree();
        symlink("b", home.path().join("base/a/link")).unwrap();
        let mut trail = Trail::new(&base);
        descend(&mut trail, c"a").unwrap();
        let refused = descend(&mut trail, c"link").unwrap_err();
        assert!(matches!(refused, Errno::LOOP | Errno::NOTDIR), "{refused}");
        assert!(is_at(&trail, &home.path().join("base/a")));
    }

    #[test]
    fn a_moved_directory_cannot_be_ascended() {
        let (home, base) = tree();
        let mut trail = Trail::new(&base);
        [c"a", c"b", c"c"].into_iter().for_each(|name| descend(&mut trail, name).unwrap());
        fs::rename(home.path().join("base/a/b/c"), home.path().join("outside")).unwrap();
        assert!(trail.ascend().unwrap_err().to_string().contains("moved"));
        assert!(is_at(&trail, &home.path().join("outside")), "it stays where it was");
    }

    #[test]
    fn the_base_is_reached_even_from_a_moved_directory() {
        let (home, base) = tree();
        let mut trail = Trail::new(&base);
        descend(&mut trail, c"a").unwrap();
        fs::rename(home.path().join("base/a"), home.path().join("outside")).unwrap();
        trail.ascend().unwrap();
        assert!(is_at(&trail, &home.path().join("base")));
    }
}

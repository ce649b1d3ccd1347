//! Where the cache is, and where in it something lies.

use std::ffi::OsString;
use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use super::entry_name::EntryName;

/// The folders of a cache that hold entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Folder {
    /// The cache directory itself: images.
    Root,
    /// `layers/`.
    Layers,
    /// `refs/`.
    Refs,
}

impl Folder {
    /// The folder's own name, relative to the cache directory; the root has none.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Layers => "layers",
            Self::Refs => "refs",
        }
    }

    /// The path below the cache directory `cache`.
    pub fn path_in(self, cache: &Path) -> PathBuf {
        match self {
            Self::Root => cache.to_path_buf(),
            folder => cache.join(folder.name()),
        }
    }
}

/// One name in one folder of the cache.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The folder that it lies in.
    pub folder: Folder,
    /// Its name there.
    pub name: EntryName,
}

impl Location {
    /// The path below the cache directory `cache`.
    pub fn path_in(&self, cache: &Path) -> PathBuf {
        self.folder.path_in(cache).join(self.name.as_os_str())
    }
}

/// The path relative to the cache directory, safe to print.
impl Display for Location {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.folder {
            Folder::Root => self.name.fmt(f),
            folder => write!(f, "{}/{}", folder.name(), self.name),
        }
    }
}

/// Where the owner of the cache keeps it for this user: `broodbox/images` below
/// `$XDG_CACHE_HOME` if that is an absolute path, else below `~/.cache` (`~/Library/Caches` on
/// macOS). `None` if there is no home directory either.
pub fn default_directory() -> Option<PathBuf> {
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    Some(home_directory(std::env::var_os("XDG_CACHE_HOME"), usual)?.join("broodbox/images"))
}

/// What a variable names, if that is an absolute path; else what is `usual`, below the user's home
/// directory.
pub(super) fn home_directory(variable: Option<OsString>, usual: &str) -> Option<PathBuf> {
    directory_below(variable.map(PathBuf::from), std::env::home_dir(), usual)
}

fn directory_below(named: Option<PathBuf>, home: Option<PathBuf>, usual: &str) -> Option<PathBuf> {
    let home = home.filter(|path| path.is_absolute()).map(|path| path.join(usual));
    named.filter(|path| path.is_absolute()).or(home)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_only_where_it_is_absolute() {
        for (variable, home, expected) in [
            (Some("/x"), Some("/h"), Some("/x")),
            (Some("x"), Some("/h"), Some("/h/.cache")),
            (Some(""), Some("/h"), Some("/h/.cache")),
            (None, Some("/h"), Some("/h/.cache")),
            (None, Some(""), None),
            (None, None, None),
        ] {
            let found = directory_below(variable.map(Into::into), home.map(Into::into), ".cache");
            assert_eq!(found, expected.map(PathBuf::from), "{variable:?} {home:?}");
        }
    }
}

//! Where the cache is, and where in it something lies.

use std::fmt::{self, Display, Formatter};
use std::path::{Path, PathBuf};

use super::EntryName;

/// The folders of a cache that hold entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
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
    directory_below(std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from), std::env::home_dir())
}

fn directory_below(cache_home: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let home = home.filter(|path| path.is_absolute()).map(|path| path.join(usual));
    let cache_home = cache_home.filter(|path| path.is_absolute());
    Some(cache_home.or(home)?.join("broodbox/images"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_home_counts_only_where_it_is_absolute() {
        let usual = if cfg!(target_os = "macos") { "/h/Library/Caches" } else { "/h/.cache" };
        for (cache_home, home, expected) in [
            (Some("/x"), Some("/h"), Some("/x/broodbox/images".to_owned())),
            (Some("x"), Some("/h"), Some(format!("{usual}/broodbox/images"))),
            (Some(""), Some("/h"), Some(format!("{usual}/broodbox/images"))),
            (None, Some("/h"), Some(format!("{usual}/broodbox/images"))),
            (None, Some(""), None),
            (None, None, None),
        ] {
            let found = directory_below(cache_home.map(Into::into), home.map(Into::into));
            assert_eq!(found, expected.map(PathBuf::from), "{cache_home:?} {home:?}");
        }
    }
}

//! The location of the cache, and of entries in it.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Display, Formatter};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::entry_name::EntryName;

/// The folders of a cache that contain entries.
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
    /// The folder's name relative to the cache directory. Empty for the root.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Layers => "layers",
            Self::Refs => "refs",
        }
    }

    /// The folder's path in the cache directory `cache`.
    pub fn path_in(self, cache: &Path) -> PathBuf {
        match self {
            Self::Root => cache.to_path_buf(),
            folder => cache.join(folder.name()),
        }
    }
}

/// An entry's location: a folder of the cache and a name in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The folder that contains it.
    pub folder: Folder,
    /// Its name there.
    pub name: EntryName,
}

impl Location {
    /// The entry's path in the cache directory `cache`.
    pub fn path_in(&self, cache: &Path) -> PathBuf {
        self.folder.path_in(cache).join(self.name.as_os_str())
    }
}

/// The path relative to the cache directory. Safe to print.
impl Display for Location {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.folder {
            Folder::Root => self.name.fmt(f),
            folder => write!(f, "{}/{}", folder.name(), self.name),
        }
    }
}

/// Brood Box's cache directory for this user: `broodbox/images` in `$XDG_CACHE_HOME` if that is an
/// absolute path, or else in `~/.cache` (`~/Library/Caches` on macOS). As in Brood Box, a leading
/// `~` or `$HOME` in the variable stands for the home directory. `None` if there is no home
/// directory either.
pub fn default_directory() -> Option<PathBuf> {
    let usual = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
    let home = std::env::home_dir();
    Some(cache_home(std::env::var_os("XDG_CACHE_HOME"), home, usual)?.join("broodbox/images"))
}

fn cache_home(variable: Option<OsString>, home: Option<PathBuf>, usual: &str) -> Option<PathBuf> {
    let home = home.filter(|path| path.is_absolute());
    let named = variable.map(PathBuf::from).map(|named| expand(&named, home.as_deref()));
    named.filter(|path| path.is_absolute()).or(home.map(|home| home.join(usual)))
}

/// Replaces a leading `~` or `$HOME` with the home directory, whatever follows: to the owner, `~x`
/// is `~/x`.
fn expand(path: &Path, home: Option<&Path>) -> PathBuf {
    let path = path.as_os_str().as_bytes();
    let rest = [&b"~"[..], b"$HOME"].iter().find_map(|first| path.strip_prefix(*first));
    match (rest, home) {
        (Some(rest), Some(home)) => {
            let slashes = rest.iter().take_while(|&&byte| byte == b'/').count();
            home.join(OsStr::from_bytes(&rest[slashes..]))
        }
        _ => OsStr::from_bytes(path).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_counts_only_if_it_is_an_absolute_path() {
        for (variable, home, expected) in [
            (Some("/x"), Some("/h"), Some("/x")),
            (Some("x"), Some("/h"), Some("/h/.cache")),
            (Some(""), Some("/h"), Some("/h/.cache")),
            (Some("~"), Some("/h"), Some("/h/")),
            (Some("~/x"), Some("/h"), Some("/h/x")),
            (Some("$HOME/x"), Some("/h"), Some("/h/x")),
            (Some("~//x"), Some("/h"), Some("/h/x")),
            (Some("~x/y"), Some("/h"), Some("/h/x/y")),
            (Some("$HOMEx"), Some("/h"), Some("/h/x")),
            (Some("$XDG/x"), Some("/h"), Some("/h/.cache")),
            (Some("x/~"), Some("/h"), Some("/h/.cache")),
            (Some("~/x"), None, None),
            (None, Some("/h"), Some("/h/.cache")),
            (None, Some(""), None),
            (None, None, None),
        ] {
            let found = cache_home(variable.map(Into::into), home.map(Into::into), ".cache");
            assert_eq!(found, expected.map(PathBuf::from), "{variable:?} {home:?}");
        }
    }
}

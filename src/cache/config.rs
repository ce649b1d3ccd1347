//! The config of an image: its `.oci-config.json`.
//!
//! The owner of the cache writes it in place after installing the image, so for a moment it may be
//! missing or truncated. Its contents came with the image, so a field of the wrong type counts as
//! missing.

use std::ffi::CStr;
use std::io::{self, Read};

use rustix::io::Errno;
use serde_json::Value;

use super::handle::Cache;
use super::location::Location;
use crate::error::{Context, Error, Result};

/// The config's file name in an image.
pub(crate) const CONFIG_FILE: &CStr = c".oci-config.json";
/// A larger file is not a config.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// How to run an image. Returned by [`Cache::config`]. Nothing in it is safe to print; use
/// [`Escaped`](crate::Escaped).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ImageConfig {
    /// The program and its first arguments.
    pub entrypoint: Vec<String>,
    /// Its other arguments, unless the user passes some.
    pub command: Vec<String>,
    /// Its environment variables, each as `NAME=value`.
    pub environment: Vec<String>,
    /// The directory in which it starts. Empty means the root.
    pub working_directory: String,
    /// The user it runs as. Empty means root.
    pub user: String,
}

impl Cache {
    /// Reads the config of an image. `None` if the image has no config or is gone.
    ///
    /// # Errors
    /// The config cannot be read, is larger than 1 MiB, or is not a regular file or a JSON object.
    ///
    /// ```
    /// # use bbox_cache::cache::Cache;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # let image = home.path().join("sha256-8432e34e7c77");
    /// # std::fs::create_dir(&image)?;
    /// let text = r#"{"Entrypoint": ["/bin/agent"], "Env": ["HOME=/root"]}"#;
    /// std::fs::write(image.join(".oci-config.json"), text)?;
    /// # let cache = Cache::open(home.path())?.unwrap();
    /// for (image, _) in cache.inventory()?.images() {
    ///     let config = cache.config(&image.location)?.ok_or("it has none")?;
    ///     assert_eq!(config.entrypoint, ["/bin/agent"]);
    ///     assert_eq!(config.environment, ["HOME=/root"]);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn config(&self, image: &Location) -> Result<Option<ImageConfig>> {
        let path = || image.path_in(self.path()).join(".oci-config.json");
        let found = self.read_config(image).context("read", path())?;
        match found.as_deref().map(ImageConfig::parse) {
            None => Ok(None),
            Some(Some(config)) => Ok(Some(config)),
            Some(None) => Err(Error::io("read", path(), invalid("it is not a valid config"))),
        }
    }

    fn read_config(&self, image: &Location) -> io::Result<Option<Vec<u8>>> {
        let open = || {
            let folder = self.try_folder(image.folder)?.ok_or(Errno::NOENT)?;
            folder.open_folder(image.name.as_c_str())?.open_file(CONFIG_FILE)
        };
        let file = match open() {
            Ok(file) => file,
            Err(Errno::NOENT) => return Ok(None),
            Err(cause) => return Err(cause.into()),
        };
        let status = file.metadata()?;
        if !status.is_file() {
            return Err(invalid("it is not a regular file"));
        }
        // With enough capacity for all of it, reading takes two calls.
        let mut text = Vec::with_capacity(status.len().min(MAX_CONFIG_BYTES) as usize + 1);
        file.take(MAX_CONFIG_BYTES + 1).read_to_end(&mut text)?;
        if text.len() as u64 > MAX_CONFIG_BYTES {
            Err(invalid("it is larger than 1 MiB"))
        } else {
            Ok(Some(text))
        }
    }
}

fn invalid(cause: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, cause)
}

impl ImageConfig {
    /// `None` for anything but a JSON object.
    fn parse(text: &[u8]) -> Option<Self> {
        let Ok(Value::Object(fields)) = serde_json::from_slice(text) else { return None };
        let word = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let words = |name: &str| {
            let list = fields.get(name).and_then(Value::as_array).into_iter().flatten();
            list.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        Some(Self {
            entrypoint: words("Entrypoint"),
            command: words("Cmd"),
            environment: words("Env"),
            working_directory: word("WorkingDir").unwrap_or_default(),
            user: word("User").unwrap_or_default(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::cache::{EntryName, Folder};
    use crate::test_cache::TestCache;

    fn config(cache: &TestCache) -> Result<Option<ImageConfig>> {
        let name = EntryName::new("sha256-a").unwrap();
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        opened.config(&Location { folder: Folder::Root, name })
    }

    #[test]
    fn a_config_says_how_an_image_is_run() {
        let cache = TestCache::new();
        let file = cache.image("a").join(".oci-config.json");
        for (text, expected) in [
            ("{}", ImageConfig::default()),
            (r#"{"Entrypoint": null, "Env": 1, "User": []}"#, ImageConfig::default()),
            (
                r#"{"Entrypoint":["/bin/a","b"],"Cmd":["c",2],"Env":["A=1"],"WorkingDir":"/w","User":"u"}"#,
                ImageConfig {
                    entrypoint: vec!["/bin/a".into(), "b".into()],
                    command: vec!["c".into()],
                    environment: vec!["A=1".into()],
                    working_directory: "/w".into(),
                    user: "u".into(),
                },
            ),
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(config(&cache).unwrap(), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_invalid_config_is_an_error_and_a_missing_one_is_none() {
        let cache = TestCache::new();
        assert_eq!(config(&cache).unwrap(), None);
        let file = cache.image("a").join(".oci-config.json");
        fs::remove_file(&file).unwrap();
        assert_eq!(config(&cache).unwrap(), None);
        for (text, cause) in [
            (String::new(), "it is not a valid config"),
            ("[]".to_owned(), "it is not a valid config"),
            (" ".repeat(2 << 20), "it is larger than 1 MiB"),
        ] {
            fs::write(&file, text).unwrap();
            let error = config(&cache).unwrap_err().to_string();
            assert!(error.ends_with(&format!("/sha256-a/.oci-config.json: {cause}")), "{error}");
        }
        fs::remove_file(&file).unwrap();
        let elsewhere = cache.home().join("config.json");
        fs::write(&elsewhere, r#"{"Entrypoint":["/bin/agent"]}"#).unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        assert!(config(&cache).is_err());
    }
}

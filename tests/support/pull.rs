//! The actions of the cache's owner on disk: single actions with its modes, and a pull step by
//! step.
//!
//! A pull that finds no image creates `tmp-rootfs-*`, touches or extracts each layer, touches and
//! applies each layer, renames the rootfs to `sha256-*`, touches it in a separate step, writes the
//! ref and, finally, the config. A pull that finds its digest in the cache marks that image as
//! used, fetches the config over the network, which may take any time, and then writes the ref.
//! Files are written in place: they are truncated first, and keep inode and birth.

use std::collections::VecDeque;
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::hash;

/// Longer than a tick of the kernel's coarse clock, which births are taken from.
pub const TICK: Duration = Duration::from_millis(11);

/// Creates a folder of the cache unless it exists.
pub fn make_folder(path: &Path) {
    DirBuilder::new().recursive(true).mode(0o700).create(path).unwrap();
}

/// Begins an extraction: a directory whose name has this prefix, open only to its owner.
pub fn make_temporary(folder: &Path, prefix: &str) -> PathBuf {
    make_folder(folder);
    tempfile::Builder::new().prefix(prefix).tempdir_in(folder).unwrap().keep()
}

/// Renames a finished extraction. Its modification time does not change.
pub fn install(temporary: &Path, path: &Path) -> io::Result<()> {
    fs::set_permissions(temporary, Permissions::from_mode(0o755))?;
    fs::rename(temporary, path)
}

/// Marks something as used now, by the system clock.
pub fn touch(path: &Path) {
    assert!(mark(path), "{} is gone", path.display());
}

/// Marks something that may be gone. Returns whether it was there.
pub fn mark(path: &Path) -> bool {
    let Ok(found) = File::open(path) else { return false };
    found.set_modified(SystemTime::now()).unwrap();
    true
}

/// Truncates or creates a ref or a config, and opens it for writing.
pub fn truncate(file: &Path) -> File {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).open(file).unwrap()
}

/// Writes a ref or a config in place: first it is empty, then it is whole.
pub fn write_in_place(file: &Path, content: &[u8]) {
    truncate(file).write_all(content).unwrap();
}

/// What a pull requests from the registry.
#[derive(Clone)]
pub struct Request {
    pub reference: String,
    /// The digest of its image, without the algorithm.
    pub image: String,
    /// The digests of its layers, without the algorithm.
    pub layers: Vec<String>,
    /// Creates the contents of a layer in a directory.
    pub extract: fn(&str, &Path),
    pub config: String,
}

/// The next step of a pull.
enum Step {
    /// A layer is touched, or extracted if it is missing.
    Have(usize),
    Apply(usize),
    Rename,
    Touch,
    /// May take any time.
    FetchConfig,
    WriteRef,
    WriteConfig,
}

/// A pull in progress. It does not trust the ref, which was removed before the registry was asked.
pub struct Pull {
    pub request: Request,
    cache: PathBuf,
    rootfs: PathBuf,
    steps: VecDeque<Step>,
    /// Whether a layer was extracted in the current tick of the clock.
    has_extracted: bool,
}

impl Pull {
    /// Removes the ref, and begins a rootfs unless the digest is in the cache.
    pub fn begin(cache: &Path, request: Request) -> Self {
        let (cache, steps, rootfs) = (cache.to_owned(), VecDeque::new(), PathBuf::new());
        let mut pull = Self { request, cache, rootfs, steps, has_extracted: false };
        ["", "refs", "layers"].iter().for_each(|folder| make_folder(&pull.cache.join(folder)));
        // There may be none.
        fs::remove_file(pull.ref_file()).unwrap_or_default();
        if pull.image().is_dir() {
            pull.steps.extend([Step::Touch, Step::FetchConfig, Step::WriteRef]);
        } else {
            pull.miss();
        }
        pull
    }

    /// Begins a rootfs.
    fn miss(&mut self) {
        let layers = self.request.layers.len();
        self.rootfs = make_temporary(&self.cache, "tmp-rootfs-");
        self.steps = (0..layers).map(Step::Have).chain((0..layers).map(Step::Apply)).collect();
        self.steps.extend([Step::Rename, Step::Touch, Step::WriteRef, Step::WriteConfig]);
    }

    /// Whether the next step fetches the config of an image found by its digest, which may take any
    /// time.
    pub fn is_fetching(&self) -> bool {
        matches!(self.steps.front(), Some(Step::FetchConfig))
    }

    /// Whether the next step marks its image.
    pub fn is_marking(&self) -> bool {
        matches!(self.steps.front(), Some(Step::Touch))
    }

    /// Takes a step. Returns whether there is another one.
    pub fn advance(&mut self) -> bool {
        match self.steps.pop_front() {
            Some(Step::Have(number)) => self.have(number),
            Some(Step::Apply(number)) => self.apply(number),
            Some(Step::Rename) => self.rename(),
            Some(Step::Touch) if !mark(&self.image()) => self.miss(),
            Some(Step::Touch | Step::FetchConfig) | None => {}
            Some(Step::WriteRef) => {
                let Request { reference, image, .. } = &self.request;
                let line = format!("{reference}\tsha256:{image}\n");
                make_folder(&self.cache.join("refs"));
                write_in_place(&self.ref_file(), line.as_bytes());
            }
            Some(Step::WriteConfig) => {
                let file = self.image().join(".oci-config.json");
                write_in_place(&file, self.request.config.as_bytes());
            }
        }
        !self.steps.is_empty()
    }

    /// Takes all remaining steps. Anything after that happens at least a tick later.
    pub fn finish(mut self) -> PathBuf {
        while self.advance() {}
        std::thread::sleep(TICK);
        self.image()
    }

    pub fn image(&self) -> PathBuf {
        self.cache.join(format!("sha256-{}", self.request.image))
    }

    fn ref_file(&self) -> PathBuf {
        self.cache.join("refs").join(hash(&self.request.reference))
    }

    fn layer(&self, number: usize) -> PathBuf {
        self.cache.join(format!("layers/sha256-{}", self.request.layers[number]))
    }

    fn have(&mut self, number: usize) {
        let path = self.layer(number);
        if mark(&path) {
            return;
        }
        let temporary = make_temporary(&self.cache.join("layers"), "tmp-layer-");
        (self.request.extract)(&self.request.layers[number], &temporary);
        if install(&temporary, &path).is_err() {
            fs::remove_dir_all(&temporary).unwrap();
        }
        self.has_extracted = true;
    }

    /// If a layer is missing or disappears meanwhile, it is extracted again, but not to its own
    /// directory.
    fn apply(&mut self, number: usize) {
        if std::mem::take(&mut self.has_extracted) {
            // No real pull extracts and applies a layer within one tick.
            std::thread::sleep(TICK);
        }
        let layer = self.layer(number);
        if !mark(&layer) || copy(&layer, &self.rootfs).is_err() {
            (self.request.extract)(&self.request.layers[number], &self.rootfs);
        }
    }

    /// If the target exists, another pull was faster, and this copy is removed.
    fn rename(&self) {
        if install(&self.rootfs, &self.image()).is_err() {
            fs::remove_dir_all(&self.rootfs).unwrap();
        }
    }
}

/// Copies the contents of a layer over an existing tree.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            fs::create_dir_all(&target)?;
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            // An existing symlink is from an earlier layer.
            fs::remove_file(&target).unwrap_or_default();
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

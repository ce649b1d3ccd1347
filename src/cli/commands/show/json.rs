//! The JSON document of `show`. Names that are not UTF-8 contain U+FFFD.

use std::path::Path;

use serde::Serialize;

use super::profile::Profile;
use crate::cache::{Digest, ImageConfig};
use crate::cli::args::Show;
use crate::cli::ui::json::{Amount, Bounds, Bytes, Guess, lossy};
use crate::usage::{LargeFile, Part};

#[derive(Serialize)]
pub struct Document<'a> {
    cache_dir: String,
    digest: String,
    path: String,
    status: &'static str,
    /// A guess at what it was; `null` if it is not an orphan, or without a clue.
    guess: Option<Guess>,
    /// `null` if the system does not tell.
    in_use: Option<bool>,
    /// Whether a microVM has run in the image itself; `null` if unknown.
    used_in_place: Option<bool>,
    /// `null` for a ref in the old format, which lacks the reference.
    refs: Vec<Option<&'a str>>,
    last_used: String,
    /// `null` if the file system does not record it.
    born: Option<String>,
    /// `null` if the image has no readable config.
    config: Option<Config<'a>>,
    /// The layers that it likely consists of; `null` if its times prove nothing.
    layers: Option<Vec<String>>,
    /// The size of these layers together; `null` unless requested.
    layers_bytes: Option<Bytes>,
    usage: Amount,
    unique_bytes: Bounds,
    /// The directory that the next fields describe; `null` for the whole image.
    part: Option<Directory>,
    /// In tree order.
    directories: Vec<Directory>,
    /// `null` unless requested.
    files: Option<Vec<File>>,
    warnings: &'a [String],
}

/// The documents of several images and layers.
#[derive(Serialize)]
pub struct Several<'a> {
    pub images: Vec<Document<'a>>,
}

#[derive(Serialize)]
struct Config<'a> {
    entrypoint: &'a [String],
    command: &'a [String],
    environment: &'a [String],
    working_directory: &'a str,
    user: &'a str,
}

#[derive(Serialize)]
struct Directory {
    path: String,
    depth: usize,
    usage: Amount,
}

#[derive(Serialize)]
struct File {
    path: String,
    apparent_bytes: u64,
    on_disk_bytes: u64,
}

impl<'a> Document<'a> {
    pub fn new(profile: &'a Profile<'_>, args: &Show) -> Self {
        let (entry, breakdown) = (profile.row.entry, profile.breakdown());
        let layers = profile.layers.as_ref();
        Self {
            cache_dir: lossy(profile.cache_dir),
            digest: profile.digest.to_text(),
            path: lossy(entry.location.path_in(profile.cache_dir)),
            status: profile.status(),
            guess: profile.identity().map(Guess::from),
            in_use: profile.in_use(),
            used_in_place: profile.is_used_in_place,
            refs: profile.row.refs.iter().map(|found| found.image.as_deref()).collect(),
            last_used: entry.last_used.to_string(),
            born: profile.born.map(|born| born.to_string()),
            config: profile.config.as_ref().map(Config::from),
            layers: layers.map(|layers| layers.iter().copied().map(Digest::to_text).collect()),
            layers_bytes: profile.layer_usages().map(|(_, together)| together.on_disk().into()),
            usage: profile.usage().into(),
            unique_bytes: profile.unique().into(),
            part: profile.is_part().then(|| Directory {
                path: in_image(profile.part_path()),
                depth: 0,
                usage: breakdown.usage().into(),
            }),
            directories: breakdown
                .largest(args.top, args.depth)
                .iter()
                .map(|part| Directory::new(profile.part_path(), part))
                .collect(),
            files: args.files.then(|| {
                let files = breakdown.files().iter();
                files.map(|file| File::new(profile.part_path(), file)).collect()
            }),
            warnings: &profile.notes.warnings,
        }
    }
}

impl<'a> From<&'a ImageConfig> for Config<'a> {
    fn from(config: &'a ImageConfig) -> Self {
        Self {
            entrypoint: &config.entrypoint,
            command: &config.command,
            environment: &config.environment,
            working_directory: &config.working_directory,
            user: &config.user,
        }
    }
}

impl Directory {
    /// A directory below the one at `above`. Its depth counts from there.
    fn new(above: &Path, part: &Part) -> Self {
        let path = in_image(&above.join(&part.path));
        Self { path, depth: part.depth, usage: part.usage.into() }
    }
}

impl File {
    fn new(above: &Path, file: &LargeFile) -> Self {
        Self {
            path: in_image(&above.join(&file.path)),
            apparent_bytes: file.apparent.as_u64(),
            on_disk_bytes: file.on_disk.as_u64(),
        }
    }
}

/// The path inside the image.
fn in_image(path: &Path) -> String {
    lossy(Path::new("/").join(path))
}

//! The JSON document of `diff`. Names that are not UTF-8 contain U+FFFD.

use std::ffi::OsString;
use std::path::Path;

use serde::Serialize;

use super::config::{ConfigChange, changes};
use super::findings::{Findings, Subject};
use crate::cli::args::Diff;
use crate::cli::context::Context;
use crate::cli::ui::json::{Amount, Bounds, lossy};
use crate::usage::{Alteration, Altered, Delta};

#[derive(Serialize)]
pub struct Document<'a> {
    cache_dir: String,
    old: Image<'a>,
    new: Image<'a>,
    #[serde(flatten)]
    whole: Change,
    /// Whether everything was readable.
    complete: bool,
    moved: Moved,
    equal_size: EqualSize,
    /// The size of the new image, and how much space removing just it would free.
    new_usage: Amount,
    new_unique_bytes: Bounds,
    /// `null` unless both images have a readable config.
    config: Option<Vec<Config>>,
    /// Largest changes first; `null` if files were requested.
    directories: Option<Vec<Row>>,
    /// Largest changes first; `null` unless requested.
    files: Option<Vec<Row>>,
    altered_count: usize,
    altered: Vec<Other>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct Image<'a> {
    digest: String,
    /// `null` for a ref in the old format, which lacks the reference.
    refs: Vec<Option<&'a str>>,
}

/// Bytes on disk. `net_bytes` and `grew_bytes` may be negative.
#[derive(Serialize)]
struct Change {
    net_bytes: i64,
    came_bytes: u64,
    went_bytes: u64,
    grew_bytes: i64,
}

#[derive(Serialize)]
struct Moved {
    files: u64,
    bytes: u64,
}

/// Files of equal size in both images.
#[derive(Serialize)]
struct EqualSize {
    /// Known to be equal without reading them.
    proven: u64,
    /// Not known to be equal or different.
    unproven: u64,
    /// The results of reading the latter; `null` unless requested.
    read: Option<Read>,
}

#[derive(Serialize)]
struct Read {
    equal: u64,
    unreadable: usize,
    different: Vec<String>,
}

#[derive(Serialize)]
struct Config {
    /// `entrypoint`, `command`, `working dir`, `user` or `environment`.
    what: String,
    /// The name of a variable.
    name: Option<String>,
    change: &'static str,
    /// `null` if unset. Also `null` for variables, unless `--verbose`.
    old: Option<String>,
    new: Option<String>,
}

#[derive(Serialize)]
struct Row {
    path: String,
    /// Its name in the old image, if different.
    old_name: Option<String>,
    #[serde(flatten)]
    change: Change,
}

#[derive(Serialize)]
struct Other {
    path: String,
    /// `kind`, `mode` or `target`.
    what: &'static str,
    old: Option<String>,
    new: Option<String>,
}

impl<'a> Document<'a> {
    pub fn new(context: &Context<'_>, args: &Diff, found: &'a Findings<'_>) -> Self {
        let comparison = &found.comparison;
        let least = args.min_size.map_or(0, |size| size.as_u64());
        let [old, new] = found.images.each_ref().map(Image::new);
        let (files, bytes) = comparison.moved();
        let config = match &found.configs {
            [Some(old), Some(new)] => Some(changes([old, new])),
            _ => None,
        };
        let verbose = context.console.verbose;
        let config = config.map(|changes| {
            changes.into_iter().map(|change| Config::new(change, verbose)).collect()
        });
        let directories = (!args.files).then(|| {
            let directories = comparison.directories(args.top, args.depth, least);
            let row = |found: &_| {
                let crate::usage::ChangedDirectory { path, old_name, delta, .. } = found;
                Row::new(path, old_name.as_ref(), *delta)
            };
            directories.iter().map(row).collect()
        });
        let files_changed = args.files.then(|| {
            let files = comparison.files(args.top, least);
            let row = |found: &_| {
                let crate::usage::ChangedFile { path, old_name, delta, .. } = found;
                Row::new(path, old_name.as_ref(), *delta)
            };
            files.iter().map(row).collect()
        });
        Self {
            cache_dir: lossy(&context.cache_dir),
            old,
            new,
            whole: comparison.whole().into(),
            complete: !found.notes.is_incomplete,
            moved: Moved { files, bytes },
            equal_size: EqualSize {
                proven: comparison.proven(),
                unproven: comparison.unproven(),
                read: found.contents.as_ref().map(|contents| Read {
                    equal: contents.equal,
                    unreadable: contents.problems.len(),
                    different: contents.different.iter().map(|path| in_image(path)).collect(),
                }),
            },
            new_usage: found.usage.into(),
            new_unique_bytes: found.unique.into(),
            config,
            directories,
            files: files_changed,
            altered_count: comparison.altered_count(),
            altered: comparison.altered(args.top).iter().map(Other::from).collect(),
            warnings: &found.notes.warnings,
        }
    }
}

impl<'a> Image<'a> {
    fn new(image: &Subject<'a>) -> Self {
        let refs = image.refs.iter().map(|found| found.image.as_deref());
        Self { digest: image.digest.to_text(), refs: refs.collect() }
    }
}

impl Config {
    fn new(change: ConfigChange, verbose: bool) -> Self {
        let ConfigChange { what, is_variable, old, new } = change;
        let change = match (&old, &new) {
            (None, _) => "added",
            (_, None) => "removed",
            _ => "changed",
        };
        let is_hidden = is_variable && !verbose;
        let [old, new] = [old, new].map(|value| value.filter(|_| !is_hidden));
        let (what, name) = match is_variable {
            true => ("environment".to_owned(), Some(what)),
            false => (what, None),
        };
        Self { what, name, change, old, new }
    }
}

impl Row {
    fn new(path: &Path, old_name: Option<&OsString>, delta: Delta) -> Self {
        Self { path: in_image(path), old_name: old_name.map(lossy), change: delta.into() }
    }
}

impl From<Delta> for Change {
    fn from(delta: Delta) -> Self {
        Self {
            net_bytes: delta.net(),
            came_bytes: delta.came,
            went_bytes: delta.went,
            grew_bytes: delta.grew,
        }
    }
}

impl From<&Altered> for Other {
    fn from(altered: &Altered) -> Self {
        let (what, old, new) = match &altered.alteration {
            Alteration::Kind(old, new) => {
                ("kind", Some((*old).to_owned()), Some((*new).to_owned()))
            }
            Alteration::Mode(old, new) => {
                ("mode", Some(format!("{old:04o}")), Some(format!("{new:04o}")))
            }
            Alteration::Target(old, new) => {
                ("target", old.as_ref().map(lossy), new.as_ref().map(lossy))
            }
        };
        Self { path: in_image(&altered.path), what, old, new }
    }
}

/// The path inside the image.
fn in_image(path: &Path) -> String {
    lossy(Path::new("/").join(path))
}

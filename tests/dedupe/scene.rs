//! A cache on a real file system, and everything in it that must not change.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Run, TestCache, run};
use crate::volume::{SYSTEMS, Volume, run as run_tool};

/// Runs a test on each kind of file system that lets files share data.
pub fn on_each(test: impl Fn(&Volume)) {
    for system in SYSTEMS {
        match Volume::mount(system) {
            Ok(volume) => test(&volume),
            Err(reason) => tell(&format!("skipped: {reason}\n")),
        }
    }
}

pub fn tell(text: &str) {
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

/// Runs `dedupe`, and returns its JSON document.
pub fn run_for_document(cache: &TestCache, arguments: &[&str]) -> Value {
    let run = run_dedupe(cache, arguments);
    assert_eq!(run.code, 0, "{}{}", run.err, run.out);
    run.json()
}

/// Runs `dedupe` without the configs of test images, which are equal.
pub fn run_dedupe(cache: &TestCache, arguments: &[&str]) -> Run {
    let but_configs = if arguments.contains(&"--min-size") { &[][..] } else { &BUT_CONFIGS };
    run(cache, &[&["dedupe", "--format", "json"], but_configs, arguments].concat())
}

pub const BUT_CONFIGS: [&str; 2] = ["--min-size", "16B"];

/// The number of files left out for a reason.
pub fn left_out(document: &Value, reason: &str) -> u64 {
    let left_out = document["left_out"].as_array().unwrap().iter();
    left_out
        .filter(|left| left["reason"] == reason)
        .map(|left| left["count"].as_u64().unwrap())
        .sum()
}

/// The result of `stat` for a path, except for the blocks: a file takes fewer if its data gets
/// holes.
type Fields = (u64, u64, u32, u64, (u32, u32), u64, [(i64, i64); 3]);

/// Everything that must not change.
#[derive(PartialEq, Eq)]
pub struct Everything {
    fields: BTreeMap<PathBuf, (Fields, Vec<String>)>,
    contents: BTreeMap<PathBuf, Vec<u8>>,
    verdicts: Value,
}

impl Everything {
    /// Reads the contents first, since that may change access times.
    pub fn before(cache: &TestCache) -> Self {
        let (contents, verdicts) = (contents(&cache.dir()), verdicts(cache));
        Self { fields: fields(&cache.dir()), contents, verdicts }
    }

    /// Reads the contents last.
    pub fn after(cache: &TestCache) -> Self {
        let fields = fields(&cache.dir());
        Self { fields, contents: contents(&cache.dir()), verdicts: verdicts(cache) }
    }

    /// Panics at the first difference.
    pub fn check(&self, cache: &TestCache, when: &str) {
        let after = Self::after(cache);
        for (path, found) in &self.fields {
            assert_eq!(Some(found), after.fields.get(path), "{when}: {}", path.display());
        }
        for (path, content) in &self.contents {
            assert!(Some(content) == after.contents.get(path), "{when}: {}", path.display());
        }
        assert_eq!(self.verdicts, after.verdicts, "{when}");
        assert!(*self == after, "{when}: something was added");
    }
}

fn paths(top: &Path) -> Vec<PathBuf> {
    let (mut found, mut todo) = (Vec::new(), vec![top.to_owned()]);
    while let Some(path) = todo.pop() {
        if path.symlink_metadata().unwrap().is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push(path);
    }
    found
}

fn fields(top: &Path) -> BTreeMap<PathBuf, (Fields, Vec<String>)> {
    let of = |path: PathBuf| {
        let found = path.symlink_metadata().unwrap();
        let times = [
            (found.atime(), found.atime_nsec()),
            (found.mtime(), found.mtime_nsec()),
            (found.ctime(), found.ctime_nsec()),
        ];
        let owner = (found.uid(), found.gid());
        let fields =
            (found.dev(), found.ino(), found.mode(), found.nlink(), owner, found.size(), times);
        let born = format!("{:?}", found.created().ok());
        (path.clone(), (fields, vec![born, attributes(&path)]))
    };
    paths(top).into_iter().map(of).collect()
}

/// Extended attributes, including access control lists.
fn attributes(path: &Path) -> String {
    let mut names = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut names[..]).unwrap_or(0);
    let names = names[..length].split(|&byte| byte == 0).filter(|name| !name.is_empty());
    let value = |name: &[u8]| {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, name, &mut value[..]).unwrap_or(0);
        format!("{}={:?}", String::from_utf8_lossy(name), &value[..length])
    };
    names.map(value).collect::<Vec<_>>().join(",")
}

/// The contents of files and the targets of symlinks.
fn contents(top: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: &PathBuf| {
        let kind = path.symlink_metadata().unwrap().file_type();
        let target = || fs::read_link(path).unwrap().into_os_string().into_vec();
        if kind.is_symlink() {
            Some(target())
        } else {
            kind.is_file().then(|| fs::read(path).unwrap())
        }
    };
    paths(top).into_iter().filter_map(|path| Some((path.clone(), read(&path)?))).collect()
}

/// The verdict on each item, and the status of each layer.
fn verdicts(cache: &TestCache) -> Value {
    let gc = run(cache, &["gc", "-n", "--layers", "--format", "json"]).json();
    let decisions = gc["decisions"].as_array().unwrap().iter();
    decisions
        .map(|found| {
            serde_json::json!([found["name"], found["kind"], found["action"], found["reason"]])
        })
        .collect()
}

/// Runs a system tool, and returns its output.
pub fn tool(program: &str, arguments: &[&str], path: &Path) -> String {
    run_tool(Command::new(program).args(arguments).arg(path)).unwrap()
}

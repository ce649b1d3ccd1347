//! Trees that are deeper and wider than the limit of open files, down to a limit of 32.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use assert_cmd::Command;
use bytesize::ByteSize;

use crate::people::{User, limited};
use crate::support::cache::{age, comb};
use crate::support::{Run, TestCache, bbox, du, finish};

/// Some systems start with 256.
const FEW: u32 = 32;
/// The usual limit, and a low one.
const LIMITS: [Option<u32>; 2] = [None, Some(FEW)];

/// Runs the program with at most this many open files, or with the usual limit.
fn run(cache: &TestCache, limit: Option<u32>, arguments: &[&str]) -> Run {
    let program = bbox(cache, arguments);
    let Some(limit) = limit else { return finish(program) };
    let mut command = limited(program.get_program(), limit);
    command.args(program.get_args());
    finish(Command::from_std(command))
}

/// Checks that the cache is as big as `du` says, and that everything is removed without complaint.
fn is_counted_and_removed(cache: &TestCache, directories: u32, limit: Option<u32>) {
    let (bytes, image) = (du(&cache.dir()), du(&cache.path("sha256-dead")));
    let list = run(cache, limit, &["list", "--sizes", "--format", "json"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""), "{limit:?}");
    let list = list.json();
    assert_eq!(list["totals"]["usage"]["on_disk_bytes"], bytes, "{limit:?}");
    assert_eq!(list["images"][0]["usage"]["directories"], directories, "{limit:?}");
    let size = ByteSize::b(image).display().iec();
    let text = run(cache, limit, &["gc"]).ok();
    // If others write to the same disk meanwhile, the file system's own figure may follow.
    assert!(text.contains(&format!("Removed 1 image, freed {size}")), "{limit:?}: {text}");
    assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 1, "{limit:?}");
}

#[test]
fn a_deep_and_wide_tree_is_counted_and_removed() {
    let cache = TestCache::new();
    cache.image_with("dead", |top| {
        for first in 0..12 {
            for second in 0..12 {
                let path = top.join(format!("{first}/{second}/{}", "deep/".repeat(10)));
                fs::create_dir_all(&path).unwrap();
                fs::write(path.join("file"), vec![1; 5000]).unwrap();
            }
        }
        fs::hard_link(top.join("0/0/deep").join("deep/".repeat(9)).join("file"), top.join("l"))
            .unwrap();
    });
    is_counted_and_removed(&cache, 1 + 12 + 12 * 12 * 11, Some(FEW));
}

#[test]
fn a_chain_of_20_000_levels_is_counted_and_removed() {
    for limit in LIMITS {
        let cache = TestCache::in_memory();
        cache.image_with("dead", |top| comb(top, &["d"], 20_000));
        is_counted_and_removed(&cache, 20_001, limit);
    }
}

#[test]
fn a_comb_of_1_500_levels_is_counted_and_removed() {
    for limit in LIMITS {
        let cache = TestCache::in_memory();
        cache.image_with("dead", |top| comb(top, &["a", "d", "z"], 1_500));
        is_counted_and_removed(&cache, 4_501, limit);
    }
}

#[test]
fn directories_that_are_closed_to_their_owner_are_no_dead_end() {
    let cache = TestCache::new();
    let top = cache.image_with("dead", |top| {
        let (mut path, mut closed) = (top.to_owned(), Vec::new());
        for level in 0..130 {
            path.push("d");
            fs::create_dir_all(path.join("a/b/c")).unwrap();
            fs::create_dir(path.join("z")).unwrap();
            if level > 100 {
                let modes = [("", 0o500), ("z", 0o500), ("a", 0o444), ("a/b", 0o000)];
                closed.extend(modes.map(|(name, mode)| (path.join(name), mode)));
            }
        }
        for (path, mode) in closed.iter().rev() {
            fs::set_permissions(path, fs::Permissions::from_mode(*mode)).unwrap();
        }
    });
    age(&top, Duration::from_secs(3600));
    let user = User::with_open_files(&cache, FEW);
    let list = user.run(&["list", "--sizes", "--format", "json"]).json();
    // At each of the 29 closed levels, `a/b` can be neither inspected nor opened, the others can.
    let usage = &list["images"][0]["usage"];
    assert_eq!(usage["directories"], 1 + 101 * 5 + 29 * 3);
    assert_eq!(usage["complete"], false);
    let gc = user.run(&["gc"]);
    assert_eq!((gc.code, gc.err.as_str()), (0, ""));
    assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 1);
}

//! The ref index, read from real files.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::entry_name::EntryName;
use super::handle::Cache;
use super::location::Folder;
use super::ref_file::{Look, RefProblem, look};
use super::refs::{RefIndex, UnreadableRef};
use crate::error::Error;
use crate::test_cache::{TestCache, age};

fn open(cache: &TestCache) -> Cache {
    Cache::open(cache.dir()).unwrap().unwrap()
}

fn name(text: &str) -> EntryName {
    EntryName::new(text).unwrap()
}

/// Dates a file an hour ahead, so that it counts as young however slow a test is.
fn rejuvenate(path: &Path) {
    let file = fs::File::open(path).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(3600)).unwrap();
}

#[test]
fn each_file_is_a_ref_or_its_problem_is_reported() {
    const LIMIT: usize = 64 << 10;
    let cache = TestCache::new();
    let padded = |length| format!("b\tsha256:b{}", " ".repeat(length - 10));
    for (file, content) in [
        ("1", "sha256:old\n"),
        ("2", "b:2\tsha256:b\n"),
        ("3", "a:1\tsha256:a\n"),
        ("4", &padded(LIMIT)),
        ("empty", ""),
        ("huge", &padded(LIMIT + 1)),
        ("no-digest", "a:1\n\n../a"),
    ] {
        cache.raw_ref(file, content);
    }
    fs::create_dir(cache.path("refs/directory")).unwrap();
    symlink("1", cache.path("refs/symlink")).unwrap();
    let _socket = UnixListener::bind(cache.path("refs/socket")).unwrap();

    let mut index = open(&cache).refs();
    let found = index.refs.iter().map(|found| (found.image.as_deref(), found.file.to_string()));
    let refs = [(Some("a:1"), "3"), (Some("b"), "4"), (Some("b:2"), "2"), (None, "1")];
    assert!(found.eq(refs.map(|(image, file)| (image, file.to_owned()))), "{:?}", index.refs);
    let problems = [
        ("directory", RefProblem::Directory),
        ("empty", RefProblem::Empty),
        ("no-digest", RefProblem::NoDigest),
        ("socket", RefProblem::Special),
    ];
    let invalid = index.invalid.iter().map(|found| (found.file.to_string(), found.problem));
    assert!(invalid.eq(problems.map(|(file, problem)| (file.to_owned(), problem))));
    let files = index.invalid.iter().filter(|found| found.modified.is_some()).count();
    assert_eq!(files, 2, "an empty one and one without a digest");
    let mut unreadable: Vec<_> =
        index.unreadable.drain(..).map(|found| found.error.to_string()).collect();
    unreadable.sort();
    assert!(unreadable[0].ends_with("refs/huge: it is larger than 64 KiB"), "{unreadable:?}");
    assert!(unreadable[1].ends_with("refs/symlink: it is a symlink (never followed)"));
    let warning = index.invalid[1].warning(Path::new("/c"));
    assert_eq!(
        warning,
        "/c/refs/empty does not protect any image: it is empty; pull the image again or remove the file"
    );

    let error = Error::Interrupted;
    index.unreadable.push(UnreadableRef { file: Some(name("unreadable")), error });
    let files = ["3", "4", "2", "1"].into_iter().chain(problems.map(|(file, _)| file));
    assert!(index.files().eq(files.chain(["unreadable"]).map(name).collect::<Vec<_>>().iter()));
    assert_eq!((index.len(), index.is_empty()), (9, false));
    assert_eq!((RefIndex::default().len(), RefIndex::default().is_empty()), (0, true));
}

#[test]
fn a_young_file_is_trusted_only_if_it_is_a_whole_ref() {
    let cache = TestCache::new();
    let (old, young) = (Duration::from_secs(2), Duration::ZERO);
    for (content, by, is_settled, is_ref) in [
        ("a\tsha256:a\n", young, true, true),
        ("a\tsha256:a", young, false, true),
        ("a\tsha256:a", old, true, true),
        ("", young, false, false),
        ("", old, true, false),
        ("a/b\n", young, false, false),
        ("a/b\n", old, true, false),
    ] {
        let file = cache.raw_ref("r", content);
        if by == young {
            rejuvenate(&file)
        } else {
            age(&file, by)
        }
        let refs = open(&cache).folder(Folder::Refs).unwrap().unwrap();
        let (found, was_settled) = match look(&refs, &name("r")).unwrap() {
            Look::Found(found) => (found, true),
            Look::Unsettled(found) => (found, false),
            Look::Gone => panic!("{content:?} is gone"),
        };
        assert_eq!((was_settled, found.is_ok()), (is_settled, is_ref), "{content:?} {by:?}");
    }
}

#[test]
fn a_ref_that_is_being_written_is_waited_for_as_long_as_patience_lasts() {
    let cache = TestCache::new();
    let file = cache.raw_ref("r", "example.com/a");
    rejuvenate(&file);
    // Without patience, its contents so far count.
    let index = open(&cache).refs_now();
    assert_eq!((index.refs.len(), index.invalid.len()), (0, 1));
    let index = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(50));
            fs::write(&file, "example.com/a\tsha256:a\n").unwrap();
        });
        open(&cache).refs_with(Duration::from_secs(600))
    });
    assert_eq!((index.refs.len(), index.invalid.len()), (1, 0));
}

#[test]
fn an_unreadable_ref_may_point_to_any_image() {
    let cache = TestCache::new();
    cache.raw_ref("r", "a\tsha256:a\n");
    let refs = open(&cache).folder(Folder::Refs).unwrap().unwrap();
    let too_long = name(&"x".repeat(300));
    assert!(look(&refs, &too_long).is_err());
    assert!(matches!(look(&refs, &name("gone")).unwrap(), Look::Gone));
    let mut index = open(&cache).refs();
    for (file, is_folder) in [(Some(name("r")), false), (None, true)] {
        let error = Error::Interrupted;
        index.unreadable.insert(0, UnreadableRef { file, error });
        let count = index.unreadable.len();
        let unreadable = std::mem::take(&mut index.unreadable);
        let Err(error) = (RefIndex { unreadable, ..RefIndex::default() }).into_readable() else {
            panic!("{count} refs could not be read");
        };
        assert!(matches!(error, Error::UnreadableRefs { count: n, is_folder: f, .. }
            if (n, f) == (count, is_folder)));
    }
    assert_eq!(index.into_readable().unwrap().refs.len(), 1);

    fs::remove_dir_all(cache.path("refs")).unwrap();
    fs::write(cache.path("refs"), "").unwrap();
    let index = open(&cache).refs();
    assert!(matches!(&index.unreadable[..], [UnreadableRef { file: None, .. }]));
}

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::StopFlag;
use crate::cache::{Cache, Location};
use crate::jobs::Jobs;
use crate::test_cache::{TestCache, grow};
use crate::usage::{Measurement, Meter, Walker};

fn measure(cache: &TestCache, walker: Walker) -> (Cache, [Location; 2], Measurement) {
    let opened = Cache::open(cache.dir()).unwrap().unwrap();
    let mut at: Vec<_> =
        opened.inventory().unwrap().entries.into_iter().map(|entry| entry.location).collect();
    at.sort();
    let meter = Meter::new(Jobs::default()).with_walker(walker).with_extents().with_names();
    let measured = meter.measure(&opened, &at, &StopFlag::new(), &mut |_| {}).unwrap();
    (opened, at.try_into().unwrap(), measured)
}

/// Compares two images. The first is the old one.
fn compared<T>(
    old: impl FnOnce(&Path),
    new: impl FnOnce(&Path),
    look: impl Fn(&Comparison<'_>, &Cache, [&Location; 2]) -> T,
) -> T {
    let cache = TestCache::in_memory();
    cache.image_with("a", old);
    cache.image_with("b", new);
    let (opened, [a, b], measured) = measure(&cache, Walker::Native);
    let breakdown = |at| measured.breakdown(at).unwrap();
    look(&Comparison::new(breakdown(&a), breakdown(&b)), &opened, [&a, &b])
}

fn write(top: &Path, files: &[(&str, usize)]) {
    for (path, kib) in files {
        fs::create_dir_all(top.join(path).parent().unwrap()).unwrap();
        fs::write(top.join(path), vec![1; kib << 10]).unwrap();
    }
}

/// The paths of files with the KiB that were added, removed and grown.
fn files(comparison: &Comparison<'_>) -> Vec<(String, u64, u64, i64)> {
    let files = comparison.files(99, 0).into_iter().map(|file| {
        let Delta { came, went, grew, .. } = file.delta;
        (file.path.to_str().unwrap().to_owned(), came >> 10, went >> 10, grew >> 10)
    });
    files.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_changes_add_up_to_the_difference_in_size(
        old in vec((any::<usize>(), any::<u8>()), 0..60),
        new in vec((any::<usize>(), any::<u8>()), 0..60),
    ) {
        let cache = TestCache::new();
        cache.image_with("a", |top| grow(top, &cache.outside(), &old));
        cache.image_with("b", |top| grow(top, &cache.outside(), &new));
        let mut found = Vec::new();
        for walker in [Walker::Native, Walker::Portable] {
            let (_, [a, b], measured) = measure(&cache, walker);
            let breakdown = |at| measured.breakdown(at).unwrap();
            let on_disk = |at| measured.usage(at).unwrap().on_disk().at_least().as_u64() as i64;
            let comparison = Comparison::new(breakdown(&a), breakdown(&b));
            prop_assert_eq!(comparison.whole().net(), on_disk(&b) - on_disk(&a));
            let back = Comparison::new(breakdown(&b), breakdown(&a));
            prop_assert_eq!(back.whole().net(), -comparison.whole().net());
            let same = Comparison::new(breakdown(&a), breakdown(&a));
            prop_assert_eq!(same.whole(), Delta::default());
            prop_assert_eq!((same.unproven(), same.altered_count()), (0, 0));
            found.push((comparison.directories(99, 99, 0), comparison.altered(99), comparison.unproven()));
        }
        prop_assert_eq!(&found[0], &found[1]);
    }
}

#[test]
fn added_removed_and_grown_files_are_reported_once() {
    let old = [
        ("opt/gone", 40),
        ("usr/lib/python3.11/site.py", 8),
        ("usr/lib/b.so.1", 4),
        ("usr/lib/b.so.2", 4),
        ("same", 4),
    ];
    let new =
        [("opt/new", 60), ("usr/lib/python3.12/site.py", 16), ("usr/lib/b.so.3", 12), ("same", 4)];
    compared(
        |top| write(top, &old),
        |top| write(top, &new),
        |comparison, _, _| {
            let expected = [
                ("opt/new", 60, 0, 0),
                ("opt/gone", 0, 40, 0),
                ("usr/lib/b.so.3", 12, 0, 0),
                ("usr/lib/python3.12/site.py", 0, 0, 8),
                ("usr/lib/b.so.1", 0, 4, 0),
                ("usr/lib/b.so.2", 0, 4, 0),
            ];
            let expected =
                expected.map(|(path, came, went, grew)| (path.to_owned(), came, went, grew));
            assert_eq!(files(comparison), expected);
            let directories = comparison.directories(9, 9, 1);
            let paths: Vec<_> =
                directories.iter().map(|found| found.path.to_str().unwrap()).collect();
            assert_eq!(paths, ["opt", "usr/lib", "usr/lib/python3.12"]);
            assert_eq!(directories[2].old_name.as_deref(), Some("python3.11".as_ref()));
            assert_eq!(comparison.directories(9, 9, 20 << 10).len(), 2);
            assert_eq!(comparison.directories(9, 1, 1).len(), 2);
            assert_eq!(comparison.directories(1, 9, 1).len(), 1);
        },
    );
}

#[test]
fn a_moved_file_is_neither_added_nor_removed() {
    let old = [("bin/tool", 64), ("bin/other", 12), ("share/x", 4)];
    let new = [("usr/bin/tool", 64), ("usr/bin/other", 16), ("opt/x", 4), ("lib/x", 4)];
    compared(
        |top| write(top, &old),
        |top| write(top, &new),
        |comparison, _, _| {
            assert_eq!(comparison.moved(), (2, 68 << 10));
            let mut found = files(comparison);
            found.sort();
            let [one, other, last] = &found[..] else { panic!("{found:?}") };
            assert_eq!((&one.0[..], one.2), ("bin/other", 12));
            assert!(["opt/x", "lib/x"].contains(&&other.0[..]), "{other:?}");
            assert_eq!((&last.0[..], last.1), ("usr/bin/other", 16));
        },
    );
}

#[test]
fn changes_of_type_mode_and_target_are_reported() {
    let make = |top: &Path, mode: u32, target: &str, is_directory: bool| {
        write(top, &[("su", 4)]);
        fs::set_permissions(top.join("su"), fs::Permissions::from_mode(mode)).unwrap();
        symlink(target, top.join("sh")).unwrap();
        match is_directory {
            true => fs::create_dir(top.join("etc")).unwrap(),
            false => symlink("/nowhere", top.join("etc")).unwrap(),
        }
    };
    compared(
        |top| make(top, 0o755, "bash", false),
        |top| make(top, 0o4755, "dash", true),
        |comparison, _, _| {
            let altered = comparison.altered(9);
            let found: Vec<_> = altered
                .iter()
                .map(|found| (found.path.to_str().unwrap(), &found.alteration))
                .collect();
            assert_eq!(
                found,
                [
                    ("etc", &Alteration::Kind("symlink", "directory")),
                    ("sh", &Alteration::Target(Some("bash".into()), Some("dash".into()))),
                    ("su", &Alteration::Mode(0o755, 0o4755)),
                ]
            );
        },
    );
}

/// Also checks that no symlink is followed, not even one that has replaced a directory.
#[test]
fn files_of_equal_size_are_unproven_until_read() {
    let content = |last: u8| [vec![7; 300_000], vec![last]].concat();
    let make = |top: &Path, last: u8| {
        fs::create_dir(top.join("d")).unwrap();
        for (file, last) in [("same", 0), ("d/different", last)] {
            fs::write(top.join(file), content(last)).unwrap();
        }
        fs::write(top.join("empty"), "").unwrap();
    };
    compared(
        |top| make(top, 1),
        |top| make(top, 2),
        |comparison, cache, at| {
            // The configs have equal sizes, too. The empty file counts nowhere.
            assert_eq!((comparison.proven(), comparison.unproven()), (0, 3));
            let read =
                |stop: &StopFlag| compare_contents(cache, at, comparison, Jobs::default(), stop);
            let found = read(&StopFlag::new()).unwrap();
            assert_eq!((found.equal, found.problems.len()), (2, 0));
            assert_eq!(found.different, [Path::new("d/different")]);
            let stop = StopFlag::new();
            stop.raise();
            assert!(matches!(read(&stop), Err(crate::Error::Interrupted)));
            let top = at[1].path_in(cache.path());
            fs::rename(top.join("d"), top.join("e")).unwrap();
            symlink("e", top.join("d")).unwrap();
            let found = read(&StopFlag::new()).unwrap();
            assert_eq!((found.equal, found.different.len(), found.problems.len()), (2, 0, 1));
        },
    );
}

#[test]
fn an_inode_in_both_is_proven_equal() {
    let cache = TestCache::in_memory();
    let old = cache.image_with("a", |top| write(top, &[("one", 8)]));
    cache.image_with("b", |top| fs::hard_link(old.join("one"), top.join("one")).unwrap());
    let (_, [a, b], measured) = measure(&cache, Walker::Native);
    let comparison =
        Comparison::new(measured.breakdown(&a).unwrap(), measured.breakdown(&b).unwrap());
    // Except for the configs.
    assert_eq!((comparison.proven(), comparison.unproven()), (1, 1));
}

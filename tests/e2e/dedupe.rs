//! `dedupe` if files cannot share data; `tests/dedupe` covers file systems where they can.

use std::fs;

use crate::support::{TestCache, run};

#[test]
fn without_shared_data_there_is_one_sentence_and_no_error() {
    let cache = TestCache::in_memory();
    cache.live("a");
    cache.live("b");
    for arguments in [&["dedupe"][..], &["dedupe", "-n"], &["dedupe", "example.com/a:latest"]] {
        let out = run(&cache, arguments).ok();
        let expected = format!(
            "Nothing to share: the file system of {} cannot share data between files (btrfs and XFS can)\n",
            cache.dir().display()
        );
        assert_eq!(out, expected, "{arguments:?}");
    }
    let document = run(&cache, &["dedupe", "--format", "json"]).json();
    assert_eq!((&document["possible"], &document["files"]), (&false.into(), &0.into()));
    assert_eq!(run(&cache, &["dedupe", "-q"]).ok(), "");
}

#[test]
fn a_missing_directory_is_reported() {
    let cache = TestCache::new();
    fs::remove_dir(cache.dir()).unwrap();
    for arguments in [&["dedupe"][..], &["dedupe", "-n"], &["dedupe", "example.com/a:latest"]] {
        let run = run(&cache, arguments);
        let expected = format!("error: {} does not exist", cache.dir().display());
        assert!(run.code == 1 && run.err.contains(&expected), "{}", run.err);
    }
}

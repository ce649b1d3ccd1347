//! `dedupe` where files cannot share data; `tests/dedupe` has the file systems where they can.

use std::fs;

use crate::support::{TestCache, run};

#[test]
fn where_files_cannot_share_data_there_is_one_sentence_and_no_error() {
    let cache = TestCache::in_memory();
    cache.live("a");
    cache.live("b");
    for arguments in [&["dedupe"][..], &["dedupe", "-n"], &["dedupe", "example.com/a:latest"]] {
        let out = run(&cache, arguments).ok();
        let expected = format!(
            "Nothing to share: files cannot share data on the file system of {} (on btrfs and XFS they can)\n",
            cache.dir().display()
        );
        assert_eq!(out, expected, "{arguments:?}");
    }
    let document = run(&cache, &["dedupe", "--format", "json"]).json();
    assert_eq!((&document["possible"], &document["files"]), (&false.into(), &0.into()));
    assert_eq!(run(&cache, &["dedupe", "-q"]).ok(), "");
}

#[test]
fn without_a_cache_there_is_nothing_to_share() {
    let cache = TestCache::new();
    fs::remove_dir(cache.dir()).unwrap();
    let out = run(&cache, &["dedupe"]).ok();
    assert_eq!(out, format!("Nothing to share: there is no directory {}\n", cache.dir().display()));
    assert_eq!(run(&cache, &["dedupe", "example.com/a:latest"]).code, 1);
}

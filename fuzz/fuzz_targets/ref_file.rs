//! Any bytes as a ref file: it names what an independent reading says it names, nothing that it
//! names leads out of the cache, and nothing that is shown of it can act on a terminal.
#![no_main]

use std::cell::RefCell;
use std::fs::{self, File};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use bbox_cache::Escaped;
use bbox_cache::cache::Cache;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

struct Scene {
    _home: TempDir,
    file: PathBuf,
    cache: Cache,
}

thread_local! {
    static SCENE: RefCell<Scene> = RefCell::new(scene());
}

fn scene() -> Scene {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("refs")).unwrap();
    let cache = Cache::open(home.path()).unwrap().unwrap();
    Scene { file: home.path().join("refs/r"), _home: home, cache }
}

/// The characters of `content`, each with its length; bytes that are not UTF-8 stand for themselves.
fn characters(content: &[u8]) -> Vec<(Option<char>, usize)> {
    let chunk_characters = |chunk: std::str::Utf8Chunk<'_>| {
        let valid = chunk.valid().chars().map(|char| (Some(char), char.len_utf8()));
        let invalid = chunk.invalid().iter().map(|_| (None, 1));
        valid.chain(invalid).collect::<Vec<_>>()
    };
    content.utf8_chunks().flat_map(chunk_characters).collect()
}

/// `content` without the white space at its ends.
fn trimmed(content: &[u8]) -> &[u8] {
    let characters = characters(content);
    let is_space = |(char, _): &&(Option<char>, usize)| char.is_some_and(char::is_whitespace);
    let length_of = |(_, length): &(Option<char>, usize)| *length;
    let start: usize = characters.iter().take_while(is_space).map(length_of).sum();
    let end: usize = characters.iter().rev().take_while(is_space).map(length_of).sum();
    content.get(start..content.len() - end).unwrap_or_default()
}

/// What the owner of the cache would read there: the whole without the white space at its ends, of
/// that the text behind the first tab, if there is one, verbatim; its first colon turned into a dash,
/// if that is a plain name.
fn expected(content: &[u8]) -> Option<Vec<u8>> {
    let text = trimmed(content);
    let digest = text.splitn(2, |byte| *byte == b'\t').last()?;
    let mut name = digest.to_vec();
    if let Some(colon) = name.iter().position(|byte| *byte == b':') {
        name[colon] = b'-';
    }
    let is_plain = !name.is_empty() && name != b"." && name != b"..";
    let is_plain = is_plain && !name.contains(&b'/') && !name.contains(&0);
    (is_plain && content.len() <= 64 * 1024).then_some(name)
}

fn check_shown(text: &str) {
    assert!(!text.chars().any(char::is_control), "{text:?}");
}

fuzz_target!(|content: &[u8]| {
    SCENE.with_borrow_mut(|scene| {
        fs::write(&scene.file, content).unwrap();
        let settled = SystemTime::now() - Duration::from_secs(60);
        File::options().write(true).open(&scene.file).unwrap().set_modified(settled).unwrap();
        let index = scene.cache.refs();
        assert_eq!((index.len(), index.unreadable.len()), (1, 0));
        let named = index.refs.first().map(|found| found.digest.entry_name().as_bytes().to_vec());
        assert_eq!(named, expected(content));
        for found in &index.refs {
            check_shown(&found.digest.to_string());
            check_shown(&found.digest.short());
            found.image.iter().for_each(|image| check_shown(&Escaped::new(image).to_string()));
        }
        index.invalid.iter().for_each(|found| check_shown(&found.warning(scene.cache.path())));
    });
});

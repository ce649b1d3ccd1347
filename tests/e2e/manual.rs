//! The manual pages written by the programs.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::{Run, finish};

const BBOX: &str = env!("CARGO_BIN_EXE_bbox");
const BBOX_CACHE: &str = env!("CARGO_BIN_EXE_bbox-cache");

/// There is no cache, and no place for one.
fn man(program: &str, directory: &Path) -> Run {
    let mut command = assert_cmd::Command::new(program);
    command.env_remove("HOME").env("XDG_CACHE_HOME", "/nobody/is/here");
    command.arg("man").arg(directory);
    finish(command)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn one_set_of_pages_serves_both_programs() {
    let home = tempfile::tempdir().unwrap();
    let (long, short) = (home.path().join("long"), home.path().join("short"));
    fs::create_dir(&long).unwrap();
    fs::create_dir(&short).unwrap();
    assert_eq!((man(BBOX, &long).code, man(BBOX_CACHE, &short).code), (0, 0));
    for page in fs::read_dir(&short).unwrap() {
        let page = page.unwrap();
        assert_eq!(read(&page.path()), read(&long.join(page.file_name())));
    }
    assert!(long.join("bbox.1").exists() && !short.join("bbox.1").exists());
    let gc = read(&short.join("bbox-cache-gc.1"));
    assert!(gc.contains("\\fBbbox\\-cache gc\\fR [OPTIONS]\n"), "{gc}");
    assert!(gc.contains("\\fBbbox cache gc\\fR [OPTIONS]\n"), "{gc}");
    assert!(gc.contains("\\fBbbox\\-cache gc \\-v\\fR\nalso show what is kept"), "{gc}");
    for page in fs::read_dir(&long).unwrap() {
        let path = page.unwrap().path();
        let lint = Command::new("mandoc").args(["-T", "lint", "-W", "error"]).arg(&path).output();
        match lint {
            Ok(output) => assert!(output.status.success(), "{output:?}"),
            Err(error) => return eprintln!("skipped: mandoc: {error}"),
        }
    }
}

#[test]
fn older_pages_are_replaced_and_nothing_else_is() {
    let home = tempfile::tempdir().unwrap();
    let (pages, notes) = (home.path().join("pages"), home.path().join("notes"));
    fs::create_dir(&pages).unwrap();
    fs::write(&notes, "mine").unwrap();
    fs::write(pages.join("other.1"), "mine").unwrap();
    symlink(&notes, pages.join("bbox-cache.1")).unwrap();
    let first = man(BBOX_CACHE, &pages);
    assert!(first.out.is_empty() && first.err.ends_with(", replacing 1 older page.\n"));
    assert!(read(&pages.join("bbox-cache.1")).starts_with(".TH \"BBOX-CACHE\" \"1\""));
    assert_eq!((read(&notes).as_str(), read(&pages.join("other.1")).as_str()), ("mine", "mine"));
    let again = man(BBOX_CACHE, &pages).err;
    let number = again.split(' ').nth(1).unwrap();
    assert!(again.contains(&format!("Wrote {number} pages ")), "{again}");
    assert!(again.contains(&format!(", replacing {number} older pages")), "{again}");
}

#[test]
fn an_unwritable_directory_is_reported() {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("bbox.1")).unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    for (name, said) in [
        ("none", "cannot write pages to DIR/none: No such file or directory"),
        ("file", "cannot write pages to DIR/file: Not a directory"),
        ("", "cannot replace DIR/bbox.1: "),
    ] {
        let run = man(BBOX, &home.path().join(name));
        let said = said.replace("DIR", home.path().to_str().unwrap());
        assert!(run.code == 1 && run.err.starts_with(&format!("error: {said}")), "{}", run.err);
        assert_eq!(run.err.lines().count(), 1);
    }
}

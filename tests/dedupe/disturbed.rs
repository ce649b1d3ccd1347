//! Kills at any moment, and with a concurrent writer.

use std::fs::{self, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::content::{MIB, file, noise};
use crate::scene::{Everything, on_each, run_for_document, tool};
use crate::support::TestCache;

/// The number of kills.
fn rounds() -> u64 {
    if std::env::var_os("BBOX_THOROUGH").is_some() { 50 } else { 8 }
}

#[test]
fn a_kill_at_any_moment_leaves_every_file_as_it_was_and_the_next_run_finishes() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| {
            (0..200).for_each(|number| file(&top.join(format!("{}/{number}", number % 9)), 40_000));
            file(&top.join("large"), 20 * MIB);
        });
        for name in ["two", "three"] {
            cache.live_with(name, |top| {
                tool("cp", &["-a", "--reflink=never", &format!("{}/.", one.display())], top);
            });
        }
        let before = Everything::before(&cache);
        for round in 0..rounds() {
            let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
            command.args(["cache", "dedupe", "--cache-dir"]).arg(cache.dir());
            command.env("HOME", "/nobody/is/here").stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            std::thread::sleep(Duration::from_millis(round * 397 % 250));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        before.check(&cache, volume.system.name());
        run_for_document(&cache, &[]);
        assert_eq!(run_for_document(&cache, &["-n"])["files"], 0);
        before.check(&cache, volume.system.name());
    });
}

#[test]
fn concurrent_writes_reach_their_file_and_no_other() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| file(&top.join("file"), 8 * MIB));
        let two = cache.live_with("two", |top| {
            fs::copy(one.join("file"), top.join("file")).map(drop).unwrap()
        });
        let original = fs::read(one.join("file")).unwrap();
        let is_over = AtomicBool::new(false);
        let written = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let (mut expected, mut number) = (original.clone(), 0);
                let mut file = OpenOptions::new().write(true).open(two.join("file")).unwrap();
                while !is_over.load(Ordering::Relaxed) {
                    let (at, block) = (number * 7919 * 512 % (8 * MIB - 512), noise(512));
                    file.seek(SeekFrom::Start(at)).unwrap();
                    file.write_all(&block).unwrap();
                    expected[at as usize..at as usize + 512].copy_from_slice(&block);
                    number += 1;
                }
                expected
            });
            (0..5).for_each(|_| drop(run_for_document(&cache, &[])));
            is_over.store(true, Ordering::Relaxed);
            writer.join().unwrap()
        });
        let name = volume.system.name();
        assert!(
            fs::read(two.join("file")).unwrap() == written,
            "{name}: the written data is missing"
        );
        assert!(fs::read(one.join("file")).unwrap() == original, "{name}: it is in the other file");
    });
}

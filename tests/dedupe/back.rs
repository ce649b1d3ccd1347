//! How much space is freed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate};

use crate::content::{self, MIB, file};
use crate::scene::{
    BUT_CONFIGS, Everything, left_out, on_each, run_dedupe, run_for_document, tool,
};
use crate::support::{TestCache, run};
use crate::volume::{System, Volume, compress};

/// The size of the base that all images have.
const BASE: u64 = 4 * MIB + 40 * 10_000 + 4096;

/// A base with files of many sizes, and with all the metadata that must not change.
fn base(top: &Path) {
    file(&top.join("usr/lib/large"), 4 * MIB);
    for number in 0..40 {
        file(&top.join(format!("usr/share/{number}")), 10_000);
    }
    file(&top.join("usr/bin/tool"), 4096);
    fs::hard_link(top.join("usr/bin/tool"), top.join("usr/bin/alias")).unwrap();
    symlink("tool", top.join("usr/bin/link")).unwrap();
    fs::write(top.join("etc-small"), "x").unwrap();
    rustix::fs::lsetxattr(
        top.join("usr/bin/tool"),
        "user.note",
        b"kept",
        rustix::fs::XattrFlags::empty(),
    )
    .unwrap();
}

/// Makes a copy that shares nothing.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    tool("cp", &["-a", "--reflink=never", &format!("{}/.", from.display())], to);
}

/// Three images and a layer with the same base, each with a file of its own.
fn rebuilt(volume: &Volume) -> TestCache {
    let cache = TestCache::on(&volume.path());
    let layer = cache.layer_with("base", base);
    for name in ["one", "two", "three"] {
        cache.live_with(name, |top| {
            copy(&layer, top);
            file(&top.join("own"), 4096);
            fs::write(top.join("usr/share/0"), content::noise(10_000)).unwrap();
        });
    }
    volume.free();
    cache
}

#[test]
fn equal_files_of_images_and_layers_share_their_data_and_nothing_else_changes() {
    on_each(|volume| {
        let cache = rebuilt(volume);
        let before = Everything::before(&cache);
        let free = volume.free();
        let (dry, done) = (run_for_document(&cache, &["-n"]), run_for_document(&cache, &[]));
        let back = volume.free() - free;
        let name = volume.system.name();
        // Rewritten files are equal to no other: one next to that of the layer in each image, and
        // one each of their own.
        let equal = 3 * (BASE - 10_000);
        assert!(back >= equal * 95 / 100, "{name}: {back} of {equal}");
        assert!(dry["bytes"].as_u64().unwrap() >= done["bytes"].as_u64().unwrap(), "{name}");
        assert_eq!(left_out(&done, "unequal"), 5, "{name}");
        assert_eq!(done["files"], 3 * (1 + 39 + 1), "{name}: a file with two names counts once");
        let told = done["file_system_freed_bytes"].as_i64().unwrap();
        assert!(told.abs_diff(back as i64) <= 256 << 10, "{name}: {told} is not {back}");
        before.check(&cache, name);
        // Unequal files are compared again.
        let again = run_for_document(&cache, &[]);
        assert_eq!((&again["files"], left_out(&again, "unequal")), (&0.into(), 5), "{name}");
    });
}

#[test]
fn a_dry_run_changes_nothing_and_tells_how_much_it_would_free() {
    on_each(|volume| {
        let cache = rebuilt(volume);
        let free = volume.free();
        let dry = run(&cache, &[&["dedupe", "-n"][..], &BUT_CONFIGS].concat()).ok();
        assert!(dry.contains("Would share 128 files, freeing up to 13."), "{dry}");
        assert!(volume.free().abs_diff(free) < 64 << 10);
        let done = run(&cache, &[&["dedupe"][..], &BUT_CONFIGS].concat());
        assert!(done.out.contains("Shared 123 files, freed 1"), "{}", done.out);
        assert!(done.out.contains("example.com/one:latest"), "{}", done.out);
    });
}

#[test]
fn sizes_and_images_can_be_chosen() {
    on_each(|volume| {
        let cache = rebuilt(volume);
        let files = |arguments: &[&str]| run_for_document(&cache, arguments)["files"].clone();
        assert_eq!(files(&["-n", "--min-size", "1MiB"]), 3);
        assert_eq!(files(&["-n", "--min-size", "1GiB"]), 0);
        assert_eq!(files(&["-n", "example.com/one:latest"]), 42, "it and the layer");
        assert_eq!(run_dedupe(&cache, &["example.com/none:latest"]).code, 1);
    });
}

#[test]
fn holes_stay_holes_and_come_to_dense_files() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let sparse = cache.live_with("sparse", |top| content::sparse(&top.join("file"), 8 * MIB));
        cache.live_with("dense", |top| {
            tool(
                "cp",
                &["--sparse=never", "--reflink=never", sparse.join("file").to_str().unwrap()],
                &top.join("file"),
            );
        });
        let (before, free) = (Everything::before(&cache), volume.free());
        assert_eq!(run_for_document(&cache, &[])["files"], 1);
        assert!(volume.free() >= free + 7 * MIB, "{}", volume.system.name());
        before.check(&cache, "sparse");
    });
}

#[test]
fn other_files_come_to_share_compressed_data() {
    on_each(|volume| {
        if volume.system != System::Btrfs {
            return;
        }
        let cache = TestCache::on(&volume.path());
        for name in ["plain", "one", "two"] {
            cache.live_with(name, |top| {
                if name != "plain" {
                    compress(top);
                }
                content::text(&top.join("text"), 200_000);
            });
        }
        let (before, free) = (Everything::before(&cache), volume.free());
        assert_eq!(run_for_document(&cache, &[])["files"], 2);
        assert!(volume.free() >= free + 4 * MIB - (256 << 10));
        before.check(&cache, "compressed");
        assert_eq!(run_for_document(&cache, &["-n"])["files"], 0);
    });
}

#[test]
fn two_kinds_of_equal_files_share_their_own_data_each() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let contents = [content::noise(MIB), content::noise(MIB)];
        for (name, content) in [("a", 0), ("b", 1), ("c", 0), ("d", 1), ("e", 1)] {
            cache.live_with(name, |top| fs::write(top.join("file"), &contents[content]).unwrap());
        }
        let (before, free) = (Everything::before(&cache), volume.free());
        let done = run_for_document(&cache, &[]);
        assert_eq!(done["files"], 3);
        assert!(volume.free() >= free + 3 * MIB - (128 << 10), "{}", volume.system.name());
        before.check(&cache, volume.system.name());
    });
}

#[test]
fn it_works_on_a_full_disk() {
    on_each(|volume| {
        let cache = rebuilt(volume);
        let (before, filler) = (Everything::before(&cache), volume.path().join("filler"));
        fill(&fs::File::create(&filler).unwrap());
        let free = volume.free();
        let done = run_dedupe(&cache, &[]);
        let (name, back) = (volume.system.name(), volume.free().saturating_sub(free));
        assert!(back >= 3 * (BASE - 10_000) * 95 / 100, "{name}: {back} {}{}", done.out, done.err);
        before.check(&cache, name);
    });
}

/// Makes a file as big as possible.
fn fill(file: &fs::File) {
    let (mut length, mut step) = (0, 256 * MIB);
    while step >= 4096 {
        match fallocate(file, FallocateFlags::empty(), length, step) {
            Ok(()) => length += step,
            Err(_) => step /= 2,
        }
    }
}

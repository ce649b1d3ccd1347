//! Trees of several shapes with roughly the same number of files.

use std::fs;
use std::path::Path;

use crate::cache::{TestCache, rootfs};

/// Fills an empty directory with roughly this many files.
pub type Fill = fn(&Path, u32);

pub const SHAPES: [(&str, Fill); 5] =
    [("rootfs", rootfs), ("wide", wide), ("deep", deep), ("tiny", tiny), ("skewed", skewed)];

/// Builds a cache with this many orphans of roughly this many files each.
pub fn build(images: u32, fill: Fill, files: u32) -> TestCache {
    build_in(TestCache::new(), images, fill, files)
}

/// Like [`build`], in a given cache.
pub fn build_in(cache: TestCache, images: u32, fill: Fill, files: u32) -> TestCache {
    (0..images).for_each(|n| drop(cache.image_with(&n.to_string(), |top| fill(top, files))));
    cache
}

fn write(directory: &Path, numbers: std::ops::Range<u32>, bytes: &[u8]) {
    fs::create_dir_all(directory).unwrap();
    numbers.for_each(|n| fs::write(directory.join(format!("f{n}.js")), bytes).unwrap());
}

/// Half of the files in one directory, the others in a subdirectory each.
fn wide(top: &Path, files: u32) {
    write(top, 0..files / 2, b"wide");
    (0..files / 2).for_each(|n| write(&top.join(format!("d{n}")), 0..1, b"wide"));
}

/// Nested directories with ten files each.
fn deep(top: &Path, files: u32) {
    let mut directory = top.to_owned();
    for _ in 0..files / 10 {
        directory.push("d");
        write(&directory, 0..10, b"deep");
    }
}

/// Empty files, ten per directory.
fn tiny(top: &Path, files: u32) {
    (0..files / 10).for_each(|n| write(&top.join(format!("p{}/d{n}", n % 50)), 0..10, b""));
}

/// Half of the files in one subtree, a quarter in the next, and so on, recursively.
fn skewed(top: &Path, files: u32) {
    let here = files.div_ceil(10).max(files.min(20));
    write(top, 0..here, b"skewed");
    let (mut left, mut number) = (files - here, 0);
    while left > 0 {
        let part = left.div_ceil(2).max(left.min(20));
        skewed(&top.join(format!("d{number}")), part);
        (left, number) = (left - part, number + 1);
    }
}

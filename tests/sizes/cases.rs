//! The test cases: contents of a cache before a gc.

use std::fs;
use std::os::unix::fs::symlink;

use crate::content::{MIB, clone, file, overwrite, preallocated, sparse};
use crate::scene::Scene;
use crate::volume::{make_snapshot, make_subvolume};

/// A test case. Orphans are removed. `live` is an image that is kept, with a few small files.
pub struct Case {
    pub name: &'static str,
    /// Builds it. Returns `false` if the file system does not support it.
    pub build: fn(&Scene<'_>) -> bool,
    pub removes: Removes,
}

/// The command that removes it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Removes {
    /// `gc`.
    Orphans,
    /// `purge`, which removes open files, too.
    Everything,
}

const fn gc(name: &'static str, build: fn(&Scene<'_>) -> bool) -> Case {
    Case { name, build, removes: Removes::Orphans }
}

pub const CASES: &[Case] = &[
    gc("an image of its own", |scene| {
        scene.dead("dead", "data", 12 * MIB);
        true
    }),
    gc("two images that share everything, one removed", |scene| {
        scene.dead("one", "data", 12 * MIB);
        scene.dead_clone("one", "dead");
        scene.keep("one");
        true
    }),
    gc("two images that share everything, both removed", |scene| {
        scene.dead("one", "data", 12 * MIB);
        scene.dead_clone("one", "two");
        true
    }),
    gc("three that share everything, two removed", |scene| {
        scene.dead("one", "data", 12 * MIB);
        scene.dead_clone("one", "two");
        scene.dead_clone("one", "three");
        scene.keep("three");
        true
    }),
    gc("an image and the layers it was made from", |scene| {
        let base = scene.cache.layer_with("base", |top| file(&top.join("lib/a"), 16 * MIB));
        let own = scene.cache.layer_with("own", |top| file(&top.join("bin/b"), 8 * MIB));
        scene.image_with("dead", |top| {
            clone(&base, top);
            clone(&own, top);
            file(&top.join("config"), MIB);
        });
        true
    }),
    gc("a half overwritten clone", |scene| {
        scene.dead("one", "data", 16 * MIB);
        let dead = scene.dead_clone("one", "dead");
        overwrite(&dead.join("data"), 0, 8 * MIB);
        scene.keep("one");
        true
    }),
    gc("the original of a half overwritten clone", |scene| {
        scene.dead("dead", "data", 16 * MIB);
        let clone = scene.dead_clone("dead", "clone");
        overwrite(&clone.join("data"), 0, 8 * MIB);
        scene.keep("clone");
        true
    }),
    gc("a half overwritten clone and its original", |scene| {
        scene.dead("one", "data", 16 * MIB);
        let clone = scene.dead_clone("one", "clone");
        overwrite(&clone.join("data"), 0, 8 * MIB);
        true
    }),
    gc("an image with a clone outside the cache", |scene| {
        let dead = scene.dead("dead", "data", 12 * MIB);
        clone(&dead, &scene.outside("clone"));
        true
    }),
    gc("two removed, and a clone of both in a microVM", |scene| {
        let dead = scene.dead("one", "data", 12 * MIB);
        scene.dead_clone("one", "two");
        clone(&dead, &scene.guest("agent"));
        true
    }),
    gc("two removed, and an unknown clone", |scene| {
        let dead = scene.dead("one", "data", 12 * MIB);
        scene.dead_clone("one", "two");
        clone(&dead, &scene.outside("clone"));
        true
    }),
    gc("1,000 clones of one file in an image", |scene| {
        scene.image_with("dead", |top| {
            file(&top.join("0"), 4 * MIB);
            (1..1000).for_each(|n| clone(&top.join("0"), &top.join(n.to_string())));
        });
        true
    }),
    gc("compressed", |scene| scene.dead_compressed()),
    gc("compressed, two that share everything", |scene| {
        let is_possible = scene.dead_compressed();
        if is_possible {
            scene.dead_clone("dead", "two");
        }
        is_possible
    }),
    gc("2,000 files of 200 bytes", |scene| {
        scene.image_with("dead", |top| {
            (0..2000).for_each(|n| fs::write(top.join(n.to_string()), [b'x'; 200]).unwrap());
        });
        true
    }),
    gc("2,000 symlinks", |scene| {
        scene.image_with("dead", |top| {
            (0..2000).for_each(|n| symlink("usr/lib/target", top.join(n.to_string())).unwrap());
        });
        true
    }),
    gc("an image that is a subvolume", |scene| {
        if !scene.is_btrfs() {
            return false;
        }
        let dead = scene.cache.path("sha256-dead");
        make_subvolume(&dead);
        scene.cache.configure("dead", "{}");
        file(&dead.join("data"), 12 * MIB);
        true
    }),
    gc("a subvolume with a snapshot outside the cache", |scene| {
        if !scene.is_btrfs() {
            return false;
        }
        let dead = scene.cache.path("sha256-dead");
        make_subvolume(&dead);
        scene.cache.configure("dead", "{}");
        file(&dead.join("data"), 12 * MIB);
        make_snapshot(&dead, &scene.outside("snapshot"));
        true
    }),
    gc("a subvolume and its snapshot, both removed", |scene| {
        if !scene.is_btrfs() {
            return false;
        }
        let dead = scene.cache.path("sha256-dead");
        make_subvolume(&dead);
        scene.cache.configure("dead", "{}");
        file(&dead.join("data"), 12 * MIB);
        make_snapshot(&dead, &scene.cache.path("sha256-snapshot"));
        true
    }),
    gc("a sparse file", |scene| {
        scene.image_with("dead", |top| sparse(&top.join("data"), 512 * MIB));
        true
    }),
    gc("preallocated, 16 MiB within the file and 8 beyond", |scene| {
        scene.image_with("dead", |top| preallocated(&top.join("data"), 16 * MIB, 8 * MIB));
        true
    }),
    gc("a file with another name in a kept image", |scene| {
        let dead = scene.dead("dead", "data", 12 * MIB);
        fs::hard_link(dead.join("data"), scene.cache.path("sha256-live/data")).unwrap();
        true
    }),
    gc("a file with another name in a removed image", |scene| {
        let dead = scene.dead("dead", "data", 12 * MIB);
        let other = scene.image_with("other", |_| {});
        fs::hard_link(dead.join("data"), other.join("data")).unwrap();
        clone(&dead.join("data"), &other.join("clone"));
        true
    }),
    gc("just written", |scene| {
        scene.image_with("dead", |top| fs::write(top.join("data"), vec![7; 12 << 20]).unwrap());
        true
    }),
    Case {
        name: "a file still open after its deletion",
        build: |scene| {
            let dead = scene.dead("dead", "data", 96 * MIB);
            scene.open.borrow_mut().push(fs::File::open(dead.join("data")).unwrap());
            true
        },
        removes: Removes::Everything,
    },
];

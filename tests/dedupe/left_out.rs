//! What takes no part.

use std::fs::{self, File};

use crate::content::{MIB, clone, file};
use crate::scene::{Everything, dedupe, left_out, on_each, tool};
use crate::support::{TestCache, bbox, finish};
use crate::volume::{System, make_snapshot, make_subvolume};

#[test]
fn what_a_collection_would_remove_takes_no_part() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let live = cache.live_with("live", |top| file(&top.join("file"), MIB));
        cache.image_with("orphan", |top| {
            fs::copy(live.join("file"), top.join("file")).map(drop).unwrap()
        });
        let found = dedupe(&cache, &[]);
        assert_eq!(found["files"], 0);
        assert_eq!(found["left_out_entries"][0]["digest"], "sha256:orphan");
        assert_eq!(found["left_out_entries"][0]["reason"], "reclaimable");
    });
}

/// A plain copy of the file of another image.
fn twin(cache: &TestCache, name: &str, of: &std::path::Path) -> std::path::PathBuf {
    let of = of.join("file");
    cache.live_with(name, |top| {
        tool("cp", &["--reflink=never", of.to_str().unwrap()], &top.join("file"));
    })
}

#[test]
fn others_come_to_share_what_a_clone_holds_and_what_two_clones_hold_stays() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| file(&top.join("file"), MIB));
        let two = twin(&cache, "two", &one);
        let vms = cache.home().join("vms");
        let of_vm = |image: &std::path::Path, vm: &str| {
            fs::create_dir_all(vms.join(vm).join("data")).unwrap();
            clone(image, &vms.join(vm).join("data/rootfs-work"));
        };
        let run = |arguments: &[&str]| {
            let mut program =
                bbox(&cache, &["dedupe", "--min-size", "16B", "--format", "json", "--vm-dir"]);
            program.arg(&vms).args(arguments);
            finish(program).json()
        };
        of_vm(&one, "a");
        let dry = run(&["-n"]);
        assert_eq!(
            (&dry["files"], &dry["entries"][0]["digest"]),
            (&1.into(), &"sha256:two".into())
        );
        of_vm(&two, "b");
        let (dry, free) = (run(&["-n"]), volume.free());
        assert_eq!((&dry["files"], left_out(&dry, "held-elsewhere")), (&0.into(), 1));
        assert_eq!(run(&[])["files"], 0);
        assert!(volume.free() >= free, "{}", volume.system.name());
    });
}

#[test]
fn what_a_snapshot_holds_is_left_alone() {
    on_each(|volume| {
        if volume.system != System::Btrfs {
            return;
        }
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| file(&top.join("file"), MIB));
        let [two, three] = ["two", "three"].map(|name| {
            let (path, file) = (cache.path(&format!("sha256-{name}")), one.join("file"));
            make_subvolume(&path);
            tool("cp", &["--reflink=never", file.to_str().unwrap()], &path.join("file"));
            cache.tag(&format!("example.com/{name}:1"), name);
            path
        });
        make_snapshot(&two, &cache.home().join("two"));
        make_snapshot(&three, &cache.home().join("three"));
        let (before, free) = (Everything::before(&cache), volume.free());
        let done = dedupe(&cache, &[]);
        assert_eq!((&done["files"], left_out(&done, "held-elsewhere")), (&1.into(), 1));
        assert_eq!(done["entries"][0]["digest"], "sha256:one");
        assert!(volume.free() >= free + MIB - (128 << 10));
        before.check(&cache, "snapshots");
    });
}

#[test]
fn what_the_file_system_refuses_is_counted_and_others_share_all_the_same() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| file(&top.join("file"), MIB));
        let two = twin(&cache, "two", &one);
        let names: &[_] = if volume.system == System::Btrfs { &["three", "four"] } else { &[] };
        for name in names {
            cache.live_with(name, |top| {
                File::create(top.join("file")).unwrap();
                tool("chattr", &["+C"], &top.join("file"));
                fs::write(top.join("file"), fs::read(one.join("file")).unwrap()).unwrap();
            });
        }
        volume.free();
        tool("chattr", &["+i"], &two.join("file"));
        tool("chattr", &["+i"], &one.join("file"));
        let done = dedupe(&cache, &[]);
        tool("chattr", &["-i"], &two.join("file"));
        tool("chattr", &["-i"], &one.join("file"));
        assert_eq!(done["files"], names.len() / 2, "{done}");
        assert!(left_out(&done, "not-allowed") >= 1, "{done}");
        let again = dedupe(&cache, &[]);
        assert_eq!(again["files"], 1, "{again}");
    });
}

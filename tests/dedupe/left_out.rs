//! Files and entries that are left out.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;

use bbox_cache::bytesize::ByteSize;
use bbox_cache::cache::{Cache, Patience};
use bbox_cache::dedupe::{self, Options, Reason};
use bbox_cache::plan::GcOptions;
use bbox_cache::{Jobs, StopFlag, gc};

use crate::content::{MIB, clone, file};
use crate::scene::{Everything, left_out, on_each, run_for_document, tell, tool};
use crate::support::{TestCache, bbox, finish};
use crate::volume::{System, Volume, make_snapshot, make_subvolume};

#[test]
fn images_that_gc_would_remove_are_left_out() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let live = cache.live_with("live", |top| file(&top.join("file"), MIB));
        cache.image_with("orphan", |top| {
            fs::copy(live.join("file"), top.join("file")).map(drop).unwrap()
        });
        let found = run_for_document(&cache, &[]);
        assert_eq!(found["files"], 0);
        assert_eq!(found["left_out_entries"][0]["digest"], "sha256:orphan");
        assert_eq!(found["left_out_entries"][0]["reason"], "reclaimable");
    });
}

#[test]
fn an_image_used_by_a_loop_device_is_left_out() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| file(&top.join("file"), MIB));
        let two = twin(&cache, "two", &one);
        let device = tool("losetup", &["--find", "--show"], &two.join("file"));
        let found = run_for_document(&cache, &[]);
        tool("losetup", &["--detach"], device.trim().as_ref());
        let left = &found["left_out_entries"][0];
        assert_eq!((&left["digest"], &left["reason"]), (&"sha256:two".into(), &"in-use".into()));
        assert_eq!(found["files"], 0);
        assert_eq!(run_for_document(&cache, &[])["files"], 1);
    });
}

/// A file that the kernel swaps to, until it is dropped.
struct Swap(std::path::PathBuf);

impl Swap {
    /// `None` if the system does not swap to files there.
    fn on(file: std::path::PathBuf) -> Option<Self> {
        tool("mkswap", &["--quiet"], &file);
        let is_on = std::process::Command::new("swapon").arg(&file).status();
        is_on.is_ok_and(|status| status.success()).then_some(Self(file))
    }
}

impl Drop for Swap {
    fn drop(&mut self) {
        tool("swapoff", &[], &self.0);
    }
}

#[test]
fn an_image_with_an_active_swap_file_is_left_out() {
    // On btrfs a swap file must not be copied on write, and then it shares no data anyway.
    let Ok(volume) = Volume::mount(System::Xfs) else { return tell("skipped: no XFS\n") };
    let cache = TestCache::on(&volume.path());
    let one = cache.live_with("one", |top| file(&top.join("file"), MIB));
    let two = twin(&cache, "two", &one);
    for image in [&one, &two] {
        fs::write(image.join("swap"), vec![0; 2 << 20]).unwrap();
        fs::set_permissions(image.join("swap"), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let Some(swap) = Swap::on(two.join("swap")) else {
        return tell("skipped: no swap file can be used here\n");
    };
    let found = run_for_document(&cache, &[]);
    let left = &found["left_out_entries"][0];
    assert_eq!((&left["digest"], &left["reason"]), (&"sha256:two".into(), &"in-use".into()));
    assert_eq!(found["files"], 0);
    drop(swap);
    assert_eq!(run_for_document(&cache, &[])["files"], 1);
}

#[test]
fn files_changed_or_removed_after_the_plan_are_skipped() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let one = cache.live_with("one", |top| {
            file(&top.join("file"), MIB);
            file(&top.join("grows"), MIB);
        });
        let [two, three] = ["two", "three"].map(|name| {
            cache.live_with(name, |top| {
                ["file", "grows"].iter().for_each(|file| {
                    let from = one.join(file);
                    tool("cp", &["--reflink=never", from.to_str().unwrap()], &top.join(file));
                });
            })
        });
        volume.free();
        let (jobs, stop) = (Jobs::default(), StopFlag::new());
        let opened =
            Cache::open_locked(&cache.dir(), &stop, |_| Patience::GiveUp).unwrap().unwrap();
        let draft = gc::plan(&opened, &GcOptions::default(), jobs, &mut ()).unwrap();
        let mut options = Options::default();
        options.min_size = ByteSize::kib(1);
        let plan = dedupe::plan(&opened, &draft, &options, jobs, &stop, &mut |_| {}).unwrap();
        assert_eq!(plan.shared().files, 4);
        fs::remove_dir_all(&two).unwrap();
        fs::write(three.join("grows"), "something else").unwrap();
        let outcome = dedupe::run(&opened, &plan, jobs, &stop, &mut |_| {}).unwrap();
        assert_eq!(outcome.shared().files, 1);
        let left: Vec<_> =
            outcome.left_out().iter().map(|(reason, found)| (reason, found.count)).collect();
        assert_eq!(left, [(Reason::Changed, 3)]);
        assert_eq!(fs::read(three.join("grows")).unwrap(), b"something else");
    });
}

/// Adds an image with a plain copy of the file of another image.
fn twin(cache: &TestCache, name: &str, of: &std::path::Path) -> std::path::PathBuf {
    let of = of.join("file");
    cache.live_with(name, |top| {
        tool("cp", &["--reflink=never", of.to_str().unwrap()], &top.join("file"));
    })
}

#[test]
fn data_of_one_clone_is_shared_and_data_of_two_stays() {
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
fn data_of_a_snapshot_is_left_alone() {
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
        let done = run_for_document(&cache, &[]);
        assert_eq!((&done["files"], left_out(&done, "held-elsewhere")), (&1.into(), 1));
        assert_eq!(done["entries"][0]["digest"], "sha256:one");
        assert!(volume.free() >= free + MIB - (128 << 10));
        before.check(&cache, "snapshots");
    });
}

#[test]
fn refused_files_are_counted_and_others_still_share() {
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
        let done = run_for_document(&cache, &[]);
        tool("chattr", &["-i"], &two.join("file"));
        tool("chattr", &["-i"], &one.join("file"));
        assert_eq!(done["files"], names.len() / 2, "{done}");
        assert!(left_out(&done, "not-allowed") >= 1, "{done}");
        let again = run_for_document(&cache, &[]);
        assert_eq!(again["files"], 1, "{again}");
    });
}

//! Entries that the system refuses to remove are detected before anything is hidden.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, lchown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::people::User;
use crate::support::cache::age;
use crate::support::{TestCache, run};

/// Gives an entry of the cache to root, as a pull with `sudo` does. Prints a message if that is
/// impossible.
fn take(user: &User<'_>, path: &Path) -> bool {
    match user.is_separate() {
        true => lchown(path, Some(0), Some(0)).unwrap(),
        false => eprintln!("skipped: only root can make files of another user"),
    }
    user.is_separate()
}

/// A referenced image that was used a while ago.
fn named(cache: &TestCache) -> PathBuf {
    cache.tag("example.com/live:1", "live");
    cache.image("live")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn an_image_of_another_user_stays_whole_and_is_reported_with_its_owner() {
    let cache = TestCache::in_memory();
    let (dead, live) = (cache.image("dead"), named(&cache));
    let user = User::new(&cache);
    // The top directory itself, or a directory in it.
    if !take(&user, &dead) || !take(&user, &live.join("usr")) {
        return;
    }
    let refused = |path: &Path| {
        format!("{} is owned by uid 0: run this as that user or as root\n", path.display())
    };
    let list = user.run(&["list"]);
    assert_eq!((list.code, list.err.as_str()), (0, ""));
    assert!(!list.out.contains("gives it back"), "{}", list.out);
    let removals: [(&[&str], _); 4] = [
        (&["gc", "-n"], refused(&dead)),
        (&["gc"], refused(&dead)),
        (&["rm", "-y", "sha256:live"], refused(&live.join("usr"))),
        (&["rm", "-y", "--in-place", "sha256:live"], refused(&live.join("usr"))),
    ];
    for (arguments, refused) in removals {
        let removal = user.run(arguments);
        assert_eq!(removal.code, 1, "{arguments:?}");
        assert!(removal.err.ends_with(&refused), "{arguments:?}: {}", removal.err);
        assert!(removal.out.starts_with("Nothing to remove in "), "{}", removal.out);
        assert_eq!(fs::read_dir(cache.path("refs")).unwrap().count(), 1);
        assert!(dead.join("usr/a").exists() && live.join("usr/a").exists());
    }
}

#[test]
fn a_lost_and_found_is_no_failure_and_stays_where_it_is() {
    let cache = TestCache::in_memory();
    named(&cache);
    let lost = cache.path("lost+found");
    fs::create_dir(&lost).unwrap();
    let user = User::new(&cache);
    if !take(&user, &lost) {
        return;
    }
    set_mode(&lost, 0o700);
    for arguments in [&["list"][..], &["gc", "-n", "--max-size", "10GB"], &["gc"]] {
        let run = user.run(arguments);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    }
    let purge = user.run(&["purge", "-f"]);
    assert_eq!(purge.code, 0, "{}", purge.err);
    assert!(purge.err.contains("lost+found is owned by uid 0"), "{}", purge.err);
    assert!(purge.out.contains("Removed the contents of "), "{}", purge.out);
    let left = fs::read_dir(cache.dir()).unwrap().map(|entry| entry.unwrap().file_name());
    assert_eq!(left.collect::<Vec<_>>(), ["lost+found"]);
}

/// The same applies to a mount point.
#[test]
fn a_cache_in_a_directory_of_another_user_is_emptied() {
    for mode in [0o755, 0o711] {
        let cache = TestCache::in_memory();
        named(&cache);
        let user = User::new(&cache);
        if !take(&user, cache.home()) {
            return;
        }
        set_mode(cache.home(), mode);
        let purge = user.run(&["purge", "-f"]);
        assert_eq!((purge.code, purge.err.as_str()), (0, ""), "{mode:o}");
        assert_eq!(fs::read_dir(cache.dir()).unwrap().count(), 0, "{mode:o}");
    }
}

/// Marks an entry as immutable until this is dropped.
struct Immutable<'a>(&'a Path);

impl<'a> Immutable<'a> {
    fn new(path: &'a Path) -> Option<Self> {
        let is_marked = chattr("+i", path);
        if !is_marked {
            eprintln!("skipped: only root can mark files, and not on every file system");
        }
        is_marked.then_some(Self(path))
    }
}

impl Drop for Immutable<'_> {
    fn drop(&mut self) {
        assert!(chattr("-i", self.0));
    }
}

fn chattr(change: &str, path: &Path) -> bool {
    let output = Command::new("chattr").arg(change).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

#[test]
fn an_immutable_ref_keeps_its_image_and_is_named() {
    let cache = TestCache::new();
    named(&cache);
    let named = cache.tag("example.com/live:2", "live");
    let dangling = cache.dangling("example.com/gone:1", "gone");
    let (Some(first), Some(second)) = (Immutable::new(&named), Immutable::new(&dangling)) else {
        return;
    };
    for (arguments, path) in [(&["rm", "-y", "sha256:live"][..], &named), (&["gc"], &dangling)] {
        let removal = run(&cache, arguments);
        let path = path.display();
        let refused =
            format!("{path} is marked as immutable or append-only: run `chattr -i -a {path}`\n");
        assert_eq!(removal.code, 1, "{arguments:?}");
        assert!(removal.err.ends_with(&refused), "{arguments:?}: {}", removal.err);
        assert_eq!(fs::read_dir(cache.path("refs")).unwrap().count(), 3);
        assert!(cache.path("sha256-live/usr/a").exists());
    }
    drop((first, second));
    run(&cache, &["rm", "-y", "sha256:live"]).ok();
    run(&cache, &["gc"]).ok();
    assert_eq!(fs::read_dir(cache.path("refs")).unwrap().count(), 0);
}

/// A cache in the lower layer of an overlay, as in a container image: its directories cannot be
/// renamed, but everything can be removed.
struct Overlay(tempfile::TempDir);

impl Overlay {
    fn mount(lower: &Path) -> Option<Self> {
        let home = tempfile::tempdir_in(lower.parent()?).ok()?;
        let path = |name: &str| home.path().join(name);
        for name in ["upper", "work", "images"] {
            fs::create_dir(path(name)).unwrap();
        }
        let [lower, upper, work] = [lower.into(), path("upper"), path("work")];
        let (lower, upper, work) = (lower.display(), upper.display(), work.display());
        let layers = format!("lowerdir={lower},upperdir={upper},workdir={work},redirect_dir=off");
        let mut mount = Command::new("mount");
        mount.args(["-t", "overlay", "overlay", "-o", &layers]).arg(path("images"));
        if !mount.output().is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: only root can mount an overlay, and not everywhere");
            return None;
        }
        Some(Self(home))
    }

    fn run(&self, arguments: &[&str]) -> crate::support::Run {
        let mut command = crate::support::bare();
        let images = self.0.path().join("images");
        command.args(["cache", "--cache-dir"]).arg(images).args(arguments);
        crate::support::finish(command)
    }

    fn left(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path().join("images")).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

impl Drop for Overlay {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(self.0.path().join("images")).status();
        assert!(unmounted.unwrap().success());
    }
}

#[test]
fn images_that_cannot_be_renamed_are_removed_in_place_on_request() {
    let cache = TestCache::in_memory();
    named(&cache);
    let dead = cache.image("dead");
    age(&dead, Duration::from_secs(3600));
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    let Some(overlay) = Overlay::mount(&cache.dir()) else { return };
    let collect = ["gc", "--temp-age", "0s"];
    let gc = overlay.run(&collect);
    assert_eq!(gc.code, 1);
    assert!(gc.err.contains("cannot rename it; use --in-place"), "{}", gc.err);
    assert_eq!(overlay.left(), ["refs", "sha256-dead", "sha256-live"]);
    overlay.run(&[&collect[..], &["--in-place"]].concat()).ok();
    assert_eq!(overlay.left(), ["refs", "sha256-live"]);
    let rm = overlay.run(&["rm", "-y", "sha256:live"]);
    assert_eq!((rm.code, overlay.left().len()), (1, 2), "the image is kept with its ref");
    overlay.run(&["rm", "-y", "--in-place", "sha256:live"]).ok();
    assert_eq!(overlay.left(), ["refs"]);
}

#[test]
fn a_purge_needs_no_rename() {
    let cache = TestCache::in_memory();
    named(&cache);
    cache.layer("layer");
    let Some(overlay) = Overlay::mount(&cache.dir()) else { return };
    overlay.run(&["purge", "-f"]).ok();
    assert!(overlay.left().is_empty(), "a mount point is emptied");
}

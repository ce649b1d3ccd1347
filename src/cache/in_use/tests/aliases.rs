//! Processes that reach the cache through another mount in our own mount namespace.

use super::*;

/// A mount that is removed at the end of the test.
struct Mounted(std::path::PathBuf);

impl Mounted {
    /// Mounts at `point` with these arguments. `None` if that is not permitted.
    fn new<A: AsRef<std::ffi::OsStr>>(arguments: &[A], point: &Path) -> Option<Self> {
        let mut command = Command::new("mount");
        let output = command.args(arguments).arg(point).output();
        let is_mounted = output.is_ok_and(|output| output.status.success());
        if !is_mounted {
            eprintln!("skipped: nothing can be mounted");
        }
        is_mounted.then(|| Self(point.to_owned()))
    }

    fn bind(source: &Path, point: &Path) -> Option<Self> {
        Self::new(&["--bind".as_ref(), source.as_os_str()], point)
    }

    /// Detaches the mount. A process inside stays there.
    fn detach(&self) {
        let output = Command::new("umount").arg("-l").arg(&self.0).output().unwrap();
        assert!(output.status.success());
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // It may have been detached already.
        let _ = Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status();
    }
}

fn place_beside(files: &TestCache) -> std::path::PathBuf {
    let other = files.home().join("other");
    fs::create_dir(&other).unwrap();
    other
}

#[test]
fn an_entry_is_in_use_through_any_mount() {
    let files = TestCache::new();
    let (entry, other) = (files.image("a"), place_beside(&files));
    files.image("ab");
    let Some(_mounted) = Mounted::bind(&files.dir(), &other) else { return };
    let alias = other.join("sha256-a");
    let argument = serde_json::json!({ "root_path": alias }).to_string();
    let mut children = vec![
        Running::start(sleep().current_dir(alias.join("usr"))),
        Running::start(sleep().stdin(File::open(alias.join("usr/a")).unwrap())),
        Running::with_argument(argument),
    ];
    if let Some(library) = some_library() {
        fs::copy(library, entry.join("library.so")).unwrap();
        children.push(Running::start(sleep().env("LD_PRELOAD", alias.join("library.so"))));
    }
    for cache in [open(files.dir()), open(&other)] {
        for child in &children {
            assert_user(&cache, &image("sha256-a"), child);
            assert!(!is_user(&cache, &image("sha256-ab"), child));
        }
    }
}

#[test]
fn a_mount_of_a_part_keeps_an_entry_and_so_do_processes_inside_it() {
    let files = TestCache::new();
    let (entry, other) = (files.image("a"), place_beside(&files));
    let file = files.home().join("file");
    fs::write(&file, "").unwrap();
    let Some(_usr) = Mounted::bind(&entry.join("usr"), &other) else { return };
    let Some(_file) = Mounted::bind(&files.layer("l").join("usr/a"), &file) else { return };
    let inside = Running::start(sleep().current_dir(&other));
    let reader = Running::start(sleep().stdin(File::open(&file).unwrap()));
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &inside);
    assert_user(&cache, &location(Folder::Layers, "sha256-l"), &reader);
    let mounts = cache.mounts().unwrap().unwrap();
    assert_eq!(mounts.get(&image("sha256-a")), Some(&*other.canonicalize().unwrap()));
}

#[test]
fn a_mount_in_an_entry_is_found_however_it_was_made() {
    let files = TestCache::new();
    let (_, other) = (files.image("a"), place_beside(&files));
    files.image("ab");
    let private = ["--make-private".as_ref(), other.as_os_str()];
    let Some(_alias) = Mounted::bind(&files.dir(), &other) else { return };
    assert!(Command::new("mount").args(private).status().unwrap().success());
    let tmpfs = ["-t", "tmpfs", "bbox-test"];
    let Some(_inside) = Mounted::new(&tmpfs, &other.join("sha256-a/usr")) else { return };
    let mounts = open(files.dir()).mounts().unwrap().unwrap();
    assert!(mounts.get(&image("sha256-a")).is_some() && mounts.get(&image("sha256-ab")).is_none());
}

#[test]
fn the_layers_of_an_overlay_are_in_use() {
    let files = TestCache::new();
    let (other, link) = (place_beside(&files), files.home().join("link"));
    std::os::unix::fs::symlink(files.dir(), &link).unwrap();
    let layers = ["a", "b"].map(|name| files.image(name).file_name().unwrap().to_owned());
    let layers = layers.map(|name| link.join(name).display().to_string());
    let options = format!("lowerdir={}", layers.join(":"));
    let overlay = ["-t", "overlay", "bbox-test", "-o", &options];
    let Some(_mounted) = Mounted::new(&overlay, &other) else { return };
    let mounts = open(files.dir()).mounts().unwrap().unwrap();
    assert!(["sha256-a", "sha256-b"].iter().all(|name| mounts.get(&image(name)).is_some()));
}

#[test]
fn a_process_whose_mount_has_been_detached_still_counts() {
    let files = TestCache::new();
    let (_, other) = (files.image("a"), place_beside(&files));
    let Some(mounted) = Mounted::bind(&files.dir(), &other) else { return };
    let child = Running::start(sleep().current_dir(other.join("sha256-a")));
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &child);
    mounted.detach();
    assert!(is_user(&cache, &image("sha256-a"), &child));
}

//! Processes that see the cache elsewhere, in a mount namespace of their own.

use super::*;

/// A shell in its own namespace that mounts and then becomes `sleep`. `$1` is the cache, `$2` an
/// empty directory. `None` if that is not permitted.
fn in_namespace(files: &TestCache, script: &str) -> Option<Running> {
    let is_allowed = Command::new("unshare").args(["-m", "true"]).status();
    if !is_allowed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mount namespace can be made");
        return None;
    }
    let other = files.home().join("other");
    fs::create_dir(&other).unwrap();
    let script = format!("{script}; exec sleep 30");
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-e", "-c", &script, "sh"]).arg(files.dir()).arg(&other);
    let child = Running::start(&mut command);
    let program = format!("/proc/{}/comm", child.pid());
    assert!(comes_true(|| fs::read_to_string(&program).is_ok_and(|name| name == "sleep\n")));
    Some(child)
}

#[test]
fn an_entry_that_is_mounted_elsewhere_is_in_use_there() {
    let files = TestCache::new();
    files.image("a");
    files.image("ab");
    let script = r#"mount --bind "$1/sha256-a" "$2"; cd "$2""#;
    let Some(child) = in_namespace(&files, script) else { return };
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &child);
    assert!(!is_user(&cache, &image("sha256-ab"), &child));
}

#[test]
fn an_entry_is_in_use_below_a_directory_that_is_mounted_elsewhere() {
    for step in [r#"cd "$2/images/sha256-a/usr""#, r#"exec 3<"$2/images/sha256-a/usr/a""#] {
        let files = TestCache::new();
        files.image("a");
        files.image("ab");
        let script = format!(r#"mount --bind "$1/.." "$2"; {step}"#);
        let Some(child) = in_namespace(&files, &script) else { return };
        let cache = open(files.dir());
        assert_user(&cache, &image("sha256-a"), &child);
        assert!(!is_user(&cache, &image("sha256-ab"), &child));
    }
}

#[test]
fn a_library_that_is_mapped_from_a_mount_elsewhere_is_a_use() {
    let Some(library) = some_library() else {
        eprintln!("skipped: there is no shared library to map");
        return;
    };
    let files = TestCache::new();
    fs::copy(library, files.image("a").join("library.so")).unwrap();
    let script = r#"mount --bind "$1" "$2"; export LD_PRELOAD="$2/sha256-a/library.so""#;
    let Some(child) = in_namespace(&files, script) else { return };
    assert_user(&open(files.dir()), &image("sha256-a"), &child);
}

#[test]
fn a_process_that_only_mounts_the_cache_elsewhere_uses_no_entry() {
    let files = TestCache::new();
    files.image("a");
    let Some(child) = in_namespace(&files, r#"mount --bind "$1" "$2"; cd "$2""#) else { return };
    assert!(!is_user(&open(files.dir()), &image("sha256-a"), &child));
}

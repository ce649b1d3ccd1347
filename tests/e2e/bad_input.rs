//! Whatever is in a cache, or typed: a clear message, the right exit code, and nothing lost.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::people::User;
use crate::support::cache::{age, rootfs};
use crate::support::{TestCache, bare, bbox, finish, run};

fn fifo(path: &Path) {
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, rustix::fs::Mode::RUSR, 0).unwrap();
}

#[test]
fn a_cache_that_is_a_file_or_closed_is_reported() {
    let cache = TestCache::new();
    let file = cache.home().join("file");
    fs::write(&file, "").unwrap();
    for verb in ["list", "gc", "purge"] {
        let mut command = bare();
        command.args(["cache", verb, "--cache-dir"]).arg(&file);
        let run = finish(command);
        assert_eq!(run.code, 1);
        assert!(run.err.contains("file: Not a directory"), "{}", run.err);
    }
    let user = User::new(&cache);
    fs::set_permissions(cache.dir(), fs::Permissions::from_mode(0o000)).unwrap();
    let list = user.run(&["list"]);
    assert_eq!(list.code, 1);
    assert!(list.err.contains("images: Permission denied"), "{}", list.err);
    fs::set_permissions(cache.dir(), fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn every_kind_of_broken_ref_is_reported_and_protects_nothing() {
    let cache = TestCache::new();
    cache.image("a");
    cache.raw_ref("1-empty", "");
    cache.raw_ref("2-blank", "  \n");
    cache.raw_ref("3-cut", "example.com/a:1\t");
    cache.raw_ref("4-binary", b"\0\xff\xfe\x01");
    cache.raw_ref("6-outside", "example.com/a:1\tsha256:../outside\n");
    cache.raw_ref("7-parent", "..\n");
    fs::create_dir(cache.path("refs/8-directory")).unwrap();
    fifo(&cache.path("refs/a-fifo"));
    let list = run(&cache, &["list", "--format", "json"]);
    assert_eq!(list.code, 0, "{}", list.err);
    let problems: Vec<_> = list.json()["refs"]["invalid"]
        .as_array()
        .unwrap()
        .iter()
        .map(|invalid| invalid["problem"].as_str().unwrap().to_owned())
        .collect();
    let digest = "it contains no valid digest";
    assert_eq!(
        problems,
        [
            "it is empty",
            "it is empty",
            digest,
            digest,
            digest,
            digest,
            "it is a directory",
            "it is not a regular file",
        ]
    );
    let gc = run(&cache, &["gc"]);
    assert_eq!(
        (gc.code, gc.err.matches("does not protect any image").count()),
        (0, 8),
        "{}",
        gc.err
    );
    assert!(!cache.path("sha256-a").exists());
    assert!(cache.path("refs/8-directory").exists());
}

#[test]
fn a_reference_that_cannot_be_read_may_name_any_image() {
    for make in [
        |file: &Path| symlink("0", file).unwrap(),
        |file: &Path| fs::write(file, vec![b'a'; 64 * 1024 + 1]).unwrap(),
    ] {
        let cache = TestCache::new();
        cache.image("a");
        make(&cache.raw_ref("0", "example.com/b:1\tsha256:b\n").with_file_name("1"));
        let gc = run(&cache, &["gc"]);
        assert!(gc.code == 1 && gc.err.contains("refs/1: it is "), "{}", gc.err);
        assert!(cache.path("sha256-a").exists());
    }
}

#[test]
fn a_reference_empty_for_a_day_is_removed() {
    let cache = TestCache::new();
    for (name, hours) in [("young", 23), ("old", 25)] {
        age(&cache.raw_ref(name, ""), Duration::from_secs(hours * 3600));
    }
    let gc = run(&cache, &["gc"]);
    assert!(gc.code == 0 && gc.out.contains("Removed ref old "), "{}", gc.out);
    assert!(cache.path("refs/young").exists() && !cache.path("refs/old").exists());
}

#[test]
fn a_digest_that_holds_a_control_character_still_protects_its_image() {
    let cache = TestCache::new();
    let image = cache.image("a\nb\x1b[31m");
    cache.raw_ref("0", "example.com/a:1\tsha256:a\nb\x1b[31m\n");
    run(&cache, &["gc"]).ok();
    assert!(image.exists());
}

#[test]
fn hostile_names_are_shown_escaped_and_never_raw() {
    let cache = TestCache::new();
    let names: [&[u8]; 4] =
        [b"sha256-\x1b]0;owned\x07", b"sha256-two\nlines", b"sha256-bad\xff", b"str\xc2\x9bnger"];
    for name in names {
        let path = cache.dir().join(OsStr::from_bytes(name));
        fs::create_dir(&path).unwrap();
        age(&path, Duration::from_secs(60));
    }
    fs::create_dir(cache.path("layers")).unwrap();
    fs::create_dir(cache.dir().join("layers").join(OsStr::from_bytes(b"sha256-\x1b[2J"))).unwrap();
    fs::create_dir(cache.path("tmp-\u{202e}x")).unwrap();
    cache.raw_ref("\x1b[31mfile", "");
    cache.raw_ref("1", "evil\x1b[2J\u{9b}31m\tsha256-two\nlines\n");
    let is_clean =
        |text: &str| !text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
    for arguments in [
        &["list"][..],
        &["list", "--sizes", "--no-trunc"],
        &["list", "-q"],
        &["list", "--format", "json"],
        &["gc", "-nv"],
        &["gc", "-n", "--format", "json"],
        &["purge", "-nv"],
        &["purge", "-n", "--format", "json"],
    ] {
        let run = run(&cache, arguments);
        assert!(
            is_clean(&run.out) && is_clean(&run.err),
            "{arguments:?} {:?} {:?}",
            run.out,
            run.err
        );
        assert_eq!(run.code, 0, "{arguments:?} {}", run.err);
    }
    let list = run(&cache, &["list"]);
    assert!(list.out.contains("evil\\u{1b}[2J\\u{9b}31m"), "{}", list.out);
    assert_eq!(
        list.out.lines().filter(|line| line.ends_with("orphan") || line.ends_with("live")).count(),
        3,
        "{}",
        list.out
    );
    assert_eq!(finish(bbox(&cache, &["purge", "-f"])).code, 0);
    assert!(!cache.dir().exists());
}

/// Names in errors, of running programs, and from the command line.
#[test]
fn hostile_names_in_errors_and_of_programs_are_escaped_too() {
    let cache = TestCache::new();
    let hostile = OsStr::from_bytes(b"\x1b]0;owned\x07\xc2\x9b31m\n");
    cache.image_with("stuck", |top| {
        fs::create_dir(top.join(hostile)).unwrap();
        fs::write(top.join(hostile).join(hostile), "x").unwrap();
    });
    let used = cache.image_with("used", |top| {
        fs::copy("/bin/sleep", top.join(hostile)).unwrap();
    });
    fs::write(used.join(".oci-config.json"), b"{\"Entrypoint\":[\"\x1b[2J\"]}").unwrap();
    age(&used, Duration::from_secs(60));
    let user = crate::people::User::new(&cache);
    if user.is_separate() {
        let foreign = cache.path("sha256-stuck").join(hostile);
        std::os::unix::fs::chown(foreign, Some(0), Some(0)).unwrap();
    }
    let mut program = Command::new(used.join(hostile)).arg("60").spawn().unwrap();
    let runs = [
        run(&cache, &["lease", "\x1b[2J", "--", "true"]),
        run(&cache, &["lease", "sha256:used", "--", "\x1b[2J"]),
        run(&cache, &["gc", "--keep-recent", "\x1b[2J"]),
        run(&cache, &["purge", "--format", "\x1b[2J"]),
        run(&cache, &["list", "--sizes"]),
        run(&cache, &["gc", "-nv"]),
        run(&cache, &["gc", "-nv", "--format", "json"]),
        user.run(&["gc", "-v"]),
        user.run(&["gc", "-v", "--format", "json"]),
    ];
    program.kill().unwrap();
    program.wait().unwrap();
    for run in &runs {
        let is_raw = |c: char| c.is_control() && c != '\n';
        assert!(!run.out.contains(is_raw) && !run.err.contains(is_raw), "{} {}", run.out, run.err);
    }
    assert_eq!(runs[..4].iter().map(|run| run.code).collect::<Vec<_>>(), [125, 127, 2, 2]);
    assert!(runs[5].out.contains("in-use: \\u{1b}]0;owned\\u{7}"), "{}", runs[5].out);
    let err = &runs[7].err;
    assert!(!user.is_separate() || err.contains("/\\u{1b}]0;owned"), "{err}");
}

#[test]
fn an_entry_that_is_a_file_or_a_symlink_is_not_part_of_the_cache() {
    let cache = TestCache::new();
    cache.image("a");
    fs::write(cache.path("sha256-file"), "x").unwrap();
    symlink("sha256-a", cache.path("sha256-link")).unwrap();
    let text = run(&cache, &["list"]).ok();
    assert!(text.contains("not part of the cache: sha256-file, sha256-link"), "{text}");
    run(&cache, &["gc"]).ok();
    assert!(cache.path("sha256-file").exists() && cache.path("sha256-link").is_symlink());
    assert!(!cache.path("sha256-a").exists());
}

#[test]
fn a_directory_that_may_not_be_read_makes_the_size_a_lower_bound() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let user = User::new(&cache);
    fs::set_permissions(image.join("usr/lib"), fs::Permissions::from_mode(0o000)).unwrap();
    let list = user.run(&["list"]);
    assert_eq!(list.code, 1);
    assert!(list.out.contains("  at least "), "{}", list.out);
    assert!(list.err.contains("usr/lib: Permission denied"), "{}", list.err);
    let json = user.run(&["list", "--format", "json"]).json();
    assert_eq!(json["images"][0]["usage"]["complete"], false);
    assert_eq!(json["totals"]["usage"]["complete"], false);
    assert_eq!(json["images"][0]["unique_bytes"]["at_most"], serde_json::Value::Null);
    for dry_run in [&["gc", "-n", "--all"][..], &["rm", "-n", "sha256:a"], &["purge", "-n"]] {
        let dry_run = user.run(dry_run);
        assert!(dry_run.code == 1 && dry_run.out.contains("freeing at least "), "{}", dry_run.out);
        assert!(dry_run.err.contains("usr/lib: Permission denied"), "{}", dry_run.err);
    }
    fs::set_permissions(image.join("usr/lib"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_layer_that_may_not_be_read_has_a_lower_bound_for_its_size() {
    let cache = TestCache::new();
    let layer = cache.layer("l");
    let image = cache.live("a");
    std::thread::sleep(Duration::from_millis(20));
    [&layer, &image].iter().for_each(|path| age(path, Duration::ZERO));
    let user = User::new(&cache);
    fs::set_permissions(layer.join("usr/lib"), fs::Permissions::from_mode(0o000)).unwrap();
    let list = user.run(&["list", "--sizes"]);
    fs::set_permissions(layer.join("usr/lib"), fs::Permissions::from_mode(0o755)).unwrap();
    let mut rows = list.out.lines().filter(|line| line.starts_with("l "));
    assert!(rows.next().unwrap().contains("at least "), "{}", list.out);
}

#[test]
fn a_tree_that_vanishes_while_it_is_walked_is_no_error() {
    let cache = TestCache::new();
    cache.live("a");
    let vanishing = cache.image_with("b", |top| rootfs(top, 2_000));
    std::thread::scope(|scope| {
        scope.spawn(|| fs::remove_dir_all(&vanishing).unwrap());
        while vanishing.exists() {
            let list = run(&cache, &["list", "--format", "json"]);
            assert_eq!((list.code, list.err.as_str()), (0, ""), "{}", list.out);
        }
    });
    run(&cache, &["list"]).ok();
}

#[test]
fn refs_that_are_no_directory_stop_gc() {
    let cache = TestCache::new();
    cache.image("a");
    fs::remove_dir(cache.path("refs")).unwrap();
    symlink(cache.outside(), cache.path("refs")).unwrap();
    let gc = run(&cache, &["gc"]);
    assert_eq!(gc.code, 1);
    let cause =
        "nothing was removed, because a reference in it may point to any image; make it readable";
    assert!(gc.err.contains(cause), "{}", gc.err);
    let lease = run(&cache, &["lease", "example.com/a:1", "--", "true"]);
    assert!(lease.code == 125 && lease.err.contains("cannot open"), "{}", lease.err);
    assert!(cache.path("sha256-a").exists());
    assert_eq!(run(&cache, &["list"]).code, 1);
}

#[test]
fn layers_behind_a_symlink_are_ignored_and_the_rest_is_listed() {
    let cache = TestCache::new();
    cache.live("a");
    let elsewhere = TestCache::new();
    elsewhere.layer("l");
    symlink(elsewhere.path("layers"), cache.path("layers")).unwrap();
    let text = run(&cache, &["list"]).ok();
    assert!(text.contains("  a  ") && text.contains("not part of the cache: layers"), "{text}");
    assert_eq!(finish(bbox(&cache, &["purge", "-f"])).code, 0);
    assert!(!cache.dir().exists() && elsewhere.path("layers/sha256-l/usr/a").exists());
}

#[test]
fn dir_prints_the_exact_bytes() {
    let cache = TestCache::new();
    let odd = cache.dir().join(OsStr::from_bytes(b"a\xffb\x1b[31mc"));
    let output = bare().args(["cache", "dir", "--cache-dir"]).arg(&odd).output().unwrap();
    assert_eq!(output.stdout, [odd.as_os_str().as_bytes(), b"\n"].concat());
}

#[test]
fn wrong_command_lines_are_usage_errors() {
    let cache = TestCache::new();
    for arguments in [
        &["lst"][..],
        &["list", "--jobs", "0"],
        &["list", "-j", "1025"],
        &["list", "-j", "many"],
        &["list", "--sizes", "--no-sizes"],
        &["list", "--sort", "age"],
        &["list", "--format", "xml"],
        &["gc", "-q", "-v"],
        &["-q", "gc", "-v"],
        &["list", "--no-sizes", "--sort", "size"],
        &["gc", "extra"],
        &[],
    ] {
        assert_eq!(run(&cache, arguments).code, 2, "{arguments:?}");
    }
    assert!(run(&cache, &["lst"]).err.contains("'list'"), "the slip is pointed out");
}

#[test]
fn options_are_taken_before_and_after_the_verb_and_from_the_environment() {
    let cache = TestCache::new();
    cache.image("a");
    let listed = "sha256:a\n";
    for arguments in [&["-q", "list"][..], &["list", "-q"], &["ls", "-q", "-j", "2"]] {
        assert_eq!(run(&cache, arguments).ok(), listed);
    }
    let mut command = bare();
    command.args(["cache", "list", "-q"]).env("BBOX_IMAGE_CACHE_DIR", cache.dir());
    assert_eq!(finish(command).ok(), listed);
    let mut command = bare();
    command.args(["cache", "dir"]).env("BBOX_IMAGE_CACHE_DIR", "").env("XDG_CACHE_HOME", "/x");
    assert_eq!(finish(command).ok(), "/x/broodbox/images\n", "an empty variable is none");
    run(&cache, &["prune"]).ok();
    assert!(!cache.path("sha256-a").exists());
}

#[test]
fn a_closed_pipe_does_not_leave_work_half_done() {
    let cache = TestCache::new();
    cache.live("a");
    cache.layer("l");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = Command::new(env!("CARGO_BIN_EXE_bbox"))
        .args(["cache", "purge", "--force", "--cache-dir"])
        .arg(cache.dir())
        .stdout(writer)
        .status()
        .unwrap();
    assert_eq!((status.code(), cache.dir().exists()), (Some(0), false));
}

#[test]
fn a_full_disk_is_reported_and_does_not_leave_work_half_done() {
    let cache = TestCache::new();
    cache.image("a");
    let full = fs::File::options().write(true).open("/dev/full");
    let Ok(full) = full else { return eprintln!("skipped: there is no /dev/full here") };
    let output = Command::new(env!("CARGO_BIN_EXE_bbox"))
        .args(["cache", "gc", "--cache-dir"])
        .arg(cache.dir())
        .stdout(full)
        .output()
        .unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(words.contains("cannot write the result: No space left on device"), "{words}");
    assert!(!cache.path("sha256-a").exists());
}

#[test]
fn a_closed_pipe_ends_it_quietly() {
    let cache = TestCache::new();
    (0..3000).for_each(|n| fs::create_dir(cache.path(&format!("sha256-{n:064}"))).unwrap());
    fs::create_dir(cache.path("refs")).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_bbox"))
        .args(["cache", "list", "--no-sizes", "--no-trunc", "--cache-dir"])
        .arg(cache.dir())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut byte = [0];
    child.stdout.take().unwrap().read_exact(&mut byte).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

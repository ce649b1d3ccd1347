//! `bbox cache show`.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::people::User;
use crate::support::cache::agents::Agent;
use crate::support::cache::{comb, rootfs};
use crate::support::{TestCache, du, exactly, run};

const CONFIG: &str = r#"{
    "Entrypoint": ["/bin/agent", "two words"],
    "Cmd": ["--serve"],
    "Env": ["PATH=/usr/bin:/bin", "EVIL=\u001b[31m"],
    "WorkingDir": "/work",
    "User": "agent"
}"#;

/// The size of a tree, formatted as by the program.
fn size(path: &Path) -> String {
    bytesize::ByteSize::b(du(path)).display().iec().to_string()
}

#[test]
fn an_image_with_all_there_is_to_say_of_it() {
    let cache = TestCache::in_memory();
    let image = cache.image_with("0123456789abcdef", |top| {
        for (file, mib) in [("opt/a/big", 7), ("opt/b/small", 2), ("usr/lib/c/deep/file", 1)] {
            fs::create_dir_all(top.join(file).parent().unwrap()).unwrap();
            fs::write(top.join(file), vec![1; mib << 20]).unwrap();
        }
    });
    fs::write(image.join(".oci-config.json"), CONFIG).unwrap();
    cache.tag("example.com/b:1", "0123456789abcdef");
    cache.tag("example.com/a:1", "0123456789abcdef");
    let text = run(&cache, &["show", "0123", "--top", "5", "--depth", "2"]).ok();
    // Facts that depend on the machine and the time.
    let passing = ["last used ", "born ", "disk "];
    let is_lasting = |line: &&str| !passing.iter().any(|label| line.starts_with(label));
    let without_times: Vec<_> = text.lines().filter(is_lasting).collect();
    assert_eq!(without_times.len() + passing.len(), text.lines().count());
    let [whole, opt, big, small, usr, lib] =
        ["", "opt", "opt/a", "opt/b", "usr", "usr/lib"].map(|part| size(&image.join(part)));
    assert_eq!(
        without_times.join("\n"),
        format!(
            "\
digest       sha256:0123456789abcdef
references   example.com/a:1
             example.com/b:1
status       live
entrypoint   /bin/agent 'two words'
command      --serve
environment  PATH=/usr/bin:/bin
             EVIL=\\u{{1b}}[31m
working dir  /work
user         agent
layers       unknown
apparent     10.0 MiB
on disk      {whole}
unique       {whole}
files        4
directories  8

 ON DISK  NAME
{whole:>8}  /          ████████████████████ 100%
{opt:>8}  ├─ opt/    ██████████████████    90%
{big:>8}  │ ├─ a/    ██████████████        70%
{small:>8}  │ └─ b/    ████                  20%
{usr:>8}  └─ usr/    ██                    10%
{lib:>8}    └─ lib/  ██                    10%"
        )
    );
    assert!(text.contains("\nlast used    30 min ago (20"), "{text}");
    let files = run(&cache, &["show", "0123", "--files", "--top", "2"]).ok();
    assert!(
        files.ends_with(&format!(
            "\
 ON DISK  FILE
{whole:>8}  /             ████████████████████ 100%
 7.0 MiB  /opt/a/big    ██████████████        70%
 2.0 MiB  /opt/b/small  ████                  20%
"
        )),
        "{files}"
    );
    assert_eq!(run(&cache, &["show", "0123", "-q"]).ok(), "sha256:0123456789abcdef\n");
}

#[test]
fn every_directory_is_as_big_as_du_says() {
    let cache = TestCache::new();
    let image = cache.image_with("a", |top| rootfs(top, 600));
    let all = ["show", "sha256:a", "--format", "json", "--depth", "10000", "--top", "10000"];
    let show = run(&cache, &all).json();
    assert_eq!(show["usage"]["on_disk_bytes"], du(&image));
    let directories = show["directories"].as_array().unwrap();
    assert_eq!(directories.len() as u64 + 1, show["usage"]["directories"].as_u64().unwrap());
    for directory in directories {
        let path = directory["path"].as_str().unwrap();
        assert_eq!(directory["usage"]["on_disk_bytes"], du(&image.join(&path[1..])), "{path}");
    }
}

#[test]
fn a_name_without_a_single_image_gets_suggestions() {
    let cache = TestCache::new();
    cache.live("abcd1");
    cache.image("abcd2");
    for (typed, reason) in [
        (
            "ABCD",
            "'ABCD' is ambiguous, it matches 2 images:\n  abcd1  example.com/abcd1:latest\n  abcd2  (orphan)\n",
        ),
        ("abc", " matches 'abc'; "),
        ("example.com/abcd1:lates", "did you mean example.com/abcd1:latest?\n"),
        ("x", " matches 'x'; "),
    ] {
        for format in ["table", "json"] {
            let show = run(&cache, &["show", typed, "--format", format]);
            assert_eq!((show.code, show.out.is_empty()), (1, format == "table"), "{typed}");
            assert!(show.err.contains(reason), "{}", show.err);
        }
    }
    fs::remove_dir_all(cache.dir()).unwrap();
    let show = run(&cache, &["show", "abc"]);
    let why = " does not exist";
    assert!(show.code == 1 && show.err.contains(why), "{}", show.err);
    for arguments in [&["show"][..], &["show", "sha256:a", "--top", "0"]] {
        assert_eq!(run(&cache, arguments).code, 2);
    }
}

#[test]
fn without_a_config_the_rest_is_shown() {
    let cache = TestCache::new();
    let config = cache.live("a").join(".oci-config.json");
    fs::write(&config, "no JSON").unwrap();
    let broken = run(&cache, &["show", "sha256:a"]);
    assert!(broken.code == 1 && broken.err.contains(".oci-config.json: it is not a valid config"));
    fs::remove_file(&config).unwrap();
    let missing = run(&cache, &["show", "sha256:a"]);
    assert!(missing.code == 0 && missing.err.contains("sha256:a has no .oci-config.json"));
    for out in [broken.out, missing.out] {
        assert!(out.contains("/  ") && !out.contains("entrypoint"), "{out}");
    }
    assert!(run(&cache, &["show", "sha256:a", "--format", "json"]).json()["config"].is_null());
}

#[test]
fn an_unreadable_directory_makes_those_above_it_lower_bounds() {
    let cache = TestCache::new();
    let image = cache.live("a");
    let user = User::new(&cache);
    fs::set_permissions(image.join("usr/lib/deep"), fs::Permissions::from_mode(0o000)).unwrap();
    let show = user.run(&["show", "sha256:a"]);
    assert_eq!(show.code, 1);
    assert!(show.err.contains("usr/lib/deep: Permission denied"), "{}", show.err);
    let json = user.run(&["show", "sha256:a", "--format", "json"]).json();
    fs::set_permissions(image.join("usr/lib/deep"), fs::Permissions::from_mode(0o755)).unwrap();
    let parts = json["directories"].as_array().unwrap();
    let parts: Vec<_> = parts.iter().map(|part| part["path"].as_str().unwrap()).collect();
    assert_eq!(parts, ["/usr", "/usr/lib", "/usr/lib/deep"]);
    assert!(
        json["directories"]
            .as_array()
            .unwrap()
            .iter()
            .all(|part| part["usage"]["complete"] == false)
    );
    assert_eq!(show.out.matches("at least ").count(), 5 + 4, "{}", show.out);
}

#[test]
fn names_from_an_image_are_shown_and_never_obeyed() {
    let cache = TestCache::new();
    cache.image_with("a", |top| {
        for name in [&b"\x1b[31m"[..], b"bad\xff"] {
            let directory = top.join(OsStr::from_bytes(name));
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join(OsStr::from_bytes(name)), [1; 9000]).unwrap();
        }
        std::os::unix::fs::symlink(cache.outside(), top.join("out")).unwrap();
    });
    for (option, names) in [
        ("--top=9", ["├─ \\u{1b}[31m", "└─ bad\\xff"]),
        ("--files", ["/\\u{1b}[31m/\\u{1b}[31m", "/bad\\xff/bad\\xff"]),
    ] {
        let text = run(&cache, &["show", "sha256:a", option]).ok();
        assert!(names.iter().all(|name| text.contains(name)), "{text}");
    }
    let show = run(&cache, &["show", "sha256:a", "--format", "json", "--files"]);
    assert!(!show.out.contains('\x1b'));
    assert_eq!(show.json()["directories"][1]["path"], "/bad\u{fffd}");
    assert_eq!(show.json()["usage"]["directories"], 3);
}

#[test]
fn a_tree_deeper_than_any_path_is_shown() {
    let cache = TestCache::in_memory();
    cache.image_with("a", |top| comb(top, &["d"], 2100));
    let all = ["show", "sha256:a", "--format", "json", "--depth", "10000", "--top", "10000"];
    let directories = run(&cache, &all).json()["directories"].clone();
    let deepest = directories.as_array().unwrap().iter().map(|part| part["depth"].as_u64());
    assert_eq!(deepest.max().flatten(), Some(2100));
    run(&cache, &["show", "sha256:a", "--depth", "2100"]).ok();
}

#[test]
fn an_inode_with_names_elsewhere_is_no_gain() {
    let cache = TestCache::in_memory();
    let image = cache.live("a");
    fs::write(image.join("usr/big"), vec![1; 1 << 20]).unwrap();
    fs::hard_link(image.join("usr/big"), cache.home().join("big")).unwrap();
    let show = run(&cache, &["show", "sha256:a", "--format", "json"]).json();
    assert_eq!(show["unique_bytes"], exactly(du(&image) - (1 << 20)));
    assert_eq!(show["directories"][0]["usage"]["on_disk_bytes"], du(&image.join("usr")));
}

#[test]
fn an_image_that_vanishes_is_not_there_any_more_and_no_more_than_that() {
    let cache = TestCache::new();
    let vanishing = cache.image_with("b", |top| rootfs(top, 2_000));
    std::thread::scope(|scope| {
        scope.spawn(|| fs::remove_dir_all(&vanishing).unwrap());
        while vanishing.exists() {
            let show = run(&cache, &["show", "sha256:b", "--format", "json"]);
            let is_gone =
                show.err.contains(" no longer in ") || show.err.contains("matches 'sha256:b'");
            assert!(show.code == 0 || (show.code == 1 && is_gone), "{}", show.err);
        }
    });
    assert_eq!(run(&cache, &["show", "sha256:b"]).code, 1);
}

#[test]
fn a_directory_in_an_image() {
    let cache = TestCache::in_memory();
    let image = cache.image_with("aaaa", |top| {
        for (file, mib) in [("usr/lib/a/big", 3), ("usr/lib/b", 1), ("opt/c", 2)] {
            fs::create_dir_all(top.join(file).parent().unwrap()).unwrap();
            fs::write(top.join(file), vec![1; mib << 20]).unwrap();
        }
        std::os::unix::fs::symlink(cache.outside(), top.join("out")).unwrap();
    });
    let text = run(&cache, &["show", "aaaa", "/usr/lib/"]).ok();
    let [lib, a] = ["usr/lib", "usr/lib/a"].map(|part| size(&image.join(part)));
    assert!(text.contains(&format!("{lib}  /usr/lib  ████████████████████ 100%\n")), "{text}");
    assert!(text.contains(&format!("{a}  ├─ a/     ███████████████       75%\n")), "{text}");
    assert!(text.contains("3.0 MiB  │ └─ big  ███████████████       75%\n"), "{text}");
    assert!(text.contains("1.0 MiB  └─ b      █████                 25%\n"), "{text}");
    assert!(!text.contains("opt"), "{text}");
    let files = run(&cache, &["show", "aaaa", "/usr", "--files", "--json", "--top=1"]).json();
    assert_eq!(files["part"]["path"], "/usr");
    assert_eq!(files["part"]["usage"]["on_disk_bytes"], du(&image.join("usr")));
    assert_eq!(files["files"][0]["path"], "/usr/lib/a/big");
    assert_eq!(files["files"].as_array().unwrap().len(), 1);
    let none = run(&cache, &["show", "aaaa", "--depth", "0"]).ok();
    assert!(none.trim_end().ends_with("100%") && !none.contains("usr"), "{none}");
    for (path, code, reason) in [
        ("/out", 2, "/out is a symlink, and symlinks in images are not followed"),
        ("/out/closed", 2, "/out is a symlink"),
        ("/usr/../..", 2, "`..` is not allowed"),
        ("usr", 1, "matches 'usr'"),
        ("/opt/c", 2, "/opt/c is not a directory"),
        ("/opt/\x1b[2J", 1, "the image has no /opt/\\u{1b}[2J"),
    ] {
        let show = run(&cache, &["show", "aaaa", path]);
        assert_eq!((show.code, show.out.as_str()), (code, ""), "{path}: {}", show.err);
        assert!(show.err.contains(reason), "{}", show.err);
    }
}

#[test]
fn several_images_and_layers_at_once() {
    let cache = TestCache::in_memory();
    let image = cache.pull(Agent::Codex, 1);
    cache.image("orphan");
    let digest = Agent::Codex.digest(1);
    let names = ["show", "codex", "sha256:orphan", "codex", "sha256:base"];
    let document = run(&cache, &[&names[..], &["--json"]].concat()).json();
    let images = document["images"].as_array().unwrap();
    let shown: Vec<_> = images.iter().map(|image| image["digest"].as_str().unwrap()).collect();
    assert_eq!(shown, [format!("sha256:{digest}").as_str(), "sha256:orphan", "sha256:base"]);
    let layer = &images[2];
    assert_eq!(layer["path"], cache.path("layers/sha256-base").to_str().unwrap());
    assert_eq!(layer["usage"]["on_disk_bytes"], du(&cache.path("layers/sha256-base")));
    assert_eq!(layer["warnings"].as_array().unwrap().len(), 0, "{layer}");
    let text = run(&cache, &names).ok();
    assert_eq!(text.matches("digest  ").count(), 3, "{text}");
    // A path inside applies to all of them, and a path into the cache names an image.
    let usr = run(&cache, &["show", "codex", image.to_str().unwrap(), "/usr"]).ok();
    assert!(usr.contains("  /usr  ") && usr.matches("digest  ").count() == 1, "{usr}");
    let path = image.to_str().unwrap();
    assert!(run(&cache, &["show", "sha256:orphan", path]).ok().matches("digest  ").count() == 2);
}

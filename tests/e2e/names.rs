//! The two names of the program.

use crate::support::{Run, TestCache, finish, run};

/// Runs `bbox-cache`, isolated from the user's environment.
fn bbox_cache(arguments: &[&str]) -> Run {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_bbox-cache"));
    command.env_remove("BBOX_IMAGE_CACHE_DIR").env_remove("XDG_CACHE_HOME").args(arguments);
    finish(command)
}

fn bbox(arguments: &[&str]) -> Run {
    let mut command = crate::support::bare();
    command.args(arguments);
    finish(command)
}

#[test]
fn the_short_program_does_the_same_and_offers_its_own_commands() {
    let cache = TestCache::new();
    cache.live("a");
    cache.image("b");
    let dir = cache.dir().into_os_string().into_string().unwrap();
    let short = bbox_cache(&["list", "--cache-dir", &dir]).ok();
    let own = format!("(1 orphan): run `bbox-cache --cache-dir {dir} gc`");
    assert!(short.contains(&own), "{short}");
    // The free disk space may change between the two runs.
    let lines = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(", disk ").next().unwrap().to_owned()).collect()
    };
    let long = run(&cache, &["list"]).ok();
    assert_eq!(lines(&short.replace("`bbox-cache ", "`bbox cache ")), lines(&long));
    let gc = bbox_cache(&["--cache-dir", &dir, "gc", "-n", "--format", "json"]).json();
    assert_eq!(gc, run(&cache, &["gc", "-n", "--format", "json"]).json());
    bbox_cache(&["gc", "-q", "--cache-dir", &dir]).ok();
    assert!(!cache.path("sha256-b").exists());
}

#[test]
fn help_versions_and_typos_use_the_words_of_the_program() {
    for (Run { out, .. }, usage, example) in [
        (bbox(&["cache", "gc", "--help"]), "Usage: bbox cache gc ", "\n  bbox cache gc -v "),
        (bbox_cache(&["gc", "--help"]), "Usage: bbox-cache gc ", "\n  bbox-cache gc -v "),
        (bbox_cache(&["help", "gc"]), "Usage: bbox-cache gc ", "\n  bbox-cache gc -v "),
    ] {
        assert!(out.contains(usage) && out.contains(example), "{out}");
    }
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(bbox(&["--version"]).ok(), format!("bbox {version}\n"));
    assert_eq!(bbox_cache(&["--version"]).ok(), format!("bbox-cache {version}\n"));
    for (run, tip) in [
        (bbox(&["ls"]), "tip: try 'bbox cache ls'"),
        (bbox(&["lst"]), "tip: try 'bbox cache list'"),
        (bbox(&["cache", "man", "."]), "tip: try 'bbox man'"),
        (bbox_cache(&["cache", "list"]), "tip: leave out 'cache': 'bbox-cache list'"),
        (bbox_cache(&["lst"]), "similar subcommands exist: 'ls', 'list'"),
        (bbox(&[]), "Examples:\n  bbox cache list "),
        (bbox_cache(&[]), "Examples:\n  bbox-cache list "),
    ] {
        assert!(run.code == 2 && run.err.contains(tip), "{} {}", run.code, run.err);
    }
}

/// Runs `bbox` with these directories in PATH.
fn with_path(places: &[&std::path::Path], arguments: &[&str]) -> Run {
    let mut command = crate::support::bare();
    command.env("PATH", std::env::join_paths(places).unwrap()).args(arguments);
    finish(command)
}

#[test]
fn other_commands_are_handed_over_to_the_other_bbox() {
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str| {
        let place = home.path().join(name);
        std::fs::create_dir(&place).unwrap();
        place
    };
    let [own, copy, runner] = ["own", "copy", "runner"].map(place);
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_bbox"), own.join("bbox")).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_bbox"), copy.join("bbox")).unwrap();
    let script = runner.join("bbox");
    std::fs::write(&script, "#!/bin/sh\nprintf '<%s>' \"$@\"\nexit 42\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).unwrap();
    // Copies of this program, and other paths to it, are skipped and never call each other for
    // ever.
    for places in [
        &[runner.as_path()][..],
        &[&own, &runner],
        &[&own, &copy, &own, &runner],
        &[&copy, &own, &copy, &runner, &own],
    ] {
        for arguments in [&["claude-code", "--", "a b", ""][..], &["list"], &["--pull=always"]] {
            let run = with_path(places, arguments);
            let words: String = arguments.iter().map(|word| format!("<{word}>")).collect();
            assert_eq!((run.code, run.out.as_str()), (42, words.as_str()), "{}", run.err);
        }
        for slip in ["cahce", "mna"] {
            let run = with_path(places, &[slip]);
            assert!(run.code == 2 && run.err.contains("tip: "), "{} {}", run.code, run.err);
        }
        assert!(with_path(places, &["--version"]).ok().starts_with("bbox "));
    }
    let run = with_path(&[&own, &copy], &["claude-code"]);
    let tip = "this bbox is the image cache tool";
    assert!(run.code == 2 && run.err.contains(tip), "{} {}", run.code, run.err);
}

/// All other exit codes are those of the command.
#[test]
fn failures_of_a_lease_have_their_own_exit_code() {
    for arguments in [
        &["lease"][..],
        &["lease", "x"],
        &["lease", "x", "--", ""],
        &["lease", "--bogus", "x", "--", "true"],
        &["--bogus", "lease", "x", "--", "true"],
        &["lease", "-qv", "x", "--", "true"],
        &["lease", "--cache-dir", "/nobody/is/here", "x", "--", "true"],
    ] {
        let (long, short) = (bbox(&[&["cache"], arguments].concat()), bbox_cache(arguments));
        assert_eq!((long.code, short.code), (125, 125), "{arguments:?} {}", short.err);
    }
    assert_eq!(bbox_cache(&["lease", "--help"]).code, 0);
    let missing = bbox_cache(&["lease", "--cache-dir", "/nobody/is/here", "x", "--", "true"]);
    let why = "error: no image matches 'x': /nobody/is/here does not exist\n";
    assert_eq!(missing.err, why);
}

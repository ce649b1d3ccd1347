//! What protects an image without a reference: leases, processes, recent use. Also, concurrent gcs
//! that keep out of each other's way.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::people::at_terminal;
use crate::support::cache::age;
use crate::support::{TestCache, bbox, run};

/// A process that runs for the length of a test.
struct Running(Child);

impl Running {
    fn new(command: &mut Command) -> Self {
        Self(command.stdin(Stdio::null()).spawn().unwrap())
    }

    /// `sleep`, with this working directory.
    fn in_directory(path: &Path) -> Self {
        Self::new(Command::new("sleep").arg("60").current_dir(path))
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// The program, for tests that need more than its output.
fn program(cache: &TestCache, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
    command
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "{what} does not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn reason(cache: &TestCache, arguments: &[&str]) -> String {
    let gc = run(cache, &[&["gc", "--format", "json"], arguments].concat()).json();
    let decisions = gc["decisions"].as_array().unwrap();
    decisions[0]["reason"].as_str().unwrap().to_owned()
}

#[test]
fn an_image_that_a_process_uses_stays_and_its_user_is_named() {
    let cache = TestCache::new();
    let image = cache.image("a");
    cache.image("b");
    let user = Running::in_directory(&image.join("usr"));
    let gc = run(&cache, &["gc"]).ok();
    let kept = format!("in-use: sleep (pid {})\n", user.pid());
    assert!(gc.contains("Kept") && gc.contains(&kept) && gc.contains("Removed 1 image, "), "{gc}");
    assert!(image.join("usr/lib/deep/b").exists() && !cache.path("sha256-b").exists());
    let json = run(&cache, &["gc", "--format", "json"]).json();
    assert_eq!(json["decisions"][0]["users"][0]["pid"], user.pid());
    drop(user);
    assert_eq!(reason(&cache, &[]), "orphan");
    assert!(!image.exists());
}

#[test]
fn purge_names_the_users_in_its_question_and_obeys_force() {
    let cache = TestCache::new();
    let user = Running::in_directory(&cache.image("a"));
    let (code, seen) = at_terminal(&cache, &["purge"], "n\n");
    let named = format!("a is in use by sleep (pid {})", user.pid());
    assert!(code == 0 && seen.contains(&named) && cache.dir().exists(), "{seen}");
    run(&cache, &["purge", "--force"]);
    assert!(!cache.dir().exists());
}

#[test]
fn a_leased_image_stays_until_the_command_ends() {
    let cache = TestCache::new();
    let image = cache.image("abcdef0123456789");
    let marker = cache.home().join("marker");
    let script = format!("touch {0}; while test -e {0}; do sleep 0.02; done", marker.display());
    let lease = ["lease", "abcdef", "--", "sh", "-c", &script];
    let mut holder = program(&cache, &lease).spawn().unwrap();
    wait_for("the command", || marker.exists());
    assert_eq!(reason(&cache, &["-n"]), "leased");
    assert_eq!(reason(&cache, &[]), "leased");
    assert!(image.join("usr/a").exists());
    fs::remove_file(&marker).unwrap();
    assert_eq!(holder.wait().unwrap().code(), Some(0));
    assert_eq!(reason(&cache, &[]), "orphan");
}

#[test]
fn a_lease_ends_with_its_command_however_that_ends() {
    let cache = TestCache::new();
    let image = cache.live("a");
    let leased = |name: &str, command: &[&str]| {
        let lease = run(&cache, &[&["lease", name, "--"], command].concat());
        (lease.code, lease.out, lease.err)
    };
    let (code, out, _) = leased("example.com/a:latest", &["echo", "hello", "-v", "--", "x"]);
    assert_eq!((code, out.as_str()), (0, "hello -v -- x\n"));
    assert_eq!(leased("sha256:a", &["sh", "-c", "exit 42"]).0, 42);
    assert_eq!(leased("sha256:a", &["sh", "-c", "kill -9 $$"]).0, 128 + 9);
    assert_eq!(leased("sha256:a", &["no-such-program"]).0, 127);
    assert_eq!(leased("sha256:a", &[image.to_str().unwrap()]).0, 126);
    let (code, _, err) = leased("example.com/b:1", &["true"]);
    assert!(code == 125 && err.contains(" matches 'example.com/b:1'; "), "{code} {err}");
    cache.raw_ref("r", "x\tsha256:gone\n");
    let (code, _, err) = leased("x", &["true"]);
    assert!(
        code == 125 && err.contains("'x' points at sha256:gone, which is not in "),
        "{code} {err}"
    );
    fs::remove_dir_all(cache.path("refs")).unwrap();
    run(&cache, &["gc", "-q", "--keep-recent=0s"]);
    assert!(!image.exists(), "nothing protects it any more");
}

#[test]
fn a_lease_passes_signals_on_and_survives_ctrl_c() {
    let cache = TestCache::new();
    cache.image("a");
    let marker = cache.home().join("marker");
    let script = format!(
        "trap '' INT; trap 'exit 7' TERM; touch {}; while :; do sleep 0.02; done",
        marker.display()
    );
    let mut lease = program(&cache, &["lease", "sha256:a", "--", "sh", "-c", &script]);
    let mut holder = lease.spawn().unwrap();
    wait_for("the command", || marker.exists());
    // Ignored from the start, as set by a shell for a background job.
    for signal in [Signal::INT, Signal::INT] {
        kill_process(Pid::from_child(&holder), signal).unwrap();
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(reason(&cache, &["-n"]), "leased");
    kill_process(Pid::from_child(&holder), Signal::TERM).unwrap();
    assert_eq!(holder.wait().unwrap().code(), Some(7));
    assert_eq!(reason(&cache, &["-n"]), "orphan");
}

#[test]
fn a_lease_ends_with_its_holder_not_with_processes_left_behind() {
    let cache = TestCache::new();
    cache.image("a");
    let mut holder = program(&cache, &["lease", "sha256:a", "--", "sleep", "1"]).spawn().unwrap();
    wait_for("the lease", || reason(&cache, &["-n"]) == "leased");
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(reason(&cache, &["-n"]), "orphan");
    let daemon = ["lease", "sha256:a", "--", "sh", "-c", "sleep 5 >/dev/null 2>&1 &"];
    run(&cache, &daemon).ok();
    assert_eq!(reason(&cache, &["-n"]), "orphan");
}

/// `nohup` and shells make programs ignore signals; their commands must ignore them, too.
#[test]
fn signals_ignored_by_a_lease_are_ignored_by_its_command() {
    let cache = TestCache::new();
    cache.image("a");
    if !Path::new("/proc/self/status").exists() {
        return eprintln!("skipped: this system does not tell which signals are ignored");
    }
    let marker = cache.home().join("marker");
    let script = format!("touch {}; sleep 0.5", marker.display());
    let command = format!(
        "trap '' HUP; exec {} cache --cache-dir {} lease sha256:a -- sh -c '{script}'",
        env!("CARGO_BIN_EXE_bbox"),
        cache.dir().display()
    );
    let mut holder = Command::new("sh").arg("-c").arg(command).spawn().unwrap();
    wait_for("the command", || marker.exists());
    kill_process(Pid::from_child(&holder), Signal::HUP).unwrap();
    assert_eq!(holder.wait().unwrap().code(), Some(0));
}

#[test]
fn a_second_gc_reports_the_first_and_waits_or_gives_up() {
    let cache = TestCache::new();
    cache.image("dead");
    let root = fs::File::open(cache.dir()).unwrap();
    rustix::fs::flock(&root, rustix::fs::FlockOperation::LockExclusive).unwrap();
    for verb in [&["gc"][..], &["purge", "--force"]] {
        let busy = run(&cache, &[verb, &["--no-wait"]].concat());
        assert_eq!(busy.code, 75, "{}", busy.err);
        assert!(
            busy.err.contains("is running a gc on") && busy.err.contains("nothing was changed")
        );
        if cfg!(all(target_os = "linux", not(bbox_portable))) {
            let own = format!("(pid {})", std::process::id());
            assert!(busy.err.contains(&own), "{}", busy.err);
        }
    }
    assert!(run(&cache, &["gc", "-n", "--no-wait"]).ok().contains("Would remove"));
    let waiting = bbox(&cache, &["gc"]);
    std::thread::scope(|scope| {
        let gc = scope.spawn(|| crate::support::finish(waiting));
        std::thread::sleep(Duration::from_millis(300));
        assert!(cache.path("sha256-dead").exists());
        drop(root);
        let gc = gc.join().unwrap();
        assert!(gc.code == 0 && gc.err.contains("to finish its gc…"), "{}", gc.err);
    });
    assert!(!cache.path("sha256-dead").exists());
}

#[test]
fn a_recently_used_orphan_can_be_kept() {
    let cache = TestCache::new();
    let image = cache.image("a");
    age(&image, Duration::from_secs(90 * 60));
    for (duration, reason_seen) in [("2h", "recent"), ("1h", "orphan"), ("90d", "recent")] {
        assert_eq!(reason(&cache, &["-n", "--keep-recent", duration]), reason_seen, "{duration}");
    }
    let future = std::time::SystemTime::now() + Duration::from_secs(3600);
    fs::File::open(&image).unwrap().set_modified(future).unwrap();
    assert_eq!(reason(&cache, &["-n", "--keep-recent", "1h"]), "recent");
    let wrong = run(&cache, &["gc", "--keep-recent", "7"]);
    assert!(wrong.code == 2 && wrong.err.contains("such as 90m, 36h, 7d or 2w"), "{}", wrong.err);
}

#[test]
fn an_index_that_may_have_been_dropped_is_doubted_before_anything_is_removed() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let doubts = |verb: &[&str]| run(&cache, verb).err.contains("may have dropped its references");
    assert!(!doubts(&["list"]) && !doubts(&["gc", "-n"]));
    age(&image, Duration::from_secs(2 * 3600));
    assert!(doubts(&["list"]) && doubts(&["gc", "-n"]));
    cache.tag("example.com/a:1", "a");
    assert!(!doubts(&["list"]));
    let list = run(&cache, &["list", "--format", "json"]).json();
    assert_eq!(list["warnings"].as_array().unwrap().len(), 0);
}

// On other systems, processes are not found through `/proc`.
#[cfg(all(target_os = "linux", not(bbox_portable)))]
#[test]
fn without_proc_a_collection_keeps_images_and_says_why() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let script = "umount -l /proc && exec \"$@\"";
    let mut command = Command::new("unshare");
    command.args(["-m", "sh", "-c", script, "sh", env!("CARGO_BIN_EXE_bbox"), "cache", "gc"]);
    let output = command.arg("--cache-dir").arg(cache.dir()).output();
    let Some(output) = output.ok().filter(|output| output.status.success()) else {
        // As root, this must work.
        assert!(!rustix::process::getuid().is_root());
        return eprintln!("skipped: only root can hide /proc");
    };
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        err.contains("does not report which processes use an image, so all images are kept"),
        "{err}"
    );
    assert!(image.exists());
}

/// The owner's own process has the path of its tree in the JSON of its first argument.
#[test]
fn the_first_machine_of_a_fresh_pull_keeps_its_image() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let runner = format!(r#"{{"cpus":2,"root_path":"{}"}}"#, image.display());
    let mut command = Command::new("sh");
    command.arg0("go-microvm-runner").args(["-c", "read line", "sh", &runner]);
    let mut runner = command.stdin(Stdio::piped()).spawn().unwrap();
    let seen = reason(&cache, &[]);
    runner.kill().unwrap();
    runner.wait().unwrap();
    assert_eq!(seen, "in-use");
    assert!(image.exists());
}

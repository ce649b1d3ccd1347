//! Processes whose threads do not share everything.

use super::*;

/// Runs a Python program with the C library as `c` and an entry as its argument.
fn python(program: &str, entry: &Path) -> Option<Running> {
    let begin = "import ctypes, os, sys, threading, time\nc = ctypes.CDLL(None)\n";
    let mut command = Command::new("python3");
    let command = command.arg("-c").arg(format!("{begin}{program}")).arg(entry);
    let child = command.spawn().ok().map(Running);
    if child.is_none() {
        eprintln!("skipped: there is no python3");
    }
    child
}

#[test]
fn a_thread_with_its_own_directory_or_files_uses_them() {
    for (own, act) in [("0x200", "os.chdir(sys.argv[1])"), ("0x400", "os.open(sys.argv[1], 0)")] {
        let files = TestCache::new();
        let program = format!(
            "def run():\n  c.unshare({own})\n  {act}\n  time.sleep(30)\n\
             threading.Thread(target=run).start()"
        );
        let Some(child) = python(&program, &files.image("a")) else { return };
        assert_user(&open(files.dir()), &image("sha256-a"), &child);
    }
}

#[test]
fn a_process_whose_first_thread_has_ended_still_uses_its_entries() {
    for act in ["os.chdir(sys.argv[1])", "os.open(sys.argv[1], 0)"] {
        let files = TestCache::new();
        let program = format!(
            "{act}\nthreading.Thread(target=time.sleep, args=[30]).start()\nc.pthread_exit(None)"
        );
        let Some(child) = python(&program, &files.image("a")) else { return };
        let status = format!("/proc/{}/status", child.pid());
        let is_zombie = |status: String| status.contains("State:\tZ");
        assert!(comes_true(|| fs::read_to_string(&status).is_ok_and(is_zombie)));
        assert_user(&open(files.dir()), &image("sha256-a"), &child);
    }
}

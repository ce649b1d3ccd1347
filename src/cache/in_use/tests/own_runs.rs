//! Other runs of the program that these tests are.

use super::*;

/// Set for a run of [`another_run_waits`] that is to be looked at.
const IS_CHILD: &str = "BBOX_CACHE_TEST_CHILD";

/// One that runs only the test of this name among those of users.
pub fn test_alone(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--exact").arg(format!("cache::in_use::tests::{name}"));
    command.env(IS_CHILD, "1").stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

pub fn is_child() -> bool {
    std::env::var_os(IS_CHILD).is_some()
}

/// No test of its own: what the one below runs.
#[test]
fn another_run_waits() {
    if is_child() {
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[test]
fn another_run_of_this_program_only_counts_if_it_holds_a_lease() {
    let files = TestCache::new();
    let entry = files.image("a");
    let start = |argument| {
        let mut command = test_alone("own_runs::another_run_waits");
        Running::start(command.arg(argument).current_dir(&entry))
    };
    let (walker, leaseholder) = (start("list"), start("lease"));
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &leaseholder);
    let users = cache.users().unwrap().unwrap();
    assert!(users.get(&image("sha256-a")).iter().all(|user| user.holds_lease));
    assert!(!is_user(&cache, &image("sha256-a"), &walker));
    let current = fs::read_link(format!("/proc/{}/cwd", walker.pid())).unwrap();
    assert_eq!(current, entry.canonicalize().unwrap());
}

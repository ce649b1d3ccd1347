//! Runs of this program, and other programs with the same executable.

use super::*;

/// Set to the role to announce in a run of [`another_run_waits`] that is to be inspected.
const ROLE: &str = "BBOX_CACHE_TEST_CHILD";

/// A command that runs only the test of this name.
pub fn test_alone(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg("--exact").arg(format!("cache::in_use::tests::{name}"));
    command.env(ROLE, "").stdin(Stdio::piped()).stdout(Stdio::null());
    command
}

pub fn is_child() -> bool {
    std::env::var_os(ROLE).is_some()
}

/// Not a test of its own, but what the one below runs.
#[cfg(feature = "cli")]
#[test]
fn another_run_waits() {
    if let Ok(role) = std::env::var(ROLE) {
        let _mark = match &role[..] {
            "walker" => announce(Role::Walker),
            "leaseholder" => announce(Role::Leaseholder),
            _ => None,
        };
        std::io::stdin().read_line(&mut String::new()).unwrap();
    }
}

#[cfg(feature = "cli")]
#[test]
fn a_run_of_this_program_only_counts_if_it_holds_a_lease() {
    let files = TestCache::new();
    let entry = files.image("a");
    let start = |role| {
        let mut command = test_alone("own_runs::another_run_waits");
        Running::start(command.env(ROLE, role).current_dir(&entry))
    };
    let start = |role| {
        let child = start(role);
        let is_marked = || {
            let links = fs::read_dir(format!("/proc/{}/fd", child.pid())).unwrap().flatten();
            links
                .filter_map(|link| fs::read_link(link.path()).ok())
                .any(|path| Role::of_link(path.as_os_str().as_encoded_bytes()).is_some())
        };
        assert!(role == "embeds" || comes_true(is_marked));
        child
    };
    let [walker, leaseholder, other] = ["walker", "leaseholder", "embeds"].map(start);
    let cache = open(files.dir());
    assert_user(&cache, &image("sha256-a"), &other);
    let users = cache.users().unwrap().unwrap();
    let users = users.get(&image("sha256-a")).iter().map(|user| (user.pid, user.holds_lease));
    let mut expected = [(leaseholder.pid(), true), (other.pid(), false)];
    expected.sort();
    assert_eq!(users.collect::<Vec<_>>(), expected, "{}", walker.pid());
}

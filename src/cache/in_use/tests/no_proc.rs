//! A system without `/proc`.

use super::own_runs::{is_child, test_alone};
use super::*;

const NAME: &str = "no_proc::no_users_are_reported_and_that_is_not_an_error";

#[test]
fn no_users_are_reported_and_that_is_not_an_error() {
    if is_child() {
        let files = TestCache::new();
        assert!(open(files.dir()).users().unwrap().is_none());
        return;
    }
    let mut command = Command::new("unshare");
    // A failed test exits with 101.
    command.args(["-m", "sh", "-c", r#"umount -l /proc || exit 7; exec "$@""#, "sh"]);
    let test = test_alone(NAME);
    command.arg(test.get_program()).args(test.get_args());
    command.envs(test.get_envs().filter_map(|(name, value)| Some((name, value?))));
    match command.stdout(Stdio::null()).status().ok().and_then(|status| status.code()) {
        Some(0) => {}
        Some(101) => panic!("the test without /proc has failed"),
        code => eprintln!("skipped: /proc cannot be hidden ({code:?})"),
    }
}

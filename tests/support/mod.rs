//! Shared code of the end-to-end tests.

#[allow(dead_code, reason = "benches and the demo use all of it")]
pub mod cache;

use std::path::Path;

use assert_cmd::Command;
pub use cache::TestCache;

/// The program on this cache, isolated from the user's own environment.
pub fn bbox(cache: &TestCache, arguments: &[&str]) -> Command {
    let mut command = bare();
    command.args(["cache", "--cache-dir"]).arg(cache.dir()).args(arguments);
    command
}

/// The program without arguments. It cannot find the user's own cache, because it has no home
/// directory.
pub fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
    command.env_remove("BBOX_IMAGE_CACHE_DIR").env_remove("XDG_CACHE_HOME").env_remove("NO_COLOR");
    command.env("HOME", "/nobody/is/here").env("LC_ALL", "C.UTF-8");
    command
}

/// The result of a run.
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn run(cache: &TestCache, arguments: &[&str]) -> Run {
    finish(bbox(cache, arguments))
}

pub fn finish(mut command: Command) -> Run {
    let output = loop {
        match command.output() {
            // A child of another test has inherited the program's file while it was open for
            // writing.
            Err(error) if error.kind() == std::io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
            output => break output.unwrap(),
        }
    };
    let text = |bytes| String::from_utf8(bytes).expect("all output is UTF-8");
    let code = output.status.code().expect("no signal ended it");
    let err = without_machine(&text(output.stderr));
    let run = Run { code, out: text(output.stdout), err };
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run
}

/// Drops the warning about processes that could not be seen, which depends on the machine.
fn without_machine(err: &str) -> String {
    let is_of_cache = |line: &&str| {
        !(line.contains(": images used only by ") && line.contains(" are not protected. "))
    };
    err.split_inclusive('\n').filter(is_of_cache).collect()
}

impl Run {
    /// The standard output of a run that succeeded without warnings.
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        self.out
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }
}

/// A pair of equal bounds in a JSON document.
pub fn exactly(bytes: u64) -> serde_json::Value {
    serde_json::json!({"certain": bytes, "at_most": bytes})
}

/// The size of a path according to `du`: an independent opinion.
pub fn du(path: &Path) -> u64 {
    let output = std::process::Command::new("du").arg("-sk").arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

//! Limits of the process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// macOS refuses a larger number even where it says "unlimited".
const MOST_ON_MACOS: u64 = 10_240;

/// Allows as many open files as the system lets this process have: some begin with 256, and the
/// more there are the more threads can share a tree.
pub fn raise_open_files() {
    let original = getrlimit(Resource::Nofile);
    let highest = highest(original.maximum);
    if is_below(original.current, highest) {
        // With fewer files the work takes fewer threads; it succeeds all the same.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: highest, ..original });
    }
}

/// `None` is no limit at all.
fn highest(maximum: Option<u64>) -> Option<u64> {
    match cfg!(target_vendor = "apple") {
        true => Some(maximum.map_or(MOST_ON_MACOS, |maximum| maximum.min(MOST_ON_MACOS))),
        false => maximum,
    }
}

fn is_below(current: Option<u64>, highest: Option<u64>) -> bool {
    current.is_some_and(|current| highest.is_none_or(|highest| current < highest))
}

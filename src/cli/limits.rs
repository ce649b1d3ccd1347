//! Limits of the process.

use rustix::process::{Resource, getrlimit, setrlimit};

/// More than any run needs; macOS refuses a larger number even where it says "unlimited".
const ENOUGH_FILES: u64 = 10_240;

/// Allows as many open files as a run may need: some systems begin with 256, which many threads in
/// deep trees may exceed.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    let possible = limit.maximum.map_or(ENOUGH_FILES, |maximum| maximum.min(ENOUGH_FILES));
    if limit.current.is_none_or(|current| current >= possible) {
        return;
    }
    limit.current = Some(possible);
    // With fewer files the work may still succeed; if it does not, that is reported where it fails.
    let _ = setrlimit(Resource::Nofile, limit);
}

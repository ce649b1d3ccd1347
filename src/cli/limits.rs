//! Limits of the process.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Allows as many open files as the system permits: some systems begin with 256, which many
/// threads in deep trees may exceed.
pub fn raise_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // With fewer files the work may still succeed; if it does not, that is reported where it fails.
    let _ = setrlimit(Resource::Nofile, limit);
}

//! How removals behave on a file system.

/// What several threads gain by removing names at the same time. It only decides how many threads
/// begin: see `sweep/pace.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "each system has its own")]
pub enum RemovalPattern {
    /// One name is removed at a time, however many threads try. This many threads are the fastest:
    /// one removes, and a second one checks the next files.
    Queued { threads: usize },
    /// Nothing waits for a disk: as many threads as processors are the fastest.
    InMemory,
    /// Removals wait for a disk, and many can wait at the same time. Also if nothing is known.
    OnDisk,
}

//! Reports the progress of a collection, and lets the caller stop it.

use crate::plan::Decision;
use crate::stop::StopFlag;
use crate::sweep::RemovalResult;
use crate::usage::Progress;

/// How precisely to find out how much space a collection frees, if files can share data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Bounds, and the file system's own figure.
    #[default]
    Full,
    /// Bounds, and the file system's own figure if the bounds differ.
    Bounds,
    /// The fastest option. On btrfs, reading extents first costs a quarter of the time of the
    /// removal, so only the file system's own figure is used there.
    Quick,
    /// Nothing at all.
    None,
}

/// Observes a collection, and may stop it. Each method does nothing by default, so `()` is a
/// reporter.
pub trait Reporter {
    /// Raise this flag to end the collection early. The next collection finishes what this one
    /// started.
    fn stop(&self) -> StopFlag {
        StopFlag::new()
    }

    /// How precisely to find out how much space is freed.
    fn detail(&self) -> Detail {
        Detail::default()
    }

    /// Called about ten times a second while trees are measured.
    fn measuring(&mut self, _progress: &Progress) {}

    /// Called about ten times a second while items are removed.
    fn removing(&mut self, _progress: &Progress) {}

    /// Called when the removal of an item has ended.
    fn removed(&mut self, _decision: &Decision, _result: &RemovalResult) {}
}

impl Reporter for () {}

//! Who watches a collection.

use crate::plan::Decision;
use crate::stop::StopFlag;
use crate::sweep::RemovalResult;
use crate::usage::Progress;

/// How much a collection finds out about what it frees, where files can share data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Detail {
    /// Bounds of what is freed, and the file system's own word.
    #[default]
    Full,
    /// Bounds; and the file system's word where they leave anything open.
    Bounds,
    /// What is quickest: on btrfs, reading extents first costs a quarter of the removal, so only the
    /// file system's word is asked for there.
    Quick,
    /// Nothing.
    None,
}

/// Watches a collection, and may stop it. Each method does nothing by default, so `()` is a reporter.
pub trait Reporter {
    /// Raised to end the collection early. What it had begun is finished by the next one.
    fn stop(&self) -> StopFlag {
        StopFlag::new()
    }

    /// What has to be found out about the bytes that are freed.
    fn detail(&self) -> Detail {
        Detail::default()
    }

    /// Trees are being measured: called about ten times a second until that ends.
    fn measuring(&mut self, _progress: &Progress) {}

    /// Things are being removed: called about ten times a second until that ends.
    fn removing(&mut self, _progress: &Progress) {}

    /// A removal has ended.
    fn removed(&mut self, _decision: &Decision, _result: &RemovalResult) {}
}

impl Reporter for () {}

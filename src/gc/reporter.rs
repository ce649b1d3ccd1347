//! Who watches a collection.

use crate::plan::Decision;
use crate::stop::StopFlag;
use crate::sweep::RemovalResult;
use crate::usage::Progress;

/// Watches a collection, and may stop it. Each method does nothing by default, so `()` is a reporter.
pub trait Reporter {
    /// Raised to end the collection early. What it had begun is finished by the next one.
    fn stop(&self) -> StopFlag {
        StopFlag::new()
    }

    /// Trees are being measured: called about ten times a second until that ends.
    fn measuring(&mut self, _progress: &Progress) {}

    /// Things are being removed: called about ten times a second until that ends.
    fn removing(&mut self, _progress: &Progress) {}

    /// A removal has ended.
    fn removed(&mut self, _decision: &Decision, _result: &RemovalResult) {}
}

impl Reporter for () {}

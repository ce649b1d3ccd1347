//! How much a removal has freed.
//!
//! The sweep counts the bytes on disk that it removes. Where files can share data, not all of that
//! comes back: then the doomed trees have been measured before, and that says how much does. And the
//! file system has a word of its own, which includes its metadata and whatever others did meanwhile.

use bytesize::ByteSize;

use crate::plan::Plan;
use crate::sweep::{Outcome, RemovalResult};
use crate::usage::{Estimate, Measurement};

/// What there is to judge it by.
#[derive(Default)]
pub struct Freed {
    /// Of what was doomed, where files can share data.
    pub measurement: Option<Measurement>,
    /// Free bytes on the file system before and after.
    pub room: Option<(u64, u64)>,
}

impl Freed {
    /// How much came back of what is gone by now.
    pub fn estimate(&self, plan: &Plan, outcome: &Outcome) -> Estimate {
        let locations = plan.removals().map(|decision| decision.item.location());
        let (mut gone, mut whole, mut parts) = (Vec::new(), ByteSize::b(0), ByteSize::b(0));
        for location in locations {
            match outcome.get(location) {
                Some(RemovalResult::Removed { freed }) => {
                    gone.push(location);
                    whole += *freed;
                }
                Some(result) => parts += result.freed(),
                None => {}
            }
        }
        match &self.measurement {
            None => Estimate::exactly(whole + parts),
            Some(measurement) => measurement.reclaimable(gone).capped(whole).or_up_to(parts),
        }
    }

    /// What the file system says has come back.
    pub fn by_file_system(&self) -> Option<i64> {
        let (before, after) = self.room?;
        Some(after.wrapping_sub(before).cast_signed())
    }
}

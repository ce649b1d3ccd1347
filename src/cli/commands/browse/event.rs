//! What happens to the state, and what the state wants done.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::Entry;
use super::keys::Key;
use super::list::List;
use super::screen::{Part, Proposal};
use crate::cache::Location;
use crate::usage::{CacheUsage, Estimate, Measurement, Phase, Usage};

/// What has happened.
#[derive(Debug)]
pub enum Event {
    Key(Key),
    Resize {
        columns: u16,
        lines: u16,
    },
    /// Time has passed.
    Tick(Timestamp),
    /// What lies in the cache; judged, if it was also asked what a collection would do.
    Listed {
        entries: Vec<Entry>,
        is_judged: bool,
    },
    /// There is no cache directory.
    NoCache,
    /// What a measurement has counted since the last report.
    Counted {
        trees: Vec<(Location, Usage, Phase)>,
        done: usize,
        all: usize,
    },
    Measured(Arc<CacheUsage>),
    /// A measurement was stopped.
    Stopped,
    /// What has been counted in an image that is being entered.
    Entering {
        ticket: u64,
        counted: Usage,
    },
    Entered {
        ticket: u64,
        tree: Arc<Measurement>,
        list: List<Part>,
    },
    /// What removing all of these together frees.
    Summed {
        marked: BTreeSet<Location>,
        frees: Estimate,
    },
    Proposed {
        proposal: Proposal,
        has_changed: bool,
    },
    Removing(Usage),
    Removed {
        summary: String,
        lines: Vec<String>,
        shares_data: bool,
        has_failed: bool,
    },
    /// Something to read.
    Told {
        title: String,
        lines: Vec<String>,
    },
    /// The cache could not be listed.
    LookFailed(String),
    /// Something else could not be done.
    Failed(String),
}

/// What is to be done outside. Each answers with events.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect {
    Look {
        judge: bool,
    },
    Measure,
    StopMeasuring,
    Enter {
        ticket: u64,
        at: Location,
        path: PathBuf,
        is_known: bool,
    },
    StopEntering,
    /// What removing the marked ones frees.
    Sum(BTreeSet<Location>),
    /// What differs between an image and the build that replaced it.
    Compare {
        old: Location,
        new: Location,
    },
    Propose(Vec<Location>),
    Remove(Proposal),
    StopRemoving,
    Suspend,
    Redraw,
    Quit,
}

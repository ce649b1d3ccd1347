//! Make it gone.
//!
//! A sweep carries out a plan in three steps:
//!
//! 1. The refs are read again, since the plan may have waited for a while. Then each doomed entry is
//!    renamed, in its own folder, to `tmp-gc-<name>` (`trash.rs`). That is one step for every
//!    reader: an entry is whole under its name or not there under its name.
//! 2. The refs are read once more. What has got a ref in the meantime is renamed back.
//! 3. The renamed trees are deleted in parallel (`remove.rs`).
//!
//! Whatever interrupts it leaves whole entries or `tmp-gc-*`, which the next collection finishes
//! and which the owner of the cache, too, takes for rubbish.

mod freed;
mod in_place;
mod node;
mod outcome;
mod raze;
mod remove;
mod target;
mod trash;
mod tree;

use crossbeam_channel::Sender;

use crate::cache::{Cache, CacheLock};
use crate::error::{Error, Result};
use crate::plan::{Marks, Plan};
use crate::usage::{Jobs, Progress};

use outcome::Report;
pub use outcome::{Event, Fate, Outcome};
pub use raze::{Razed, razable, raze};

/// Carries out `plan` and tells `events` of each removal as it ends. `progress` has a tally for
/// each decision of the plan; removed bytes are added to it as they go.
///
/// The lock says that nobody else collects this cache.
///
/// # Errors
/// The threads cannot be started, the refs cannot be read, or the job was stopped before it had
/// begun: then nothing was removed.
/// What goes wrong with a single item is in its [`Fate`].
pub fn sweep(
    cache: &Cache,
    _lock: &CacheLock,
    plan: &Plan,
    jobs: Jobs,
    progress: &Progress,
    events: &Sender<Event>,
) -> Result<Outcome> {
    if progress.stop().is_raised() {
        return Err(Error::Interrupted);
    }
    let pool = jobs.pool()?;
    let report = Report::new(plan.decisions.len(), events);
    let all: Vec<_> = plan.removals().map(|(index, _)| index).collect();
    let round = |decisions: &[usize]| -> Result<(usize, Vec<usize>)> {
        let refs = cache.refs().into_readable()?;
        let hidden = trash::hide(cache, plan, decisions, &Marks::new(&refs.refs), &report);
        let doomed = trash::rescue(cache, plan, hidden.doomed, &report)?;
        remove::remove(&doomed, progress, &pool, &report);
        Ok((doomed.len(), hidden.no_room))
    };
    let (mut removed, mut waiting) = round(&all)?;
    // On a full disk there may be no room for a new name. Then what could be hidden has been deleted
    // by now, and the rest gets another try.
    while removed > 0 && !waiting.is_empty() && !progress.stop().is_raised() {
        match round(&waiting) {
            Ok(next) => (removed, waiting) = next,
            // Much is gone already: that has to be reported, and the rest as what it waited for.
            Err(_) => break,
        }
    }
    trash::give_up(cache, plan, &waiting, &report);
    Ok(report.into_outcome())
}

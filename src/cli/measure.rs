//! Trees of a cache measured, with bars.

use super::context::Context;
use super::failure::Failure;
use super::ui::bars::{MeasureFace, watch};
use crate::cache::{Cache, Entry, EntryKind, Guests, Location};
use crate::error::Error;
use crate::usage::{Measurement, Meter, Progress};

/// Measures `trees`, and looks who else holds what is in them: `others` of the same cache, and the
/// clones of microVMs. `names` are safe to print, one for each tree.
pub fn measure(
    context: &Context<'_>,
    cache: &Cache,
    meter: Meter,
    trees: &[Location],
    names: Vec<String>,
    others: &[Location],
) -> Result<Measurement, Failure> {
    let progress = Progress::new(trees.len(), context.signals.stop());
    let guests = Guests::of_user();
    let take = || -> Result<Measurement, Error> {
        let mut found = meter.measure(cache, trees, &progress)?;
        meter.find_outside_holders(cache, &mut found, others, guests.as_ref(), progress.stop())?;
        Ok(found)
    };
    let mut face = MeasureFace::new(context.console, &progress, names);
    Ok(watch(&mut face, |_events| take())??)
}

/// What an entry is called beside a bar.
pub fn label(entry: &Entry) -> String {
    match &entry.kind {
        EntryKind::Image(digest) => digest.short(),
        EntryKind::Layer(digest) => format!("layer {}", digest.short()),
        EntryKind::Leftover(_) | EntryKind::Stranger => entry.location.name.to_string(),
    }
}

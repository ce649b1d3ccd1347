//! Shows measurements to the user: draws bars, and stops on a signal.

use std::collections::HashMap;

use super::context::Context;
use super::ui::bars::{MeasureBars, label};
use crate::cache::{Digest, Folder, Location};
use crate::escape::Escaped;
use crate::gc::Reporter;
use crate::stop::StopFlag;
use crate::usage::Progress;

/// Draws bars while it exists.
pub struct Measuring<'a> {
    context: &'a Context<'a>,
    bars: MeasureBars,
    /// The references of the images, once a bar was drawn.
    names: Option<HashMap<Digest, String>>,
}

impl<'a> Measuring<'a> {
    pub fn new(context: &'a Context<'a>) -> Self {
        Self { context, bars: MeasureBars::new(context.console), names: None }
    }
}

impl Reporter for Measuring<'_> {
    fn stop(&self) -> StopFlag {
        self.context.signals.stop()
    }

    fn measuring(&mut self, progress: &Progress) {
        if self.context.console.draws_bars() {
            let names = self.names.get_or_insert_with(|| references(self.context));
            self.bars.show(progress, |tree| name_of(tree, names));
        }
    }
}

/// The references of the images, safe to print. Empty if they are unreadable: then digests are
/// shown, and the command itself reports the problem.
fn references(context: &Context<'_>) -> HashMap<Digest, String> {
    let inventory =
        context.open_cache().ok().flatten().and_then(|cache| cache.inventory_now().ok());
    let refs = inventory.map(|inventory| inventory.refs.refs).unwrap_or_default();
    let named = refs.into_iter().filter_map(|found| {
        let reference = found.image.as_ref().map(|image| Escaped::new(image).to_string());
        Some((found.digest, reference?))
    });
    named.collect()
}

/// The name to show for a tree: the reference of an image, or the label of anything else.
fn name_of(tree: &Location, names: &HashMap<Digest, String>) -> String {
    let digest = Digest::of_entry(&tree.name).filter(|_| tree.folder == Folder::Root);
    match digest.map(|digest| names.get(&digest)) {
        Some(Some(reference)) => reference.clone(),
        Some(None) => format!("orphan {}", label(tree)),
        None => label(tree),
    }
}

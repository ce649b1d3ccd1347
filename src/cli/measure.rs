//! Shows measurements to the user: draws bars, and stops on a signal.

use std::collections::HashMap;

use super::context::Context;
use super::ui::bars::{MeasureBars, label};
use super::words::guess;
use crate::cache::{Digest, Folder, Location};
use crate::escape::Escaped;
use crate::gc::{self, Reporter};
use crate::plan::KeepReason;
use crate::stop::StopFlag;
use crate::usage::Progress;

/// Draws bars while it exists.
pub struct Measuring<'a> {
    context: &'a Context<'a>,
    bars: MeasureBars,
    /// The names of the images, once a bar was drawn.
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
            let names = self.names.get_or_insert_with(|| names(self.context));
            self.bars.show(progress, |tree| name_of(tree, names));
        }
    }
}

/// The names of the images, safe to print: a reference, or what an orphan likely was. Empty if the
/// cache cannot be listed: then digests are shown, and the command itself reports the problem.
fn names(context: &Context<'_>) -> HashMap<Digest, String> {
    let Some(cache) = context.open_cache().ok().flatten() else { return HashMap::new() };
    let Ok(inventory) = cache.inventory_now() else { return HashMap::new() };
    let (plan, _) = gc::plan_listed(&cache, &inventory, None);
    let orphans = inventory.images().filter_map(|(image, digest)| {
        let decision = plan.get(&image.location)?;
        let is_unreplaced = decision.verdict.keeps_for(KeepReason::Unreplaced);
        let likely = guess(decision.identity.as_ref()?, is_unreplaced, false);
        Some((digest.clone(), format!("{likely} {}", digest.short())))
    });
    let mut names: HashMap<_, _> = orphans.collect();
    names.extend(inventory.refs.refs.iter().filter_map(|found| {
        let reference = Escaped::new(found.image.as_ref()?).to_string();
        Some((found.digest.clone(), reference))
    }));
    names
}

/// The name to show for a tree: the name of an image, or the label of anything else.
fn name_of(tree: &Location, names: &HashMap<Digest, String>) -> String {
    let digest = Digest::of_entry(&tree.name).filter(|_| tree.folder == Folder::Root);
    match digest.map(|digest| names.get(&digest)) {
        Some(Some(name)) => name.clone(),
        Some(None) => format!("orphan {}", label(tree)),
        None => label(tree),
    }
}

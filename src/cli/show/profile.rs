//! Everything that there is to say about one image, before it is decided how.

use std::path::Path;

use jiff::Timestamp;

use super::measure::{IMAGE, measure};
use super::notes::Notes;
use crate::cache::{Cache, Digest, EntryKind, ImageConfig, Inventory};
use crate::cli::args::Show;
use crate::cli::choose::gone;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::layers::layers_of;
use crate::cli::list::row::{Row, rows};
use crate::plan::Timeline;
use crate::usage::{Breakdown, Estimate, Measurement, Usage};

pub struct Profile<'a> {
    pub cache_dir: &'a Path,
    pub digest: &'a Digest,
    /// Its refs, and whether it is needed.
    pub row: Row<'a>,
    /// `None` if it has none, or none that can be read.
    pub config: Option<ImageConfig>,
    pub born: Option<Timestamp>,
    /// What it is likely made of; `None` if its times say nothing.
    pub layers: Option<Vec<&'a Digest>>,
    pub now: Timestamp,
    pub notes: Notes,
    /// Whether the layers were measured, too.
    is_thorough: bool,
    measured: Measurement,
}

impl<'a> Profile<'a> {
    /// Looks at an image, and measures it; its layers, too, if the user wants to see more: that may
    /// take as long again.
    ///
    /// # Errors
    /// It is gone, or it cannot be measured. What of it cannot be read is in the notes.
    pub fn new(
        context: &'a Context<'_>,
        args: &Show,
        cache: &Cache,
        inventory: &'a Inventory,
        digest: &'a Digest,
    ) -> Result<Self, Failure> {
        let images = rows(inventory, None, |kind| matches!(kind, EntryKind::Image(_)));
        let row = images.into_iter().find(|row| row.digest() == Some(digest));
        let row = row.ok_or_else(|| gone(context, digest))?;
        let mut notes = Notes::of_index(context, inventory, row.is_orphan());
        let config = notes.keep(cache.config(&row.entry.location));
        let lifetimes = cache.lifetimes(inventory);
        notes.faults(lifetimes.problems.iter().map(ToString::to_string));
        let layers = layers_of(&Timeline::new(inventory, &lifetimes), inventory, row.entry);
        let (places, layers) = layers.map(|layers| layers.into_iter().unzip()).unzip();
        let is_thorough = context.console.verbose;
        let layer_places: Vec<_> = places.filter(|_| is_thorough).unwrap_or_default();
        let measured = measure(context, args, cache, inventory, row.entry, &layer_places)?;
        notes.of_trees(&measured);
        if measured.usage(IMAGE) == Usage::default() {
            return Err(gone(context, digest).into());
        }
        if config == Some(None) {
            notes.hint(format!("{digest} has no .oci-config.json: a pull writes that last"));
        }
        Ok(Self {
            cache_dir: &context.cache_dir,
            digest,
            born: lifetimes.born(&row.entry.location),
            row,
            config: config.flatten(),
            layers,
            now: Timestamp::now(),
            notes,
            is_thorough,
            measured,
        })
    }

    pub fn usage(&self) -> Usage {
        self.measured.usage(IMAGE)
    }

    /// What removing just this image gives back.
    pub fn unique(&self) -> Estimate {
        self.measured.unique(IMAGE)
    }

    /// What its layers amount to, one by one and together, if they were measured.
    pub fn layer_usages(&self) -> Option<(Vec<Usage>, Usage)> {
        let layers = IMAGE + 1..self.measured.trees();
        let each = layers.clone().map(|tree| self.measured.usage(tree)).collect();
        let is_known = self.is_thorough && self.layers.is_some();
        is_known.then(|| (each, self.measured.total(layers)))
    }

    pub fn breakdown(&self) -> &Breakdown {
        self.measured.breakdown(IMAGE).expect("it was measured to be broken down")
    }
}

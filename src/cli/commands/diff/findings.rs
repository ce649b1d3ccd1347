//! Everything to show about two images, independent of the format.

use crate::cache::{Digest, Entry, ImageConfig, Inventory, Location, Ref};
use crate::cli::warnings::Notes;
use crate::usage::{Comparison, Contents, Estimate, Usage};

pub struct Findings<'a> {
    /// The old one and the new one.
    pub images: [Subject<'a>; 2],
    /// `None` for an image without a readable config.
    pub configs: [Option<ImageConfig>; 2],
    pub comparison: Comparison<'a>,
    /// The results of comparing contents of files of equal size, if requested.
    pub contents: Option<Contents>,
    /// The size of the new image, and how much space removing just it would free.
    pub usage: Usage,
    pub unique: Estimate,
    pub notes: Notes,
}

/// One of the two images.
pub struct Subject<'a> {
    pub digest: &'a Digest,
    pub location: &'a Location,
    pub refs: Vec<&'a Ref>,
}

impl<'a> Subject<'a> {
    pub fn new(inventory: &'a Inventory, (entry, digest): (&'a Entry, &'a Digest)) -> Self {
        let refs = inventory.refs.refs.iter().filter(|found| found.digest == *digest);
        Self { digest, location: &entry.location, refs: refs.collect() }
    }
}

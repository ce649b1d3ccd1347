//! Everything that there is to say about two images, before it is decided how.

use crate::cache::{Digest, Entry, ImageConfig, Inventory, Location, Ref};
use crate::cli::warnings::Notes;
use crate::usage::{Comparison, Contents, Estimate, Usage};

pub struct Findings<'a> {
    /// The old one and the new one.
    pub images: [Subject<'a>; 2],
    /// `None` for an image that has none, or none that can be read.
    pub configs: [Option<ImageConfig>; 2],
    pub comparison: Comparison<'a>,
    /// What came of reading files of equal size, if that was wanted.
    pub contents: Option<Contents>,
    /// What the new image occupies, and what removing just it would free.
    pub usage: Usage,
    pub unique: Estimate,
    pub notes: Notes,
}

/// An image that is compared.
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

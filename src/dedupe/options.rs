//! The user's options for deduplication.

use std::collections::HashSet;

use bytesize::ByteSize;

use crate::cache::Location;

/// Options for deduplication. By default, all images and layers take part, with files of every
/// size.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Smaller files are left alone: 0 by default.
    pub min_size: ByteSize,
    /// Only these images and layers take part. `None`: all do.
    pub only: Option<HashSet<Location>>,
}

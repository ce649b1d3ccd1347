//! The user's options for deduplication.

use std::collections::HashSet;

use bytesize::ByteSize;

use crate::cache::Location;

/// Options for deduplication. By default, all images and layers take part, with files of every
/// size.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Ignore smaller files. 0 by default.
    pub min_size: ByteSize,
    /// Consider only these images and layers. `None` (the default): all.
    pub only: Option<HashSet<Location>>,
}

//! Pieces that the JSON documents share.

use std::ffi::OsStr;

use serde::Serialize;

use crate::usage::{Estimate, Usage};

/// A [`Usage`] in a document.
#[derive(Serialize)]
pub struct Amount {
    apparent_bytes: u64,
    on_disk_bytes: u64,
    files: u64,
    directories: u64,
    /// Whether everything could be read; if not, all the numbers are "at least".
    complete: bool,
}

impl From<Usage> for Amount {
    fn from(usage: Usage) -> Self {
        Self {
            apparent_bytes: usage.apparent().at_least().as_u64(),
            on_disk_bytes: usage.on_disk().at_least().as_u64(),
            files: usage.files,
            directories: usage.directories,
            complete: usage.is_complete(),
        }
    }
}

/// An [`Estimate`] in a document.
#[derive(Serialize)]
pub struct Bounds {
    certain: u64,
    at_most: u64,
}

impl From<Estimate> for Bounds {
    fn from(estimate: Estimate) -> Self {
        let at_most = estimate.at_most().at_least().as_u64();
        Self { certain: estimate.certain().as_u64(), at_most }
    }
}

/// A name or path with U+FFFD for whatever is not UTF-8: JSON has nothing else.
pub fn lossy(name: impl AsRef<OsStr>) -> String {
    name.as_ref().to_string_lossy().into_owned()
}

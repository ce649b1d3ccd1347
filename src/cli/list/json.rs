//! `list` for programs. Names that are not UTF-8 have U+FFFD in place of what is not.

use std::path::Path;

use serde::Serialize;

use super::listing::{Listing, Row};
use crate::cache::Digest;
use crate::cli::usage_json::{Amount, Bounds, lossy};

#[derive(Serialize)]
pub struct Document {
    schema_version: u32,
    cache_dir: String,
    images: Vec<Image>,
    layers: Vec<Layer>,
    leftovers: Vec<Leftover>,
    refs: Refs,
    strangers: Vec<Stranger>,
    totals: Totals,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Image {
    digest: String,
    path: String,
    status: &'static str,
    /// `null` for a ref in the old form, which does not say its reference.
    refs: Vec<Option<String>>,
    last_used: String,
    usage: Option<Amount>,
    unique_bytes: Option<Bounds>,
}

#[derive(Serialize)]
struct Layer {
    digest: String,
    path: String,
    status: &'static str,
    last_used: String,
    usage: Option<Amount>,
    unique_bytes: Option<Bounds>,
}

#[derive(Serialize)]
struct Leftover {
    name: String,
    path: String,
    last_changed: String,
    usage: Option<Amount>,
    unique_bytes: Option<Bounds>,
}

#[derive(Serialize)]
struct Refs {
    total: usize,
    dangling: Vec<Dangling>,
    invalid: Vec<Invalid>,
}

#[derive(Serialize)]
struct Dangling {
    r#ref: Option<String>,
    digest: String,
}

#[derive(Serialize)]
struct Invalid {
    path: String,
    problem: String,
}

#[derive(Serialize)]
struct Stranger {
    name: String,
    path: String,
}

#[derive(Serialize)]
struct Totals {
    apparent_bytes: Option<u64>,
    on_disk_bytes: Option<u64>,
    reclaimable_bytes: Option<Bounds>,
}

impl Document {
    pub fn new(listing: &Listing<'_>) -> Self {
        let dir = listing.cache_dir;
        let total = listing.census.map(|census| census.total());
        Self {
            schema_version: 2,
            cache_dir: lossy(dir),
            images: listing.images.iter().map(|row| image(row, dir)).collect(),
            layers: listing.layers.iter().map(|row| layer(row, dir)).collect(),
            leftovers: listing.leftovers.iter().map(|row| leftover(row, dir)).collect(),
            refs: refs(listing),
            strangers: listing.strangers.iter().map(|row| stranger(row, dir)).collect(),
            totals: Totals {
                apparent_bytes: total.map(|usage| usage.apparent.as_u64()),
                on_disk_bytes: total.map(|usage| usage.on_disk.as_u64()),
                reclaimable_bytes: match listing.inventory.refs.unreadable.is_empty() {
                    true => listing.reclaimable().map(|(estimate, _)| estimate.into()),
                    false => None,
                },
            },
            warnings: listing.warnings(),
        }
    }
}

fn path(row: &Row<'_>, dir: &Path) -> String {
    lossy(row.entry.location.path_in(dir))
}

fn image(row: &Row<'_>, dir: &Path) -> Image {
    Image {
        digest: row.digest().map(Digest::to_text).unwrap_or_default(),
        path: path(row, dir),
        status: row.status.name(),
        refs: row.refs.iter().map(|found| found.image.clone()).collect(),
        last_used: row.entry.last_used.to_string(),
        usage: row.usage.map(Amount::from),
        unique_bytes: row.unique.map(Bounds::from),
    }
}

fn layer(row: &Row<'_>, dir: &Path) -> Layer {
    Layer {
        digest: row.digest().map(Digest::to_text).unwrap_or_default(),
        path: path(row, dir),
        status: row.status.name(),
        last_used: row.entry.last_used.to_string(),
        usage: row.usage.map(Amount::from),
        unique_bytes: row.unique.map(Bounds::from),
    }
}

fn leftover(row: &Row<'_>, dir: &Path) -> Leftover {
    Leftover {
        name: lossy(row.name().as_os_str()),
        path: path(row, dir),
        last_changed: row.last_changed.to_string(),
        usage: row.usage.map(Amount::from),
        unique_bytes: row.unique.map(Bounds::from),
    }
}

fn stranger(row: &Row<'_>, dir: &Path) -> Stranger {
    Stranger { name: lossy(row.name().as_os_str()), path: path(row, dir) }
}

fn refs(listing: &Listing<'_>) -> Refs {
    let index = &listing.inventory.refs;
    let folder = listing.cache_dir.join("refs");
    Refs {
        total: index.len(),
        dangling: listing
            .dangling()
            .map(|found| Dangling { r#ref: found.image.clone(), digest: found.digest.to_text() })
            .collect(),
        invalid: index
            .invalid
            .iter()
            .map(|found| Invalid {
                path: lossy(folder.join(found.file.as_os_str())),
                problem: found.problem.to_string(),
            })
            .collect(),
    }
}

//! The JSON document of `list`. Names that are not UTF-8 contain U+FFFD.

use std::path::Path;

use serde::Serialize;

use super::listing::Listing;
use crate::cache::{Digest, Location};
use crate::cli::image_row::Row;
use crate::cli::ui::json::{Amount, Bounds, Bytes, Disk, Guess, lossy};
use crate::plan::LayerStatus;

#[derive(Serialize)]
pub struct Document {
    cache_dir: String,
    images: Vec<Image>,
    layers: Vec<Layer>,
    leftovers: Vec<Leftover>,
    refs: Refs,
    others: Vec<Foreign>,
    totals: Totals,
    disk: Option<Disk>,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct Image {
    digest: String,
    path: String,
    status: &'static str,
    /// `null` for a ref in the old format, which lacks the reference.
    refs: Vec<Option<String>>,
    /// A guess at what an orphan was; `null` without a clue.
    guess: Option<Guess>,
    /// `null` if unknown.
    in_use: Option<bool>,
    /// Whether a microVM has run in the image itself; `null` if unknown.
    used_in_place: Option<bool>,
    last_used: String,
    usage: Option<Amount>,
    unique_bytes: Option<Bounds>,
    /// The layers that it likely consists of; `null` if its times prove nothing.
    layers: Option<Vec<String>>,
    /// The size of these layers together.
    layers_bytes: Option<Bytes>,
}

#[derive(Serialize)]
struct Layer {
    digest: String,
    path: String,
    status: &'static str,
    /// The images that may use it, or the image in doubt.
    images: Vec<String>,
    /// Why its status is unknown.
    reason: Option<&'static str>,
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
struct Foreign {
    name: String,
    path: String,
}

#[derive(Serialize)]
struct Totals {
    usage: Option<Amount>,
    /// Whether shared data counts once in it; if not, it is an upper bound.
    shared_counts_once: Option<bool>,
    reclaimable_bytes: Option<Bounds>,
    /// How much space removing unreferenced layers, too, would free.
    layers_reclaimable_bytes: Option<Bounds>,
}

impl Document {
    pub fn new(listing: &Listing<'_>) -> Self {
        let dir = listing.cache_dir;
        let total = listing.cache_usage.map(|cache_usage| cache_usage.total());
        Self {
            cache_dir: lossy(dir),
            images: listing.images.iter().map(|row| image(listing, row)).collect(),
            layers: listing.layers.iter().map(|row| layer(listing, row)).collect(),
            leftovers: listing.leftovers.iter().map(|row| leftover(row, dir)).collect(),
            refs: refs(listing),
            others: listing.foreign.iter().map(|row| foreign(row, dir)).collect(),
            totals: Totals {
                usage: total.map(Amount::from),
                shared_counts_once: total.map(|_| !listing.may_share()),
                reclaimable_bytes: if listing.inventory.refs.unreadable.is_empty() {
                    listing.reclaimable().map(Bounds::from)
                } else {
                    None
                },
                layers_reclaimable_bytes: listing.reclaimable_layers().map(Bounds::from),
            },
            disk: listing.disk().map(Disk::from),
            warnings: listing.warnings(),
        }
    }
}

fn path(row: &Row<'_>, dir: &Path) -> String {
    lossy(row.entry.location.path_in(dir))
}

fn image(listing: &Listing<'_>, row: &Row<'_>) -> Image {
    let (layers, bytes) = listing.layers_of(row.entry).unzip();
    Image {
        digest: row.digest().map(Digest::to_text).unwrap_or_default(),
        path: path(row, listing.cache_dir),
        status: listing.status(row),
        refs: row.refs.iter().map(|found| found.image.clone()).collect(),
        guess: listing.identity(row.entry).map(Guess::from),
        in_use: listing.in_use(row.entry),
        used_in_place: listing.is_account.then(|| listing.is_used_in_place(row.entry)),
        last_used: row.entry.last_used.to_string(),
        usage: row.usage.map(Amount::from),
        unique_bytes: row.unique.map(Bounds::from),
        layers: layers.map(|layers| layers.into_iter().map(Digest::to_text).collect()),
        layers_bytes: bytes.filter(|_| listing.cache_usage.is_some()).map(Bytes::from),
    }
}

fn layer(listing: &Listing<'_>, row: &Row<'_>) -> Layer {
    let (images, reason) = match listing.layer_status(row.entry) {
        Some(LayerStatus::Referenced(_)) => {
            (listing.images_of(row.entry).map(name).collect(), None)
        }
        Some(LayerStatus::Unknown(unknown)) => {
            (unknown.image.iter().map(name).collect(), Some(unknown.reason.name()))
        }
        Some(LayerStatus::Unreferenced) | None => (Vec::new(), None),
    };
    Layer {
        digest: row.digest().map(Digest::to_text).unwrap_or_default(),
        path: path(row, listing.cache_dir),
        status: listing.layer_status(row.entry).map_or("unknown", LayerStatus::name),
        images,
        reason,
        last_used: row.entry.last_used.to_string(),
        usage: row.usage.map(Amount::from),
        unique_bytes: row.unique.map(Bounds::from),
    }
}

/// The digest of an image, or the name of an extraction.
fn name(rootfs: &Location) -> String {
    let digest = Digest::of_entry(&rootfs.name);
    digest.map_or_else(|| lossy(rootfs.name.as_os_str()), |digest| digest.to_text())
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

fn foreign(row: &Row<'_>, dir: &Path) -> Foreign {
    Foreign { name: lossy(row.name().as_os_str()), path: path(row, dir) }
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

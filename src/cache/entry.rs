//! Entries of the cache, classified by name and type alone.

use jiff::Timestamp;

use super::digest::Digest;
use super::entry_name::EntryName;
use super::location::{Folder, Location};
use super::trash_name::{TRASH_PREFIX, TrashStage, former_name};
use crate::fs::Kind;

/// What an entry is, judging by its name and type alone.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EntryKind {
    /// An extracted image: a directory `sha256-*`.
    Image(Digest),
    /// An extracted layer: a directory or file `layers/sha256-*`.
    Layer(Digest),
    /// Left behind or still used by an extraction or a gc: `tmp-rootfs-*`, `layers/tmp-layer-*` and
    /// `tmp-gc-*`.
    Leftover(Leftover),
    /// None of these. Reported, and removed only by a purge.
    Foreign,
}

impl EntryKind {
    /// The digest of an image or layer.
    pub fn digest(&self) -> Option<&Digest> {
        match self {
            Self::Image(digest) | Self::Layer(digest) => Some(digest),
            Self::Leftover(_) | Self::Foreign => None,
        }
    }
}

/// The kind of a leftover.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Leftover {
    /// An extraction by the owner, in progress or dead.
    Extraction,
    /// A whole image that an interrupted gc has hidden but not begun to remove.
    Hidden(Digest),
    /// The remains of an entry that an interrupted gc has begun to remove.
    Dead,
}

/// An entry of the cache: its name, and what one `stat` of it returns.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// Folder and name.
    pub location: Location,
    /// What it is.
    pub kind: EntryKind,
    /// Its modification time. The owner sets it to now whenever it uses an image or a layer.
    pub last_used: Timestamp,
    /// Time of the last status change. A rename into place updates it, and no program can set it.
    pub changed: Timestamp,
}

impl Entry {
    /// The digest in the original name of a leftover of an interrupted gc.
    pub fn former_digest(&self) -> Option<Digest> {
        former_name(&self.location.name)?.1
    }

    /// Whether it is a leftover of an interrupted gc.
    pub fn is_interrupted_gc(&self) -> bool {
        matches!(self.kind, EntryKind::Leftover(Leftover::Hidden(_) | Leftover::Dead))
    }

    /// An entry that was used at `last_used` and has not changed since.
    #[cfg(test)]
    pub(crate) fn used_at(location: Location, kind: EntryKind, last_used: Timestamp) -> Self {
        Self { location, kind, last_used, changed: last_used }
    }

    /// The name that a ref uses for an image. For a hidden image, it is the name before it was
    /// hidden.
    pub fn ref_name(&self) -> &EntryName {
        match &self.kind {
            EntryKind::Leftover(Leftover::Hidden(digest)) => digest.entry_name(),
            _ => &self.location.name,
        }
    }

    /// Whether it is a whole image, even a hidden one, or an extraction that will become one.
    pub fn is_rootfs(&self) -> bool {
        match &self.kind {
            EntryKind::Image(_) | EntryKind::Leftover(Leftover::Hidden(_)) => true,
            EntryKind::Leftover(Leftover::Extraction) => self.location.folder == Folder::Root,
            EntryKind::Leftover(Leftover::Dead) | EntryKind::Layer(_) | EntryKind::Foreign => false,
        }
    }

    /// Whether it is an extraction, in progress or dead.
    pub fn is_extraction(&self) -> bool {
        self.kind == EntryKind::Leftover(Leftover::Extraction)
    }
}

/// The cache's own folder at a location. `None` if it is not one.
pub(super) fn own_folder(location: &Location, kind: Kind) -> Option<Folder> {
    let own = [Folder::Layers, Folder::Refs];
    let is_it = |folder: &Folder| folder.name().as_bytes() == location.name.as_bytes();
    let is_possible = location.folder == Folder::Root && kind == Kind::Directory;
    own.into_iter().find(is_it).filter(|_| is_possible)
}

/// Classifies an entry by its folder, name and type.
pub(super) fn classify(folder: Folder, name: &EntryName, kind: Kind) -> EntryKind {
    let directory = kind == Kind::Directory;
    let is_entry = directory || (folder == Folder::Layers && kind == Kind::File);
    let digest = Digest::of_entry(name).filter(|_| is_entry);
    match (digest, folder) {
        (Some(digest), Folder::Root) => EntryKind::Image(digest),
        (Some(digest), _) => EntryKind::Layer(digest),
        (None, _) if is_entry && name.starts_with(TRASH_PREFIX) => {
            EntryKind::Leftover(interrupted(name, folder))
        }
        (None, _) if directory && name.starts_with(extraction_prefix(folder)) => {
            EntryKind::Leftover(Leftover::Extraction)
        }
        (None, _) => EntryKind::Foreign,
    }
}

/// The prefix of the owner's extractions in this folder.
fn extraction_prefix(folder: Folder) -> &'static str {
    match folder {
        Folder::Root => "tmp-rootfs-",
        Folder::Layers | Folder::Refs => "tmp-layer-",
    }
}

/// How far an interrupted gc got with the entry now called `name`.
fn interrupted(name: &EntryName, folder: Folder) -> Leftover {
    match former_name(name) {
        Some((TrashStage::Hidden, Some(digest))) if folder == Folder::Root => {
            Leftover::Hidden(digest)
        }
        _ => Leftover::Dead,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_folder_and_type_determine_what_an_entry_is() {
        use Kind::{Directory, File, Special, Symlink};
        let of = |folder, name: &str, kind| {
            let location = Location { folder, name: EntryName::new(name).unwrap() };
            match (own_folder(&location, kind), classify(folder, &location.name, kind)) {
                (Some(_), _) => "folder",
                (_, EntryKind::Image(_)) => "image",
                (_, EntryKind::Layer(_)) => "layer",
                (_, EntryKind::Leftover(Leftover::Extraction)) => "extraction",
                (_, EntryKind::Leftover(Leftover::Hidden(_))) => "hidden",
                (_, EntryKind::Leftover(Leftover::Dead)) => "dead",
                (_, EntryKind::Foreign) => "other",
            }
        };
        for (name, kind, in_root, in_layers) in [
            ("sha256-ab", Directory, "image", "layer"),
            ("sha256-", Directory, "image", "layer"),
            ("sha256-ab", File, "other", "layer"),
            ("sha256-ab", Symlink, "other", "other"),
            ("sha256-ab", Special, "other", "other"),
            ("sha512-ab", Directory, "other", "other"),
            ("tmp-rootfs-1", Directory, "extraction", "other"),
            ("tmp-layer-1", Directory, "other", "extraction"),
            ("tmp-1", Directory, "other", "other"),
            ("tmp-rootfs-1", Symlink, "other", "other"),
            ("tmp-rootfs-1", File, "other", "other"),
            ("tmp-gc-sha256-ab", Directory, "hidden", "dead"),
            ("tmp-gc-dead-sha256-ab", Directory, "dead", "dead"),
            ("tmp-gc-notes", Directory, "dead", "dead"),
            ("tmp-gc-sha256-ab", File, "other", "dead"),
            ("tmp-gc-sha256-ab", Symlink, "other", "other"),
            ("refs", Directory, "folder", "other"),
            ("layers", Directory, "folder", "other"),
            ("layers", Symlink, "other", "other"),
            ("notes.txt", File, "other", "other"),
        ] {
            assert_eq!(of(Folder::Root, name, kind), in_root, "{name} {kind:?}");
            assert_eq!(of(Folder::Layers, name, kind), in_layers, "layers/{name} {kind:?}");
        }
    }
}

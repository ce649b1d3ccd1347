//! One decision.

use std::path::Path;

use super::{Decision, Item, KeepReason, Marks, Verdict};
use crate::cache::{Digest, EntryName, Folder, Location, Mounts, Ref, User};

/// Decides about `item`, with the refs that name it in `marks`. What is mounted is not of the cache, so
/// what holds it stays.
pub(super) fn decide(
    item: Item,
    verdict: Verdict,
    marks: &Marks<'_>,
    users: Vec<User>,
    mounts: &Mounts,
) -> Decision {
    let mount = mounts.of(item.location()).filter(|_| verdict.removes()).map(Path::to_path_buf);
    let verdict = mount.as_ref().map_or(verdict, |_| Verdict::Keep(KeepReason::Mount));
    let refs = item.image_name().map_or(&[][..], |name| marks.of(name));
    let refs = refs.iter().map(|found| found.image.clone()).collect();
    Decision { item, verdict, refs, users, mount, standing: None, usage: None }
}

/// Decides about a ref.
pub(super) fn decide_ref(found: &Ref, verdict: Verdict, mounts: &Mounts) -> Decision {
    let item = ref_item(&found.file, Some(&found.digest));
    let decision = decide(item, verdict, &Marks::new(&[]), Vec::new(), mounts);
    Decision { refs: vec![found.image.clone()], ..decision }
}

pub(super) fn ref_item(file: &EntryName, digest: Option<&Digest>) -> Item {
    let location = Location { folder: Folder::Refs, name: file.clone() };
    Item::Ref { location, digest: digest.cloned() }
}

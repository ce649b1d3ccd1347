//! Which images go so that a cache fits.

use std::collections::HashSet;

use bytesize::ByteSize;

use super::decision::{Decision, Item, Plan};
use super::reason::{KeepReason, Verdict};
use crate::cache::{Entry, Location};
use crate::usage::Size;

/// The images that may go for the cache to fit, the least recently used first: those that stay only
/// because a ref names them, or because nothing has replaced them. What `plan` keeps for any other reason stays. They are the candidates for
/// [`fit`]; what that chooses becomes [`GcOptions::evicted`](super::GcOptions::evicted).
pub fn evictable(plan: &Plan) -> Vec<Location> {
    use KeepReason::{Referenced, Unreplaced};
    let may_go =
        |decision: &&Decision| matches!(decision.verdict, Verdict::Keep(Referenced | Unreplaced));
    let decisions = plan.decisions().iter().filter(may_go);
    let images = decisions.filter_map(|decision| match &decision.item {
        Item::Entry(entry) if decision.item.is_image_in_place() => Some(entry),
        _ => None,
    });
    let mut images: Vec<&Entry> = images.collect();
    images.sort_by_key(|image| (image.last_used, &image.location.name));
    images.into_iter().map(|image| image.location.clone()).collect()
}

/// The shortest beginning of `candidates` without which the cache occupies `limit` at most, or all of
/// them if not even that is enough; with the bytes that it occupies then, as `size_without` says it.
/// The more goes, the less that may be. `size_without` is asked about as often as the number of
/// candidates has binary digits.
///
/// ```
/// use bbox_cache::bytesize::ByteSize;
/// use bbox_cache::cache::{EntryName, Folder, Location};
/// use bbox_cache::plan::fit;
/// use bbox_cache::usage::Size;
///
/// let image = |name| Location { folder: Folder::Root, name: EntryName::new(name).unwrap() };
/// let candidates = ["sha256-oldest", "sha256-older", "sha256-newest"].map(image);
/// // 3 GB, of which each of them is 800 MB.
/// let size_without = |gone: usize| Size::exactly(ByteSize::mb(3000 - 800 * gone as u64));
/// let (gone, left) = fit(&candidates, ByteSize::gb(2), |gone| size_without(gone.len()));
/// assert_eq!((gone.len(), left), (2, Size::exactly(ByteSize::mb(1400))));
/// assert!(!gone.contains(&candidates[2]));
/// ```
pub fn fit(
    candidates: &[Location],
    limit: ByteSize,
    mut size_without: impl FnMut(&HashSet<Location>) -> Size,
) -> (HashSet<Location>, Size) {
    let first = |count: usize| candidates[..count].iter().cloned().collect::<HashSet<_>>();
    // As many as `enough` are enough, or there are no more; fewer than `more` are not.
    let (mut more, mut enough) = (0, candidates.len());
    let mut size = size_without(&first(enough));
    while more < enough {
        let middle = more + (enough - more) / 2;
        let found = size_without(&first(middle));
        if found.at_least() <= limit { (enough, size) = (middle, found) } else { more = middle + 1 }
    }
    (first(enough), size)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::cache::{Digest, EntryKind, EntryName, Folder, Leftover};
    use crate::plan::{Decision, RemoveReason};

    #[test]
    fn only_what_a_ref_alone_keeps_may_go_and_the_least_recently_used_first() {
        let digest = |name: &str| Digest::parse(name.as_bytes()).unwrap();
        let decision = |name: &str, kind, last_used, verdict| {
            let location = Location { folder: Folder::Root, name: EntryName::new(name).unwrap() };
            let last_used = jiff::Timestamp::from_second(last_used).unwrap();
            let item = Item::Entry(Entry::used_at(location, kind, last_used));
            let (refs, users) = (Vec::new(), Vec::new());
            Decision {
                item,
                verdict,
                refs,
                users,
                mount: None,
                refusal: None,
                layer_status: None,
                identity: None,
                usage: None,
            }
        };
        let image = |name: &str, last_used, verdict| {
            decision(name, EntryKind::Image(digest(name)), last_used, verdict)
        };
        let referenced = Verdict::Keep(KeepReason::Referenced);
        let hidden = EntryKind::Leftover(Leftover::Hidden(digest("sha256-h")));
        let decisions = vec![
            image("sha256-late", 9, referenced),
            image("sha256-b", 5, referenced),
            image("sha256-a", 5, referenced),
            image("sha256-used", 1, Verdict::Keep(KeepReason::InUse)),
            image("sha256-orphan", 2, Verdict::Remove(RemoveReason::Orphan)),
            decision("tmp-gc-sha256-h", hidden, 3, referenced),
            decision("sha256-layer", EntryKind::Layer(digest("sha256-layer")), 4, referenced),
        ];
        let found: Vec<_> =
            evictable(&Plan::new(decisions)).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["sha256-a", "sha256-b", "sha256-late"]);
    }

    proptest! {
        #[test]
        fn no_image_goes_that_need_not(sizes in vec(0..10u64, 0..20), limit in 0..100u64) {
            let place = |number: usize| {
                let name = EntryName::new(format!("sha256-{number}")).unwrap();
                Location { folder: Folder::Root, name }
            };
            let candidates: Vec<_> = (0..sizes.len()).map(place).collect();
            let without = |gone: &HashSet<Location>| {
                let staying = sizes.iter().enumerate().filter(|(number, _)| !gone.contains(&place(*number)));
                Size::exactly(ByteSize::b(10 + staying.map(|(_, size)| size).sum::<u64>()))
            };
            let (gone, size) = fit(&candidates, ByteSize::b(limit), without);
            prop_assert_eq!(size, without(&gone));
            prop_assert!(candidates[..gone.len()].iter().all(|image| gone.contains(image)));
            let one_less: HashSet<_> = candidates[..gone.len().saturating_sub(1)].iter().cloned().collect();
            prop_assert!(gone.is_empty() || without(&one_less).at_least() > ByteSize::b(limit));
            prop_assert!(size.at_least() <= ByteSize::b(limit) || gone.len() == candidates.len());
        }
    }
}

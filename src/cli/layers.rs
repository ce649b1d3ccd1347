//! What the commands have in common when it comes to layers.

use crate::cache::{Cache, Digest, Entry, EntryKind, EntryName, Inventory, Location};
use crate::cli::ui::units::plural;
use crate::escape::Escaped;
use crate::plan::{Conditions, Doubt, DoubtCause, Plan, Standing, Timeline, collect};

/// The plan for a collection under these conditions, with a look into the layers that would be
/// called unreferenced: what lies in an image that stays, stays too.
pub fn collect_with_content(cache: &Cache, inventory: &Inventory, given: &mut Conditions) -> Plan {
    // What was found under other conditions says nothing of the layers that were not looked into then.
    given.same_content.clear();
    let plan = collect(inventory, given);
    let layers: Vec<_> = plan.unreferenced_layers().cloned().collect();
    if layers.is_empty() {
        return plan;
    }
    let images: Vec<_> = plan.staying_rootfs().map(|entry| entry.location.clone()).collect();
    given.same_content = cache.same_content(&layers, &images);
    if given.same_content.is_empty() { plan } else { collect(inventory, given) }
}

/// The layers that an image is likely made of, with their places in the inventory; `None` if nobody can
/// tell.
pub fn layers_of<'a>(
    timeline: &Timeline<'_>,
    inventory: &'a Inventory,
    image: &Entry,
) -> Option<Vec<(usize, &'a Digest)>> {
    let places = timeline.layers_of(&image.location)?.into_iter();
    let layers = places.filter_map(|place| match &inventory.entries[place].kind {
        EntryKind::Layer(digest) => Some((place, digest)),
        _ => None,
    });
    Some(layers.collect())
}

/// What there is to say of where a layer stands besides its name, safe to print: how many images it
/// may belong to, or which, if there is room; or why nobody can tell.
pub fn details(standing: &Standing, has_room: bool) -> String {
    match standing {
        Standing::Referenced(holders) if has_room => {
            let names: Vec<_> = holders.iter().map(|holder| whole(&holder.name)).collect();
            format!("by {}", names.join(", "))
        }
        Standing::Referenced(holders) => format!("by {}", plural(holders.len(), "image")),
        Standing::Unreferenced => String::new(),
        Standing::Unknown(doubt) => reason(doubt),
    }
}

fn reason(doubt: &Doubt) -> String {
    match (&doubt.image, doubt.cause) {
        (None, cause) => cause.to_string(),
        (Some(image), cause @ DoubtCause::SameContent) => format!("{cause} as {}", short(image)),
        (Some(image), cause) => format!("{}: {cause}", short(image)),
    }
}

fn short(image: &Location) -> String {
    Digest::of_entry(&image.name).map_or_else(|| image.to_string(), |digest| digest.short())
}

fn whole(name: &EntryName) -> String {
    let digest = Digest::of_entry(name);
    digest.map_or_else(|| Escaped::new(name.as_os_str()).to_string(), |digest| digest.to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::plan::LayerChoice;
    use crate::test_cache::{TestCache, age};

    #[test]
    fn what_was_found_in_a_layer_under_other_conditions_does_not_hide_what_is_in_others() {
        let cache = TestCache::new();
        for layer in ["l", "m"] {
            let path = cache.layer(layer);
            std::thread::sleep(Duration::from_millis(20));
            age(&path, Duration::ZERO);
        }
        std::thread::sleep(Duration::from_millis(20));
        let image = cache.image("a");
        for path in [cache.tag("example.com/a:1", "a"), image] {
            age(&path, Duration::ZERO);
        }
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let inventory = opened.inventory().unwrap();
        let lifetimes = opened.lifetimes(&inventory);
        let mut given = Conditions {
            layers: LayerChoice::Unreferenced,
            lifetimes,
            ..Conditions::settled_after(jiff::Timestamp::now())
        };
        let unreferenced = |given: &Conditions| {
            let plan = collect(&inventory, given);
            plan.unreferenced_layers().map(ToString::to_string).collect::<Vec<_>>()
        };
        if unreferenced(&given).is_empty() {
            // There are no births here, so nothing is concluded from times.
            return;
        }
        assert_eq!(unreferenced(&given), ["layers/sha256-l", "layers/sha256-m"]);
        for known in ["l", "m"] {
            collect_with_content(&opened, &inventory, &mut given);
            given
                .same_content
                .retain(|layer, _| layer.name.to_string() == format!("sha256-{known}"));
            let plan = collect_with_content(&opened, &inventory, &mut given);
            assert_eq!(plan.removals().count(), 0, "{known}");
        }
    }
}

//! The timeline in a table: births and modification times, and the conclusions from them.

use jiff::Timestamp;

use super::timeline::{LayerStatus, Timeline, UnknownLayer, UnknownReason};
use crate::cache::{
    ConfigTimes, Digest, Entry, EntryKind, EntryName, Folder, ImageTimes, Inventory, LayerTimes,
    Leftover, Lifetimes, Location, Ref,
};
use crate::error::Error;

/// Milliseconds, to have times between two seconds.
fn at(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap()
}

fn place(folder: Folder, name: &str) -> Location {
    Location { folder, name: EntryName::new(name).unwrap() }
}

fn digest(name: &str) -> Digest {
    Digest::of_entry(&EntryName::new(name).unwrap()).unwrap()
}

/// A cache as described by the timestamps on disk.
struct Scene {
    inventory: Inventory,
    times: Lifetimes,
}

/// The image `sha256-r` takes in layers from 1000 to 2000, and is used at 5000.
fn usual() -> Scene {
    let mut scene = Scene { inventory: Inventory::default(), times: Lifetimes::default() };
    scene.times.folders = [(Folder::Root, at(9000)), (Folder::Layers, at(9000))].into();
    scene.image("sha256-r", 1000, 2000, 5000);
    scene
}

impl Scene {
    fn add(&mut self, location: Location, kind: EntryKind, last_used: i64) {
        self.inventory.entries.push(Entry::used_at(location, kind, at(last_used)));
    }

    fn image(&mut self, name: &str, born: i64, config: i64, last_used: i64) {
        let location = place(Folder::Root, name);
        let config = Some(ConfigTimes { born: Some(at(config)), modified: at(config) });
        let times = ImageTimes { born: Some(at(born)), config };
        self.times.images.insert(location.clone(), times);
        self.add(location, EntryKind::Image(digest(name)), last_used);
    }

    /// It contains a file with the name of the config, from its layers. That means nothing.
    fn extraction(&mut self, born: i64, last_used: i64) {
        let location = place(Folder::Root, "tmp-rootfs-1");
        let config = Some(ConfigTimes { born: Some(at(born)), modified: at(born) });
        let times = ImageTimes { born: Some(at(born)), config };
        self.times.images.insert(location.clone(), times);
        self.add(location, EntryKind::Leftover(Leftover::Extraction), last_used);
    }

    /// Born at `born`, filled by `filled`, last used at `last_used`.
    fn layer(&mut self, born: i64, filled: i64, last_used: i64) {
        let location = place(Folder::Layers, "sha256-l");
        let times = LayerTimes { born: Some(at(born)), filled: Some(at(filled)) };
        self.times.layers.insert(location.clone(), times);
        self.add(location, EntryKind::Layer(digest("sha256-l")), last_used);
    }

    fn add_ref(&mut self, image: &str, modified: i64) {
        let (file, digest) = (EntryName::new("r").unwrap(), digest(image));
        let found = Ref { file, image: None, digest, modified: at(modified) };
        self.inventory.refs.refs.push(found);
    }

    fn image_times(&mut self) -> &mut ImageTimes {
        self.times.images.get_mut(&place(Folder::Root, "sha256-r")).unwrap()
    }

    fn layer_times(&mut self) -> &mut LayerTimes {
        self.times.layers.get_mut(&place(Folder::Layers, "sha256-l")).unwrap()
    }

    /// The status of the layer if `dead` images are removed: one word, and the entry that matters.
    fn layer_status(&self, dead: &[&str]) -> String {
        let timeline = Timeline::new(&self.inventory, &self.times);
        let is_layer = |entry: &&Entry| matches!(entry.kind, EntryKind::Layer(_));
        let layer = self.inventory.entries.iter().find(is_layer).unwrap();
        let stays = |image: &Location| !dead.contains(&image.name.to_string().as_str());
        match timeline.staying(stays).layer_status(layer) {
            LayerStatus::Referenced(count) => {
                let images = timeline.made_of(&layer.location).into_iter();
                let names: Vec<_> =
                    images.filter(|image| stays(image)).map(ToString::to_string).collect();
                assert_eq!(names.len(), count);
                names.join(" ")
            }
            LayerStatus::Unreferenced => "unreferenced".to_owned(),
            LayerStatus::Unknown(unknown) => {
                let about = unknown.image.map(|image| format!(" {image}")).unwrap_or_default();
                format!("{}{about}", unknown.reason.name())
            }
        }
    }
}

#[test]
fn a_layer_can_belong_to_an_image_only_if_the_periods_overlap() {
    for (born, filled, last_used, expected, why) in [
        (1100, 1200, 1300, "sha256-r", "made and used while the image was"),
        (100, 200, 1500, "sha256-r", "older, and used for the image"),
        (100, 200, 1000, "sha256-r", "used in the same tick in which the image was started"),
        (2000, 2000, 6000, "sha256-r", "made in the same tick in which it was finished"),
        (100, 200, 6000, "sha256-r", "used for another one later, maybe for this one, too"),
        (100, 200, 999, "unreferenced", "last used before the image was started"),
        (2001, 2002, 6000, "unreferenced", "made after the image was finished"),
        (300, 300, 305, "untouched", "never used since it was made, or copied"),
        (300, 300, 310, "untouched", "the same"),
        (300, 300, 311, "unreferenced", "used once more, though not for this image"),
        (1500, 1500, 1500, "sha256-r", "never used again, but born during this pull"),
        (1100, 1200, 1199, "contradiction", "used before it was filled"),
        (3000, 3000, 1500, "contradiction", "used before it was made"),
        (9001, 9001, 9500, "contradiction", "made after the last change of its folder"),
    ] {
        let mut scene = usual();
        scene.layer(born, filled, last_used);
        assert_eq!(scene.layer_status(&[]), expected, "{why}");
        assert_eq!(scene.layer_status(&["sha256-r"]), "unreferenced", "{why}; nothing is left");
    }
}

#[test]
fn only_remaining_images_count() {
    let mut scene = usual();
    scene.image("sha256-later", 3000, 4000, 5000);
    scene.extraction(6000, 6500);
    scene.layer(1100, 1200, 7000);
    let (r, later, pull) = ("sha256-r", "sha256-later", "tmp-rootfs-1");
    assert_eq!(scene.layer_status(&[]), "sha256-r sha256-later tmp-rootfs-1");
    assert_eq!(scene.layer_status(&[r]), "sha256-later tmp-rootfs-1");
    assert_eq!(scene.layer_status(&[r, later]), "tmp-rootfs-1");
    assert_eq!(scene.layer_status(&[r, later, pull]), "unreferenced");
}

/// A pull is unfinished and may still use any layer that it has touched.
#[test]
fn an_extraction_may_use_any_layer_touched_since_it_began() {
    for (born, filled, last_used, expected) in [
        (100, 200, 6000, "tmp-rootfs-1"),
        (8000, 8100, 8200, "tmp-rootfs-1"),
        (100, 200, 5999, "unreferenced"),
    ] {
        let mut scene = usual();
        scene.extraction(6000, 6500);
        scene.layer(born, filled, last_used);
        assert_eq!(scene.layer_status(&["sha256-r"]), expected, "{born} {filled} {last_used}");
    }
}

/// A layer that a pull in progress may use is kept even with `--layers=all`.
#[test]
fn a_pull_may_use_layers_that_it_touched_or_that_cannot_be_ruled_out() {
    type Change = fn(&mut Scene);
    let rows: [(Change, &str, bool); 6] = [
        (|_| {}, "tmp-rootfs-1", true),
        (|scene| scene.inventory.entries[2].last_used = at(5999), "tmp-rootfs-1", false),
        (|scene| scene.layer_times().born = None, "tmp-rootfs-1", true),
        (|scene| scene.inventory.problems.push(Error::Interrupted), "tmp-rootfs-1", true),
        // Without a pull in progress, none can use it.
        (|scene| scene.layer_times().born = None, "none", false),
        (|scene| scene.inventory.problems.push(Error::Interrupted), "none", false),
    ];
    for (number, (change, pull, expected)) in rows.into_iter().enumerate() {
        let mut scene = usual();
        scene.extraction(6000, 6500);
        scene.layer(100, 200, 6000);
        change(&mut scene);
        let timeline = Timeline::new(&scene.inventory, &scene.times);
        let pulls = timeline.staying(|image| image.name.to_string() == pull);
        assert_eq!(pulls.may_use(&scene.inventory.entries[2]), expected, "{number}");
    }
}

#[test]
fn contradictory_times_of_an_image_make_its_layers_unknown() {
    type Change = (fn(&mut Scene), &'static str);
    let contradictions: [Change; 14] = [
        (|_| {}, "unreferenced"),
        // Two events in the same tick are no contradiction.
        (|scene| scene.inventory.entries[0].last_used = at(2000), "unreferenced"),
        (|scene| scene.image_times().born = Some(at(2000)), "unreferenced"),
        (|scene| scene.times.folders.extend([(Folder::Root, at(1000))]), "unreferenced"),
        (|scene| scene.add_ref("sha256-r", 1000), "unreferenced"),
        (|scene| scene.add_ref("sha256-other", 999), "unreferenced"),
        (|scene| scene.image_times().born = None, "no-birth sha256-r"),
        (|scene| scene.image_times().config.as_mut().unwrap().born = None, "no-birth sha256-r"),
        (|scene| scene.inventory.entries[0].last_used = at(1999), "contradiction sha256-r"),
        (
            |scene| scene.image_times().config.as_mut().unwrap().modified = at(1999),
            "contradiction sha256-r",
        ),
        (|scene| scene.image_times().born = Some(at(2001)), "contradiction sha256-r"),
        (|scene| scene.times.folders.extend([(Folder::Root, at(999))]), "contradiction sha256-r"),
        (|scene| scene.times.images.clear(), "unreadable sha256-r"),
        (|scene| scene.add_ref("sha256-r", 999), "contradiction sha256-r"),
    ];
    for (number, (change, expected)) in contradictions.into_iter().enumerate() {
        let mut scene = usual();
        scene.layer(100, 200, 300);
        change(&mut scene);
        assert_eq!(scene.layer_status(&[]), expected, "{number}");
        assert_eq!(
            scene.layer_status(&["sha256-r"]),
            "unreferenced",
            "{number}: it is removed anyway"
        );
        // One image that certainly may use the layer is enough.
        scene.image("sha256-other", 100, 400, 5000);
        assert_eq!(scene.layer_status(&[]), "sha256-other", "{number}");
    }
}

#[test]
fn an_image_that_is_not_finished_can_still_get_any_layer() {
    let mut scene = usual();
    scene.image_times().config = None;
    scene.layer(4000, 4100, 4200);
    assert_eq!(scene.layer_status(&[]), "sha256-r");
}

#[test]
fn without_births_or_a_complete_listing_nothing_is_known() {
    let mut scene = usual();
    scene.layer(100, 200, 300);
    scene.layer_times().born = None;
    assert_eq!(scene.layer_status(&[]), "no-birth");
    scene.times.layers.clear();
    assert_eq!(scene.layer_status(&[]), "unreadable");
    let mut scene = usual();
    scene.layer(100, 200, 300);
    scene.inventory.problems.push(Error::Interrupted);
    assert_eq!(scene.layer_status(&["sha256-r"]), "unreadable");
}

#[test]
fn an_image_likely_has_every_layer_that_it_may_use() {
    let mut scene = usual();
    scene.image("sha256-copy", 3000, 4000, 100);
    scene.layer(1100, 1200, 1300);
    let timeline = Timeline::new(&scene.inventory, &scene.times);
    let layers = |name| timeline.layers_of(&place(Folder::Root, name));
    assert_eq!(layers("sha256-r"), Some(vec![2]));
    assert_eq!(layers("sha256-copy"), None, "its times say nothing");
    assert_eq!(layers("sha256-gone"), None);
}

#[test]
fn statuses_and_doubts_have_stable_names_and_words() {
    for (reason, name, words) in [
        (UnknownReason::NoBirth, "no-birth", "no birth time recorded"),
        (UnknownReason::Contradiction, "contradiction", "copied, or clock changed"),
        (UnknownReason::Untouched, "untouched", "never used since it was made"),
        (UnknownReason::Unreadable, "unreadable", "unreadable"),
    ] {
        assert_eq!((reason.name(), reason.to_string().as_str()), (name, words));
        assert_eq!(LayerStatus::Unknown(UnknownLayer { reason, image: None }).name(), "unknown");
    }
    assert_eq!(LayerStatus::Referenced(1).name(), "referenced");
    assert_eq!(LayerStatus::Unreferenced.name(), "unreferenced");
}

//! Laws of a collection while the owner drops references as it does in practice.
//!
//! Programs are rebuilt and used, references are dropped after a use and written back late or
//! never, a tag is rolled back to an older build, minutes or days pass. Then:
//!
//! - an image that was used within the grace period is never removed, whatever the options;
//! - the newest build of a program used within a week is never removed, unless the user asks for
//!   that;
//! - an older build that is proven to be one is removed once the grace period is over.

use std::collections::HashMap;

use jiff::SignedDuration;
use proptest::collection::vec;
use proptest::prelude::*;

use super::evidence::Evidence;
use super::gc::gc;
use super::options::GcOptions;
use super::reason::{KeepReason, RemoveReason, Verdict};
use super::rebuild_tests::{Act, Image, World, act, programs};
use super::unreplaced::WEEK;
use crate::cache::{
    ConfigTimes, Entry, EntryKind, EntryName, Folder, ImageTimes, Inventory, Location, Ref,
};

const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// What the owner and its users do.
#[derive(Clone, Debug)]
enum Habit {
    World(Act),
    /// Drops the reference of a program, before asking the registry.
    Drop(usize),
    /// Writes it back: it points at the newest build, which is marked as used.
    WriteBack(usize),
    /// Rolls its tag back: it points at the oldest build in the cache, which is marked as used.
    RollBack(usize),
    /// Lets this many seconds pass.
    Pass(i64),
}

fn habit() -> impl Strategy<Value = Habit> {
    let program = || 0..8_usize;
    prop_oneof![
        6 => act().prop_map(Habit::World),
        2 => program().prop_map(Habit::Drop),
        1 => program().prop_map(Habit::WriteBack),
        1 => program().prop_map(Habit::RollBack),
        3 => prop_oneof![1..900_i64, 1..200_000_i64].prop_map(Habit::Pass),
    ]
}

/// Which orphans and images to remove in addition.
fn options() -> impl Strategy<Value = GcOptions> {
    let unused_for = proptest::option::of((0..500_000_i64).prop_map(SignedDuration::from_secs));
    let wishes = (any::<bool>(), unused_for);
    let wishes =
        wishes.prop_map(|(all, unused_for)| GcOptions { all, unused_for, ..GcOptions::default() });
    prop_oneof![Just(GcOptions::default()), wishes]
}

/// The world, and the image that each program's reference points at.
struct Owner {
    world: World,
    refs: HashMap<usize, Location>,
}

impl Owner {
    fn act(&mut self, habit: Habit) {
        let programs = self.world.programs.len();
        match habit {
            Habit::World(act) => {
                self.world.act(act);
                if let Act::Rebuild(_) = act {
                    let new = self.world.images.last().expect("it was just pulled");
                    self.refs.insert(new.of, new.location.clone());
                }
            }
            Habit::Drop(program) => drop(self.refs.remove(&(program % programs))),
            Habit::WriteBack(program) => {
                let newest = self.builds_of(program % programs).last();
                self.name(newest);
            }
            Habit::RollBack(program) => {
                let oldest = self.builds_of(program % programs).next();
                self.name(oldest);
            }
            Habit::Pass(seconds) => self.world.clock += seconds,
        }
    }

    /// The builds of a program by age, as indices in the world's list.
    fn builds_of(&self, program: usize) -> impl DoubleEndedIterator<Item = usize> {
        let images = &self.world.images;
        (0..images.len()).filter(move |&place| images[place].of == program)
    }

    fn name(&mut self, place: Option<usize>) {
        let now = self.world.now();
        let Some(image) = place.map(|place| &mut self.world.images[place]) else { return };
        image.last_used = now;
        self.refs.insert(image.of, image.location.clone());
    }

    fn inventory(&self) -> Inventory {
        let mut inventory = Inventory::default();
        inventory.folders.push(Folder::Refs);
        inventory.entries.extend(self.world.images.iter().map(|image| {
            let kind = EntryKind::Image(digest(&image.location));
            Entry::used_at(image.location.clone(), kind, image.last_used)
        }));
        inventory.refs.refs.extend(self.refs.iter().map(|(program, location)| Ref {
            file: EntryName::new(format!("r{program}")).unwrap(),
            image: Some(format!("example.com/{program}:latest")),
            digest: digest(location),
            modified: self.world.now(),
        }));
        inventory
    }

    fn evidence(&self) -> Evidence {
        let mut evidence = Evidence::of_idle_cache(self.world.now());
        for image in &self.world.images {
            let config = ConfigTimes { born: Some(image.born), modified: image.born };
            let times = ImageTimes { born: Some(image.born), config: Some(config) };
            evidence.lifetimes.images.insert(image.location.clone(), times);
            evidence.programs.programs.insert(image.location.clone(), image.program.clone());
        }
        evidence
    }

    fn is_named(&self, image: &Image) -> bool {
        self.refs.values().any(|location| *location == image.location)
    }

    fn is_newest(&self, image: &Image) -> bool {
        !self.world.images.iter().any(|other| other.of == image.of && other.born > image.born)
    }

    /// Whether one of the remaining builds is certainly a newer one of the same program: on the
    /// same base, and with an image of another program in the cache.
    fn is_surely_older(&self, image: &Image, stays: impl Fn(&Image) -> bool) -> bool {
        let mut images = self.world.images.iter();
        let mut others = self.world.images.iter();
        others.any(|other| other.of != image.of)
            && images.any(|other| {
                other.program == image.program && other.born > image.last_used && stays(other)
            })
    }
}

fn digest(image: &Location) -> crate::cache::Digest {
    crate::cache::Digest::of_entry(&image.name).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn wanted_images_are_kept_and_older_builds_removed(
        programs in programs(),
        habits in vec(habit(), 1..80),
        options in options(),
    ) {
        let mut owner = Owner { world: World::new(programs), refs: HashMap::new() };
        habits.into_iter().for_each(|habit| owner.act(habit));
        let plan = gc(&owner.inventory(), &options, &owner.evidence());
        let verdict = |image: &Image| plan.get(&image.location).unwrap().verdict;
        let stays = |image: &Image| !verdict(image).removes();
        for image in &owner.world.images {
            let (age, shown) = (owner.world.now().duration_since(image.last_used), &image.location);
            let is_wished_away = options.unused_for.is_some_and(|limit| age >= limit);
            if age < GRACE {
                prop_assert!(stays(image), "{shown} was used just now");
            } else if owner.is_named(image) {
                prop_assert!(stays(image) || is_wished_away, "{shown} is named");
            } else if !options.all && !is_wished_away && age < WEEK && owner.is_newest(image) {
                prop_assert_eq!(verdict(image), Verdict::Keep(KeepReason::Unreplaced), "{}", shown);
            } else if owner.is_surely_older(image, stays) {
                prop_assert_eq!(verdict(image), Verdict::Remove(RemoveReason::Orphan), "{}", shown);
            } else if options.all {
                prop_assert!(!stays(image), "{shown} is an orphan");
            }
        }
    }
}

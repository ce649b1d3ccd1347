//! The steps of a sweep one by one, with events between them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use jiff::Timestamp;

use super::obstacle::Obstacle;
use super::outcome::Outcome;
use super::outcome::{RemovalResult, Report};
use super::step::{STEPS, Step};
use super::trash::{HiddenEntry, Round, Trash};
use crate::cache::{Cache, Digest, EntryName, Folder, Location};
use crate::error::{Error, Result};
use crate::plan::{self, Activity, Evidence, GcOptions, KeepReason, LayerChoice, Plan};
use crate::test_cache::{TestCache, age, hash};

/// The result of the decision about the item at `path` in the cache.
fn result<'o>(outcome: &'o Outcome, path: &str) -> Option<&'o RemovalResult> {
    let (folder, name) = match path.split_once('/') {
        Some(("layers", name)) => (Folder::Layers, name),
        Some(("refs", name)) => (Folder::Refs, name),
        _ => (Folder::Root, path),
    };
    outcome.get(&Location { folder, name: EntryName::new(name).unwrap() })
}

fn open(cache: &TestCache) -> Cache {
    Cache::open(cache.dir()).unwrap().unwrap()
}

fn plan(opened: &Cache) -> Plan {
    plan_without(opened, &[])
}

/// A plan that also removes these images, even if they are referenced.
fn plan_without(opened: &Cache, unwanted: &[&str]) -> Plan {
    let inventory = opened.inventory().unwrap();
    let extractions = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let long_ago = Some(Timestamp::UNIX_EPOCH);
    let changes: Vec<_> = extractions.map(|entry| (entry.location.clone(), long_ago)).collect();
    let (activity, layers) = (Activity::new(&changes), LayerChoice::Unreferenced);
    let images = inventory.images().map(|(image, _)| image.location.clone());
    let is_unwanted = |image: &Location| unwanted.contains(&image.name.to_string().as_str());
    let evicted = images.filter(is_unwanted).collect();
    let options = GcOptions { all: true, layers, evicted, ..GcOptions::default() };
    let lifetimes = opened.lifetimes(&inventory);
    let idle = Evidence::of_idle_cache(Timestamp::now());
    plan::gc(&inventory, &options, &Evidence { activity, lifetimes, ..idle })
}

/// Takes all steps before deletion. Calls `before` after the plan is made, and `meanwhile` after
/// its items are hidden. Returns the names of the items still to be removed, and the outcome.
fn steps(
    cache: &TestCache,
    before: impl FnOnce(&Cache),
    meanwhile: impl FnOnce(),
) -> (Result<Vec<String>>, Outcome) {
    steps_of(cache, plan, before, meanwhile)
}

/// Like [`steps`], for another plan.
fn steps_of(
    cache: &TestCache,
    plan: impl FnOnce(&Cache) -> Plan,
    before: impl FnOnce(&Cache),
    meanwhile: impl FnOnce(),
) -> (Result<Vec<String>>, Outcome) {
    steps_until(cache, plan, before, Step::Hide, meanwhile)
}

/// Like [`steps_of`], with `meanwhile` after another step.
fn steps_until(
    cache: &TestCache,
    plan: impl FnOnce(&Cache) -> Plan,
    before: impl FnOnce(&Cache),
    pause: Step,
    meanwhile: impl FnOnce(),
) -> (Result<Vec<String>>, Outcome) {
    let opened = open(cache);
    let plan = plan(&opened);
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&opened, &plan, &report);
    let waiting = plan.changed_places();
    before(&opened);
    let mut meanwhile = Some(meanwhile);
    let mut round = Ok(Round { waiting, ..Round::default() });
    for step in STEPS {
        round = round.and_then(|round| trash.take(step, round));
        if step == pause {
            meanwhile.take().into_iter().for_each(|meanwhile| meanwhile());
        }
    }
    let to_remove = round.map(|round| round.to_remove);
    let name = |entry: &HiddenEntry| entry.name.to_string();
    (to_remove.map(|to_remove| to_remove.iter().map(name).collect()), report.into_outcome(None))
}

fn hide_and_rescue(cache: &TestCache, meanwhile: impl FnOnce()) -> (Result<Vec<String>>, Outcome) {
    steps(cache, |_| {}, meanwhile)
}

#[test]
fn an_image_that_gets_a_ref_while_it_is_hidden_comes_back_whole() {
    let cache = TestCache::new();
    let (needed, dead) = (cache.image("a"), cache.image("b"));
    let (to_remove, outcome) = hide_and_rescue(&cache, || {
        assert!(!needed.exists() && !dead.exists());
        assert!(cache.path("tmp-gc-sha256-a/usr/a").exists());
        cache.tag("example.com/a:1", "a");
    });
    assert_eq!(to_remove.unwrap(), ["tmp-gc-dead-sha256-b"]);
    assert!(matches!(
        result(&outcome, "sha256-a"),
        Some(RemovalResult::Kept { why: KeepReason::Referenced })
    ));
    assert!(needed.join("usr/lib/deep/b").exists() && !dead.exists());
}

/// A pull may finish at any time: its ref is seen until the image has the name from which nothing
/// is restored. A ref that is being written at the last check is waited for.
#[test]
fn an_image_that_gets_a_ref_at_any_step_before_the_last_look_comes_back() {
    use Step::{Hide, RescueMounted, RescueNamed, RescueTouched, RescueUsed};
    for (pause, is_being_written) in [
        (Hide, false),
        (Hide, true),
        (RescueNamed, false),
        (RescueUsed, false),
        (RescueMounted, false),
        (RescueTouched, false),
        (RescueTouched, true),
    ] {
        let cache = TestCache::new();
        let needed = cache.image("a");
        let (to_remove, outcome) = std::thread::scope(|scope| {
            steps_until(
                &cache,
                plan,
                |_| {},
                pause,
                || {
                    assert!(!needed.exists());
                    write_ref(scope, &cache, is_being_written);
                },
            )
        });
        let when = format!("after {pause:?}, being written: {is_being_written}");
        assert_eq!(to_remove.unwrap(), [""; 0], "{when}");
        let is_kept = matches!(
            result(&outcome, "sha256-a"),
            Some(RemovalResult::Kept { why: KeepReason::Referenced })
        );
        assert!(is_kept && needed.join("usr/lib/deep/b").exists(), "{when}");
    }
}

/// The owner reads the ref, then looks for the image: it must not be hidden at that moment.
#[test]
fn an_image_that_gets_a_ref_before_it_is_hidden_never_disappears() {
    for is_being_written in [false, true] {
        let cache = TestCache::new();
        let (needed, dead) = (cache.image("a"), cache.image("b"));
        let (to_remove, outcome) = std::thread::scope(|scope| {
            let before = |_: &Cache| write_ref(scope, &cache, is_being_written);
            steps(&cache, before, || assert!(needed.join("usr/a").exists() && !dead.exists()))
        });
        assert_eq!(to_remove.unwrap(), ["tmp-gc-dead-sha256-b"]);
        assert!(matches!(
            result(&outcome, "sha256-a"),
            Some(RemovalResult::Kept { why: KeepReason::Referenced })
        ));
    }
}

/// Writes a ref to the image `a` as the owner does: whole at once, or empty at first.
fn write_ref<'s>(
    scope: &'s std::thread::Scope<'s, '_>,
    cache: &'s TestCache,
    is_being_written: bool,
) {
    if is_being_written {
        fs::write(cache.path("refs").join(hash("example.com/a:1")), "").unwrap();
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(15));
            cache.tag("example.com/a:1", "a");
        });
    } else {
        cache.tag("example.com/a:1", "a");
    }
}

#[test]
fn nothing_is_hidden_if_the_refs_cannot_be_read_by_then() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let hide_refs = |_: &Cache| {
        fs::remove_dir(cache.path("refs")).unwrap();
        symlink(cache.outside(), cache.path("refs")).unwrap();
    };
    let (to_remove, _) = steps(&cache, hide_refs, || assert!(image.join("usr/a").exists()));
    assert!(matches!(to_remove, Err(Error::UnreadableRefs { count: 1, .. })));
    assert!(image.join("usr/a").exists());
}

/// Its refs are removed with it, unless one of them, or a new one, is written at that moment.
#[test]
fn an_unwanted_referenced_image_comes_back_only_for_a_new_ref() {
    type Meanwhile = fn(&TestCache);
    let changes: [(Meanwhile, usize); 3] = [
        (|_| {}, 0),
        (|cache| drop(cache.tag("example.com/a:1", "a")), 2),
        (|cache| drop(cache.tag("example.com/a:3", "a")), 3),
    ];
    for (number, (meanwhile, refs)) in changes.into_iter().enumerate() {
        let cache = TestCache::new();
        let image = cache.image("a");
        let named = ["example.com/a:1", "example.com/a:2"].map(|name| cache.tag(name, "a"));
        let (to_remove, outcome) = steps_of(
            &cache,
            |opened| plan_without(opened, &["sha256-a"]),
            |_| {},
            || {
                assert!(!image.exists() && named.iter().all(|file| !file.exists()));
                meanwhile(&cache);
            },
        );
        let to_remove = to_remove.unwrap();
        assert_eq!(image.exists(), refs > 0, "{number}");
        let count = fs::read_dir(cache.path("refs")).unwrap().count();
        match refs {
            0 => assert_eq!((to_remove.len(), to_remove[0].as_str()), (3, "tmp-gc-dead-sha256-a")),
            // The newly written ref replaces the hidden one, which is removed.
            refs => {
                assert_eq!(count - to_remove.len(), refs, "{number}: {to_remove:?}");
                assert!(to_remove.iter().all(|name| name.starts_with("tmp-gc-")));
                assert!(matches!(
                    result(&outcome, "sha256-a"),
                    Some(RemovalResult::Kept { why: KeepReason::Referenced })
                ));
            }
        }
    }
}

/// A process that runs for the length of a test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// Either a process in the hidden tree, or one started with the former name, as the owner does it.
#[test]
fn an_image_that_is_used_while_it_is_hidden_comes_back_whole() {
    for is_told_its_name in [false, true] {
        let cache = TestCache::new();
        let used = cache.image("a");
        let mut running = None;
        let (to_remove, outcome) = hide_and_rescue(&cache, || {
            let argument = format!(r#"{{"root_path":"{}"}}"#, used.display());
            // A child of the shell would outlive it.
            let mut command = Command::new("sh");
            command.args(["-c", "read line", "runner"]);
            if is_told_its_name {
                command.arg(&argument)
            } else {
                command.current_dir(hidden(&cache, "a"))
            };
            running = Some(Running(command.stdin(Stdio::piped()).spawn().unwrap()));
        });
        drop(running);
        assert_eq!(to_remove.unwrap(), [""; 0]);
        assert!(matches!(
            result(&outcome, "sha256-a"),
            Some(RemovalResult::Kept { why: KeepReason::InUse })
        ));
        assert!(used.join("usr/a").exists());
    }
}

/// The owner has extracted it again, so the copy in use has no place to return to.
#[test]
fn a_used_copy_stays_hidden_if_another_one_has_its_place() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let mut running = None;
    let (to_remove, outcome) = hide_and_rescue(&cache, || {
        let mut command = Command::new("sleep");
        command.arg("60").current_dir(hidden(&cache, "a"));
        running = Some(Running(command.spawn().unwrap()));
        cache.image_with("a", |top| fs::write(top.join("new"), "").unwrap());
        cache.tag("example.com/a:1", "a");
    });
    drop(running);
    assert_eq!(to_remove.unwrap(), [""; 0]);
    assert!(matches!(
        result(&outcome, "sha256-a"),
        Some(RemovalResult::Kept { why: KeepReason::InUse })
    ));
    assert!(image.join("new").exists() && hidden(&cache, "a").join("usr/a").exists());
}

fn hidden(cache: &TestCache, name: &str) -> PathBuf {
    cache.path(&format!("tmp-gc-sha256-{name}"))
}

#[test]
fn hidden_entries_return_to_their_places_on_a_signal() {
    let cache = TestCache::new();
    let image = cache.image("a");
    fs::rename(cache.image("b"), hidden(&cache, "b")).unwrap();
    let opened = open(&cache);
    let plan = plan(&opened);
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&opened, &plan, &report);
    let round = Round { waiting: plan.changed_places(), ..Round::default() };
    let round = trash.take(Step::Hide, round).unwrap();
    assert!(!image.exists() && round.to_remove.len() == 2);
    trash.abandon(&round);
    assert!(image.join("usr/a").exists() && hidden(&cache, "b").join("usr/a").exists());
    let outcome = report.into_outcome(None);
    let is_interrupted =
        |name| matches!(result(&outcome, name), Some(RemovalResult::Interrupted { .. }));
    assert!(is_interrupted("sha256-a") && is_interrupted("tmp-gc-sha256-b"));
}

#[test]
fn a_purge_gives_a_hidden_image_its_final_name() {
    let cache = TestCache::new();
    fs::rename(cache.image("a"), hidden(&cache, "a")).unwrap();
    fs::write(cache.path("note"), "a file goes in one step anyway").unwrap();
    let opened = open(&cache);
    let idle = Evidence::of_idle_cache(Timestamp::now());
    let plan = plan::purge(&opened.inventory().unwrap(), &idle);
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&opened, &plan, &report);
    let round = Round { waiting: plan.changed_places(), ..Round::default() };
    let names = trash.take(Step::Hide, round).unwrap().to_remove;
    let names: Vec<_> = names.iter().map(|entry| entry.name.to_string()).collect();
    assert_eq!(names, ["note", "tmp-gc-dead-sha256-a"]);
}

#[test]
fn an_image_that_is_leased_before_it_is_hidden_never_disappears() {
    let cache = TestCache::new();
    let leased = cache.image("a");
    let digest = Digest::parse(b"sha256:a").unwrap();
    let opened = open(&cache);
    let mut lease = None;
    let (to_remove, outcome) = steps(
        &cache,
        |_| lease = opened.lease(&digest).unwrap(),
        || assert!(leased.join("usr/a").exists()),
    );
    assert!(lease.is_some_and(|lease| lease.is_effective()));
    assert_eq!(to_remove.unwrap(), [""; 0]);
    assert!(matches!(
        result(&outcome, "sha256-a"),
        Some(RemovalResult::Kept { why: KeepReason::Leased })
    ));
}

#[test]
fn an_image_touched_by_its_owner_during_the_checks_comes_back_whole() {
    let cache = TestCache::new();
    let touched = cache.image("a");
    // Far enough back, whatever the clocks say.
    let long = std::time::Duration::from_secs(5000);
    let (to_remove, outcome) = steps(&cache, |_| {}, || age(&cache.path("tmp-gc-sha256-a"), long));
    assert_eq!(to_remove.unwrap(), [""; 0]);
    assert!(matches!(
        result(&outcome, "sha256-a"),
        Some(RemovalResult::Kept { why: KeepReason::Recent })
    ));
    assert!(touched.join("usr/a").exists());
}

#[test]
fn an_image_that_its_owner_touches_after_the_plan_never_disappears() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let touch = |_: &Cache| age(&image, std::time::Duration::ZERO);
    let (to_remove, outcome) = steps(&cache, touch, || assert!(image.exists()));
    assert_eq!(to_remove.unwrap(), [""; 0]);
    assert!(matches!(
        result(&outcome, "sha256-a"),
        Some(RemovalResult::Kept { why: KeepReason::Recent })
    ));
}

#[test]
fn an_image_that_was_extracted_anew_meanwhile_is_left_alone() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let (to_remove, _) = hide_and_rescue(&cache, || {
        cache.image_with("a", |top| fs::write(top.join("new"), "").unwrap());
        cache.tag("example.com/a:1", "a");
    });
    assert_eq!(to_remove.unwrap(), ["tmp-gc-dead-sha256-a"]);
    assert!(image.join("new").exists());
}

#[test]
fn everything_comes_back_if_the_refs_cannot_be_read_any_more() {
    let cache = TestCache::new();
    let images = [cache.image("a"), cache.image("b")];
    let (to_remove, _) = hide_and_rescue(&cache, || {
        fs::remove_dir(cache.path("refs")).unwrap();
        symlink(cache.outside(), cache.path("refs")).unwrap();
    });
    assert!(matches!(to_remove, Err(Error::UnreadableRefs { count: 1, .. })));
    assert!(images.iter().all(|image| image.join("usr/a").exists()));
}

#[test]
fn rubbish_of_an_earlier_run_is_no_obstacle() {
    let cache = TestCache::new();
    cache.image("a");
    for name in ["tmp-gc-sha256-a", "tmp-gc-dead-sha256-a"] {
        fs::create_dir_all(cache.path(name).join("rest")).unwrap();
    }
    let (to_remove, _) = hide_and_rescue(&cache, || {});
    let names = ["tmp-gc-dead-2-sha256-a", "tmp-gc-dead-sha256-a", "tmp-gc-dead-3-sha256-a"];
    assert_eq!(to_remove.unwrap(), names);
}

/// What a killed run leaves between its two renames, and what happens to that.
#[test]
fn a_referenced_image_hidden_by_a_killed_run_comes_back() {
    let cache = TestCache::new();
    let hide = |name: &str| {
        let hidden = cache.path(&format!("tmp-gc-sha256-{name}"));
        fs::rename(cache.image(name), &hidden).unwrap();
        age(&hidden, std::time::Duration::from_secs(3600));
    };
    ["a", "b", "c"].iter().for_each(|name| hide(name));
    cache.tag("example.com/a:1", "a");
    let (to_remove, outcome) = hide_and_rescue(&cache, || drop(cache.tag("example.com/b:1", "b")));
    assert_eq!(to_remove.unwrap(), ["tmp-gc-dead-sha256-c"]);
    assert!(matches!(result(&outcome, "tmp-gc-sha256-a"), Some(RemovalResult::Restored)));
    assert!(matches!(
        result(&outcome, "tmp-gc-sha256-b"),
        Some(RemovalResult::Kept { why: KeepReason::Referenced })
    ));
    let is_whole = |name: &str| Path::new(&cache.path(name)).join("usr/lib/deep/b").exists();
    assert!(is_whole("sha256-a") && is_whole("sha256-b"));
}

/// A full disk makes a sweep repeat all its steps.
#[test]
fn a_returned_entry_is_not_brought_back_twice() {
    let cache = TestCache::new();
    fs::rename(cache.image("a"), cache.path("tmp-gc-sha256-a")).unwrap();
    cache.tag("example.com/a:1", "a");
    let opened = open(&cache);
    let plan = plan(&opened);
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&opened, &plan, &report);
    let mut round = Round { waiting: plan.changed_places(), ..Round::default() };
    for _ in 0..2 {
        round = trash.take(Step::Restore, round).unwrap();
    }
    assert!(matches!(
        result(&report.into_outcome(None), "tmp-gc-sha256-a"),
        Some(RemovalResult::Restored)
    ));
}

#[test]
fn an_image_whose_name_is_too_long_to_be_renamed_twice_is_still_removed() {
    let cache = TestCache::new();
    (0..3).for_each(|n| drop(cache.image(&format!("{}{n}", "x".repeat(240)))));
    let (to_remove, _) = hide_and_rescue(&cache, || {});
    let to_remove = to_remove.unwrap();
    assert_eq!(to_remove.len(), 3);
    assert!(to_remove.iter().all(|name| name.starts_with("tmp-gc-dead-")), "{to_remove:?}");
}

/// The owner writes in place: a process that has the file open writes to it wherever it is.
#[test]
fn a_dangling_ref_comes_back_if_its_image_does_or_if_it_is_written_anew() {
    use std::io::Write;
    for (writes, appears, is_to_go) in [
        (None, None, true),
        (None, Some("a"), false),
        (Some("example.com/a:1\tsha256:a\n"), None, true),
        (Some("example.com/a:1\tsha256:b\n"), Some("b"), false),
        (Some(""), None, false),
    ] {
        let cache = TestCache::new();
        let file = cache.tag("example.com/a:1", "a");
        age(&file, std::time::Duration::from_secs(61));
        let mut opened = fs::OpenOptions::new().write(true).open(&file).unwrap();
        let (to_remove, outcome) = hide_and_rescue(&cache, || {
            assert!(!file.exists());
            if let Some(line) = writes {
                opened.set_len(0).unwrap();
                opened.write_all(line.as_bytes()).unwrap();
            }
            appears.into_iter().for_each(|image| drop(cache.image(image)));
        });
        assert_eq!(to_remove.unwrap().len(), usize::from(is_to_go), "{writes:?} {appears:?}");
        let path = format!("refs/{}", file.file_name().unwrap().to_str().unwrap());
        let is_kept = matches!(
            result(&outcome, &path),
            Some(RemovalResult::Kept { why: KeepReason::Recent })
        );
        assert_eq!((is_kept, file.exists()), (!is_to_go, !is_to_go));
    }
}

#[test]
fn an_abandoned_extraction_comes_back_if_a_process_enters_or_changes_it() {
    for act in [true, false] {
        let cache = TestCache::new();
        let path = cache.path("tmp-rootfs-1");
        fs::create_dir(&path).unwrap();
        let hidden = cache.path("tmp-gc-tmp-rootfs-1");
        let mut running = None;
        let meanwhile = || {
            if act {
                let mut command = Command::new("sleep");
                command.arg("60").current_dir(&hidden);
                running = Some(Running(command.spawn().unwrap()));
            } else {
                fs::write(hidden.join("more"), "").unwrap()
            }
        };
        let (to_remove, _) = steps(&cache, |_| {}, meanwhile);
        assert_eq!(to_remove.unwrap(), [""; 0]);
        assert!(path.exists());
    }
}

/// No image is left that could use the layer, until one is kept after all.
#[test]
fn a_layer_comes_back_with_an_image_or_if_a_pull_touches_it() {
    type Case = (fn(&TestCache), &'static [&'static str], Option<KeepReason>);
    let cases: [Case; 4] = [
        (|_| {}, &["tmp-gc-dead-sha256-a", "tmp-gc-sha256-l"], None),
        (|cache| drop(cache.tag("example.com/a:1", "a")), &[], Some(KeepReason::Referenced)),
        (
            |cache| age(&cache.path("layers/tmp-gc-sha256-l"), std::time::Duration::ZERO),
            &["tmp-gc-dead-sha256-a"],
            Some(KeepReason::Recent),
        ),
        // A pull that missed it has extracted it again.
        (|cache| drop(cache.layer("l")), &["tmp-gc-dead-sha256-a", "tmp-gc-sha256-l"], None),
    ];
    for (act, expected, kept) in cases {
        let cache = TestCache::new();
        cache.image("a");
        let layer = cache.layer("l");
        let (to_remove, outcome) = hide_and_rescue(&cache, || {
            assert!(!layer.exists());
            act(&cache);
        });
        assert_eq!(to_remove.unwrap(), expected);
        match result(&outcome, "layers/sha256-l") {
            Some(RemovalResult::Kept { why }) => assert_eq!(Some(*why), kept),
            fate => assert!(fate.is_none() && kept.is_none(), "{fate:?}"),
        }
        assert!(kept.is_none() || layer.join("usr/a").exists());
    }
}

#[test]
fn an_entry_gone_before_it_is_hidden_is_reported_as_gone() {
    let cache = TestCache::new();
    let image = cache.image("a");
    let (to_remove, outcome) = steps(&cache, |_| fs::remove_dir_all(&image).unwrap(), || {});
    assert!(to_remove.unwrap().is_empty());
    assert!(matches!(result(&outcome, "sha256-a"), Some(RemovalResult::Gone)));
}

#[test]
fn the_refs_of_an_image_that_a_full_disk_keeps_in_its_place_go_back_to_theirs() {
    let cache = TestCache::new();
    let (image, named) = (cache.image("a"), cache.tag("example.com/a:1", "a"));
    let opened = open(&cache);
    let plan = plan_without(&opened, &["sha256-a"]);
    let (sender, _events) = crossbeam_channel::unbounded();
    let report = Report::on_plan(&plan, &sender);
    let trash = Trash::new(&opened, &plan, &report);
    let mut round = Round { waiting: plan.changed_places(), ..Round::default() };
    for step in [Step::Restore, Step::Hide] {
        round = trash.take(step, round).unwrap();
    }
    assert!(!image.exists() && !named.exists());
    // As if there had been no room for the second name of the image.
    let entry = round.to_remove.remove(0);
    assert!(trash.unhide(&entry));
    let obstacle = Obstacle { operation: "rename", cause: rustix::io::Errno::NOSPC };
    round.not_renamed.push((entry.decision, obstacle));
    round = trash.take(Step::RescueSettled, round).unwrap();
    assert!(image.exists() && named.exists());
    assert_eq!(
        (round.to_remove.len(), round.not_renamed.len()),
        (0, 2),
        "both wait for the next try"
    );
}

#[test]
fn the_layers_of_an_image_that_cannot_be_renamed_stay() {
    for cause in [rustix::io::Errno::ACCESS, rustix::io::Errno::NOSPC] {
        let cache = TestCache::new();
        let (image, layer) = (cache.image("a"), cache.layer("l"));
        let opened = open(&cache);
        let plan = plan(&opened);
        let (sender, _events) = crossbeam_channel::unbounded();
        let report = Report::on_plan(&plan, &sender);
        let trash = Trash::new(&opened, &plan, &report);
        let mut round = Round { waiting: plan.changed_places(), ..Round::default() };
        round = trash.take(Step::Hide, round).unwrap();
        assert!(!image.exists() && !layer.exists());
        // As if renaming the image had failed.
        let entry = round.to_remove.remove(0);
        assert!(trash.unhide(&entry));
        let obstacle = Obstacle { operation: "rename", cause };
        if obstacle.forbids_only_renames() {
            round.not_renamed.push((entry.decision, obstacle));
        } else {
            trash.give_up(entry.decision, obstacle);
        }
        round = trash.take(Step::RescueLayers, round).unwrap();
        assert!(layer.exists() && round.to_remove.is_empty(), "{cause}");
        trash.give_up_all(&round.not_renamed);
        let outcome = report.into_outcome(None);
        assert!(matches!(result(&outcome, "sha256-a"), Some(RemovalResult::Failed { .. })));
        assert!(matches!(
            result(&outcome, "layers/sha256-l"),
            Some(RemovalResult::Kept { why: KeepReason::Referenced })
        ));
    }
}

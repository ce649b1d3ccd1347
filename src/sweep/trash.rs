//! Atomic disappearance: the first two steps of a sweep.

use std::sync::Arc;

use bytesize::ByteSize;
use rustix::io::Errno;

use super::outcome::{Fate, Report};
use crate::cache::{Cache, EntryKind, EntryName, Folders, Leftover, RefIndex, TRASH_PREFIX};
use crate::directory::Directory;
use crate::error::{Error, Result};
use crate::plan::{Decision, Item, Marks, Plan, RemoveReason, Verdict};
use crate::usage::Problems;

/// How many names are tried for one entry. More than one is taken only if an earlier collection of
/// the same entry was interrupted.
const NAMES: u32 = 1000;
/// The longest part of an entry's own name that is kept in its new one; file systems allow 255.
const KEPT_BYTES: usize = 200;

/// Something that is to be deleted, hidden from its readers.
pub(super) struct Doomed {
    /// The place of its decision in the plan.
    pub decision: usize,
    pub folder: Arc<Directory>,
    /// What it is called now.
    pub name: EntryName,
}

/// What [`hide`] has come to.
#[derive(Default)]
pub(super) struct Hidden {
    pub doomed: Vec<Doomed>,
    /// Decisions for whose items a full disk has no room for another name.
    pub no_room: Vec<usize>,
}

/// Renames the items of the given decisions, but for orphans that are among `marks` by now. What
/// is gone already counts as removed.
pub(super) fn hide(
    cache: &Cache,
    plan: &Plan,
    decisions: &[usize],
    marks: &Marks<'_>,
    report: &Report<'_>,
) -> Hidden {
    let (mut hidden, folders) = (Hidden::default(), Folders::open(cache));
    for &index in decisions {
        let decision = &plan.decisions[index];
        if is_orphan(decision) && marks.contains(&decision.item.location().name) {
            report.settle(index, Fate::Rescued);
            continue;
        }
        match hide_one(&folders, decision) {
            Ok((folder, name)) => hidden.doomed.push(Doomed { decision: index, folder, name }),
            Err(Errno::NOENT) => report.settle(index, Fate::Removed { freed: ByteSize::b(0) }),
            Err(Errno::NOSPC | Errno::DQUOT) => hidden.no_room.push(index),
            Err(cause) => report.settle(index, failed("rename", cache, decision, cause)),
        }
    }
    hidden
}

/// Reports that there was no room to hide the items of the given decisions.
pub(super) fn give_up(cache: &Cache, plan: &Plan, decisions: &[usize], report: &Report<'_>) {
    for &index in decisions {
        let fate = failed("rename", cache, &plan.decisions[index], Errno::NOSPC);
        report.settle(index, fate);
    }
}

fn hide_one(
    folders: &Folders,
    decision: &Decision,
) -> rustix::io::Result<(Arc<Directory>, EntryName)> {
    let location = decision.item.location();
    let folder = folders.get(location.folder)?.ok_or(Errno::NOENT)?;
    let name = match needs_hiding(&decision.item) {
        true => rename_to_trash(folder, &location.name)?,
        false => location.name.clone(),
    };
    Ok((Arc::clone(folder), name))
}

fn is_orphan(decision: &Decision) -> bool {
    decision.verdict == Verdict::Remove(RemoveReason::Orphan)
}

/// A ref is a single file, and goes in one step anyway.
fn needs_hiding(item: &Item) -> bool {
    match item {
        Item::Entry(entry) => entry.kind != EntryKind::Leftover(Leftover::InterruptedGc),
        Item::Ref { .. } => false,
    }
}

fn rename_to_trash(folder: &Directory, name: &EntryName) -> rustix::io::Result<EntryName> {
    for attempt in 0..NAMES {
        let trash = trash_name(name, attempt);
        match folder.rename(name.as_c_str(), folder, trash.as_c_str()) {
            Ok(()) => return Ok(trash),
            Err(Errno::EXIST | Errno::NOTEMPTY) => {}
            Err(cause) => return Err(cause),
        }
    }
    Err(Errno::EXIST)
}

fn trash_name(name: &EntryName, attempt: u32) -> EntryName {
    let own = &name.as_bytes()[..name.as_bytes().len().min(KEPT_BYTES)];
    let number = if attempt == 0 { String::new() } else { format!("{attempt}-") };
    let bytes = [TRASH_PREFIX.as_bytes(), number.as_bytes(), own].concat();
    EntryName::new(bytes).expect("a prefix and a part of a plain name are a plain name")
}

/// Reads the refs again, and renames back what has got one in the meantime.
///
/// # Errors
/// The refs cannot be read any more; then all orphans are back in their places.
pub(super) fn rescue(
    cache: &Cache,
    plan: &Plan,
    hidden: Vec<Doomed>,
    report: &Report<'_>,
) -> Result<Vec<Doomed>> {
    if !hidden.iter().any(|entry| is_orphan(&plan.decisions[entry.decision])) {
        return Ok(hidden);
    }
    // At once for whatever has a whole ref: nobody should miss an image while we wait for others.
    let hidden = put_back(cache, plan, hidden, &cache.refs_now(), report);
    let refs = cache.refs();
    let doomed = put_back(cache, plan, hidden, &refs, report);
    refs.into_readable().map(|_| doomed)
}

/// Renames back the orphans that `refs` name; all of them, if there are refs that cannot be read.
fn put_back(
    cache: &Cache,
    plan: &Plan,
    hidden: Vec<Doomed>,
    refs: &RefIndex,
    report: &Report<'_>,
) -> Vec<Doomed> {
    let marks = Marks::new(&refs.refs);
    let is_needed = |decision: &Decision| {
        let name = &decision.item.location().name;
        is_orphan(decision) && (marks.contains(name) || !refs.unreadable.is_empty())
    };
    let (needed, mut doomed): (Vec<_>, Vec<_>) =
        hidden.into_iter().partition(|entry| is_needed(&plan.decisions[entry.decision]));
    for entry in needed {
        let decision = &plan.decisions[entry.decision];
        let name = decision.item.location().name.as_c_str();
        match entry.folder.rename(entry.name.as_c_str(), &entry.folder, name) {
            Ok(()) => report.settle(entry.decision, Fate::Rescued),
            // The owner has extracted the image anew: this copy is rubbish.
            Err(Errno::EXIST | Errno::NOTEMPTY) => doomed.push(entry),
            Err(cause) => {
                report.settle(entry.decision, failed("rename back", cache, decision, cause));
            }
        }
    }
    doomed
}

fn failed(operation: &'static str, cache: &Cache, decision: &Decision, cause: Errno) -> Fate {
    let mut problems = Problems::default();
    problems.push(Error::io(operation, decision.item.location().path_in(cache.path()), cause));
    Fate::Failed { freed: ByteSize::b(0), problems: Arc::new(problems) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use jiff::Timestamp;

    use super::*;
    use crate::plan::collect;
    use crate::sweep::Outcome;
    use crate::test_cache::TestCache;

    /// Hides what the plan dooms, lets `meanwhile` happen, and reads the refs again. Returns the
    /// names of what is doomed all the same, and the outcome.
    fn hide_and_rescue(
        cache: &TestCache,
        meanwhile: impl FnOnce(),
    ) -> (Result<Vec<String>>, Outcome) {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let plan = collect(&opened.inventory().unwrap(), Timestamp::now());
        let (sender, _events) = crossbeam_channel::unbounded();
        let report = Report::new(plan.decisions.len(), &sender);
        let marks = Marks::new(&[]);
        let decisions: Vec<_> = plan.removals().map(|(index, _)| index).collect();
        let hidden = hide(&opened, &plan, &decisions, &marks, &report);
        meanwhile();
        let doomed = rescue(&opened, &plan, hidden.doomed, &report);
        let names =
            doomed.map(|doomed| doomed.iter().map(|entry| entry.name.to_string()).collect());
        (names, report.into_outcome())
    }

    #[test]
    fn an_image_that_gets_a_ref_while_it_is_hidden_comes_back_whole() {
        let cache = TestCache::new();
        let (needed, dead) = (cache.image("a"), cache.image("b"));
        let (doomed, outcome) = hide_and_rescue(&cache, || {
            assert!(!needed.exists() && !dead.exists());
            cache.tag("example.com/a:1", "a");
        });
        assert_eq!(doomed.unwrap(), ["tmp-gc-sha256-b"]);
        assert!(matches!(outcome.fate(0), Some(Fate::Rescued)));
        assert!(needed.join("usr/lib/deep/b").exists() && !dead.exists());
    }

    #[test]
    fn an_image_that_was_extracted_anew_meanwhile_is_left_alone() {
        let cache = TestCache::new();
        let image = cache.image("a");
        let (doomed, _) = hide_and_rescue(&cache, || {
            cache.image_with("a", |top| fs::write(top.join("new"), "").unwrap());
            cache.tag("example.com/a:1", "a");
        });
        assert_eq!(doomed.unwrap(), ["tmp-gc-sha256-a"]);
        assert!(image.join("new").exists());
    }

    #[test]
    fn everything_comes_back_if_the_refs_cannot_be_read_any_more() {
        let cache = TestCache::new();
        let images = [cache.image("a"), cache.image("b")];
        let (doomed, _) = hide_and_rescue(&cache, || symlink("/etc", cache.path("refs")).unwrap());
        assert!(matches!(doomed, Err(Error::UnreadableRefs { count: 1, .. })));
        assert!(images.iter().all(|image| image.join("usr/a").exists()));
    }

    #[test]
    fn rubbish_of_an_earlier_run_is_no_obstacle() {
        let cache = TestCache::new();
        cache.image("a");
        fs::create_dir(cache.path("tmp-gc-sha256-a")).unwrap();
        let (doomed, _) = hide_and_rescue(&cache, || {});
        assert_eq!(doomed.unwrap(), ["tmp-gc-1-sha256-a", "tmp-gc-sha256-a"]);
    }

    #[test]
    fn a_trash_name_is_marked_numbered_and_short_enough() {
        let name = |text: &str| EntryName::new(text).unwrap();
        assert_eq!(trash_name(&name("sha256-a"), 0), name("tmp-gc-sha256-a"));
        assert_eq!(trash_name(&name("sha256-a"), 2), name("tmp-gc-2-sha256-a"));
        let long = trash_name(&name(&"x".repeat(255)), NAMES - 1);
        assert!(long.as_bytes().len() <= 255);
    }
}

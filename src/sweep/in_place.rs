//! Deletion by a single thread that keeps only the two ends of a [`Trail`] open.

use std::io;

use super::target::{Rest, Shell, Step, Target};
use super::tree::{Ending, Tree};
use crate::fs::{Directory, NameList, Trail};

/// The thread's position, and what it still has to remove.
struct InPlace<'t> {
    tree: &'t Tree<'t>,
    trail: Trail<'t>,
    /// Every directory from the removed one down to the end of the trail.
    levels: Vec<Level>,
    /// The result of removing the first of them.
    ending: Ending,
}

struct Level {
    shell: Shell,
    /// Its subdirectories that are still to be removed.
    children: NameList,
    /// The combined result for the rest of its contents.
    ending: Ending,
}

/// Removes the rest of a directory in `holder` and the directory itself, after its files are gone.
pub fn remove(tree: &Tree<'_>, holder: &Directory, rest: Rest) -> Ending {
    let trail = Trail::new(holder);
    let mut work = InPlace { tree, trail, levels: Vec::new(), ending: Ending::Removed };
    work.descend(rest);
    work.run()
}

impl InPlace<'_> {
    fn run(mut self) -> Ending {
        while let Some(level) = self.levels.last_mut() {
            if self.tree.is_stopped() {
                return Ending::Kept;
            }
            match level.children.pop() {
                Some(name) => self.step(Target::new(name)),
                None => {
                    if let Err(cause) = self.ascend() {
                        return self.tree.lose(
                            "return to the parent of",
                            self.trail.here(),
                            c".",
                            cause,
                        );
                    }
                }
            }
        }
        self.ending
    }

    fn step(&mut self, target: Target) {
        match target.remove(self.tree, self.trail.here()) {
            Step::Ended(ending) => self.note(ending),
            Step::Left(rest) => self.descend(rest),
        }
    }

    fn note(&mut self, ending: Ending) {
        if ending == Ending::Kept {
            *self.levels.last_mut().map_or(&mut self.ending, |level| &mut level.ending) = ending;
        }
    }

    fn descend(&mut self, rest: Rest) {
        let Rest { shell, directory, inode, children, ending, .. } = rest;
        self.trail.descend(directory, inode);
        self.levels.push(Level { shell, children, ending });
    }

    /// Goes back up, and removes the directory from there.
    fn ascend(&mut self) -> io::Result<()> {
        // Going up needs search permission, which is there: something in the directory was opened,
        // or at least tried, and that repairs the mode.
        self.trail.ascend()?;
        if let Some(level) = self.levels.pop() {
            match level.shell.remove(self.tree, self.trail.here(), level.ending) {
                Ok(ending) => self.note(ending),
                Err(again) => self.step(again),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::sync::Arc;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::StopFlag;
    use crate::cache::{EntryName, Folder, Location};
    use crate::fs::Budget;
    use crate::sweep::freed::LastNames;
    use crate::sweep::outcome::{RemovalResult, Report};
    use crate::sweep::trash::HiddenEntry;
    use crate::test_cache::{TestCache, grow};
    use crate::usage::{Progress, Surveys};

    fn location() -> Location {
        Location { folder: Folder::Root, name: EntryName::new("sha256-a").unwrap() }
    }

    fn to_remove(cache: &TestCache) -> HiddenEntry {
        let folder = Arc::new(Directory::open(&cache.dir()).unwrap());
        HiddenEntry { decision: 0, folder, name: location().name, in_place: None }
    }

    /// Removes the image `a`, and returns the bytes, files and directories removed.
    fn removed(cache: &TestCache, threads: usize, permits: usize) -> (u64, u64, u64) {
        let budget = Budget::with(threads, permits);
        let progress = Progress::for_items([&location()], StopFlag::new());
        let (sender, events) = crossbeam_channel::unbounded();
        let location = location();
        let report = Report::new([&location], &sender);
        crate::sweep::remove::remove(
            &[to_remove(cache)],
            &progress,
            &budget,
            &report,
            &Surveys::default(),
        );
        assert_eq!(events.len(), 1, "its end is reported once");
        for _ in 0..permits {
            std::mem::forget(budget.try_take().expect("each permit was returned"));
        }
        let usage = progress.counters(0).usage();
        match report.into_outcome(None).get(&location) {
            Some(RemovalResult::Removed { freed }) => {
                (freed.as_u64(), usage.files, usage.directories)
            }
            fate => panic!("{fate:?}"),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn the_removed_entries_do_not_depend_on_the_permits(
            steps in vec((any::<usize>(), any::<u8>()), 0..80),
            threads in 1..4usize,
        ) {
            let with = |permits| {
                let cache = TestCache::new();
                let image = cache.image_with("a", |top| grow(top, &cache.outside(), &steps));
                let removed = removed(&cache, threads, permits);
                assert!(!image.exists());
                removed
            };
            let expected = with(1000);
            for permits in 0..3 {
                prop_assert_eq!(with(permits), expected, "{} permits", permits);
            }
        }
    }

    /// Descends to `b/c` in the image `a`, with nothing pending but what `then` adds, and removes
    /// from there on.
    fn removed_from_c(cache: &TestCache, then: impl FnOnce(&mut InPlace<'_>)) -> RemovalResult {
        let (to_remove, progress) =
            (to_remove(cache), Progress::for_items([&location()], StopFlag::new()));
        let (sender, _events) = crossbeam_channel::unbounded();
        let location = location();
        let (names, report) = (LastNames::default(), Report::new([&location], &sender));
        let tree = Tree::new(&to_remove, &progress, &names, &report, &Surveys::default());
        let (trail, levels) = (Trail::new(&to_remove.folder), Vec::new());
        let mut work = InPlace { tree: &tree, trail, levels, ending: Ending::Removed };
        for name in [c"sha256-a", c"b", c"c"] {
            work.step(Target::new(name.to_owned()));
        }
        work.levels.iter_mut().for_each(|level| level.children = NameList::default());
        then(&mut work);
        tree.settle(work.run());
        report.into_outcome(None).get(&location).cloned().unwrap()
    }

    fn image(cache: &TestCache) -> std::path::PathBuf {
        cache.image_with("a", |top| fs::create_dir_all(top.join("b/c/d/e")).unwrap())
    }

    #[test]
    fn nothing_is_removed_where_a_directory_was_moved_to() {
        let cache = TestCache::new();
        let (image, elsewhere) = (image(&cache), cache.home().join("elsewhere"));
        let fate = removed_from_c(&cache, |work| {
            work.levels[1].children.push(c"victim");
            fs::create_dir_all(elsewhere.join("victim")).unwrap();
            fs::rename(image.join("b/c"), elsewhere.join("c")).unwrap();
        });
        assert!(elsewhere.join("victim").exists() && elsewhere.join("c/d/e").exists());
        let RemovalResult::Failed { problems, .. } = fate else { panic!("{fate:?}") };
        let problem = problems.first()[0].to_string();
        assert!(problem.ends_with("elsewhere/c/.: it was moved in the meantime"), "{problem}");
    }

    /// Another process may put it there after the directory above was listed. The canary outside is
    /// checked when the test cache is dropped.
    #[test]
    fn a_symlink_in_place_of_a_directory_is_removed_and_its_target_kept() {
        let cache = TestCache::new();
        let image = image(&cache);
        let fate = removed_from_c(&cache, |work| {
            symlink(cache.outside(), image.join("b/victim")).unwrap();
            work.levels[1].children.push(c"victim");
        });
        assert!(matches!(fate, RemovalResult::Removed { .. }) && !image.exists(), "{fate:?}");
        for permits in [0, 1000] {
            symlink(cache.outside(), &image).unwrap();
            let (_, files, directories) = removed(&cache, 2, permits);
            assert_eq!((files, directories), (1, 0), "{permits} permits");
        }
    }

    /// It may have been skipped by the listing, or added since.
    #[test]
    fn leftover_entries_of_a_directory_are_removed_in_another_pass() {
        let cache = TestCache::new();
        let image = image(&cache);
        let fate = removed_from_c(&cache, |_| {});
        assert!(matches!(fate, RemovalResult::Removed { .. }), "{fate:?}");
        assert!(!image.exists());
    }

    #[test]
    fn files_and_directories_are_counted() {
        for permits in [0, 100] {
            let cache = TestCache::new();
            image(&cache);
            let (_, files, directories) = removed(&cache, 1, permits);
            // The image's config; the image, `b`, `c`, `d` and `e`.
            assert_eq!((files, directories), (1, 5), "{permits} permits");
        }
    }

    #[test]
    fn nothing_is_removed_after_a_stop() {
        for permits in [0, 100] {
            let cache = TestCache::new();
            let image = image(&cache);
            let stop = StopFlag::new();
            stop.raise();
            let progress = Progress::for_items([&location()], stop);
            let budget = Budget::with(1, permits);
            let (sender, _events) = crossbeam_channel::unbounded();
            let location = location();
            let report = Report::new([&location], &sender);
            crate::sweep::remove::remove(
                &[to_remove(&cache)],
                &progress,
                &budget,
                &report,
                &Surveys::default(),
            );
            let fate = report.into_outcome(None).get(&location).cloned();
            assert!(matches!(fate, Some(RemovalResult::Interrupted { .. })), "{fate:?}");
            assert!(image.join("b/c/d/e").exists() && image.join(".oci-config.json").exists());
        }
    }

    #[test]
    fn a_kept_entry_keeps_everything_above() {
        let cache = TestCache::new();
        let image = image(&cache);
        let fate = removed_from_c(&cache, |work| work.note(Ending::Kept));
        assert!(
            matches!(fate, RemovalResult::Interrupted { .. }),
            "nothing else was tried: {fate:?}"
        );
        assert!(image.join("b/c/d/e").exists());
    }
}

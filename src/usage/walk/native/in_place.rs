//! A walk by one thread that keeps only the two ends of a [`Trail`] open.

use std::ffi::CStr;

use rayon::Scope;

use super::visit::Opened;
use super::walk::Walk;
use crate::fs::{Directory, InodeId, NameList, Trail};
use crate::usage::breakdown::DirId;

/// The current directory, and the directories still to visit.
struct InPlace<'s, 'b> {
    walk: Walk<'s>,
    trail: Trail<'b>,
    /// The directories to visit in each directory from the base down.
    levels: Vec<Level>,
    /// Their total number. Once it is 0, there is no reason to go back up.
    left: usize,
}

/// The directories to visit in one directory.
struct Level {
    dir: DirId,
    children: NameList,
}

/// Visits the directories `children` of `base`, whose ID is `dir`, and everything below them.
pub fn walk<'s>(
    walk: Walk<'s>,
    scope: &Scope<'s>,
    base: &Directory,
    dir: DirId,
    children: NameList,
) {
    let (trail, left) = (Trail::new(base), children.len());
    InPlace { walk, trail, levels: vec![Level { dir, children }], left }.run(scope);
}

impl<'s> InPlace<'s, '_> {
    fn run(mut self, scope: &Scope<'s>) {
        while self.left > 0 && !self.walk.stop.is_raised() {
            let level = self.levels.last_mut();
            let dir = level.as_ref().map(|level| level.dir).unwrap_or_default();
            match level.and_then(|level| level.children.pop()) {
                Some(name) => self.visit(scope, dir, &name),
                None => {
                    if let Err(cause) = self.trail.ascend() {
                        let path = self.walk.path_of(self.trail.here(), c".");
                        self.walk.tree.miss(dir, "return to the parent of", &path, cause);
                        break;
                    }
                    self.levels.pop();
                }
            }
        }
        (0..self.left).for_each(|_| self.walk.tree.finish_directory(0));
    }

    fn visit(&mut self, scope: &Scope<'s>, above: DirId, name: &CStr) {
        self.left -= 1;
        let walk = self.walk;
        let Some(opened) = walk.open(self.trail.here(), Some(above), name) else { return };
        let children = walk.list(&opened);
        let Opened { directory, status, dir } = opened;
        match walk.hold(directory, dir, children) {
            Ok(Some((parent, span))) => scope.spawn(move |scope| walk.visit(scope, parent, span)),
            Ok(None) => {}
            Err((directory, children)) => {
                self.descend(directory, status.inode, Level { dir, children });
            }
        }
    }

    /// A directory that may be listed but not searched has no way back up. It has no way down
    /// either, so its children can be counted from above.
    fn descend(&mut self, directory: Directory, inode: InodeId, mut level: Level) {
        if let Err(cause) = directory.status_of(c"..") {
            while let Some(name) = level.children.pop() {
                self.walk.closed(&directory, Some(level.dir), &name, cause);
            }
            return;
        }
        self.left += level.children.len();
        self.trail.descend(directory, inode);
        self.levels.push(level);
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::StopFlag;
    use crate::cache::{Cache, Folders, Location};
    use crate::fs::Budget;
    use crate::jobs::{Jobs, Pool};
    use crate::test_cache::{TestCache, grow};
    use crate::usage::walk::top::Top;
    use crate::usage::walk::tree::TreeWalk;
    use crate::usage::{Breakdown, Counters, Meter, Usage, Walker};

    /// The only tree of a cache.
    fn tree(cache: &TestCache) -> (Cache, Vec<Location>) {
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let entries = opened.inventory().unwrap().entries;
        (opened, entries.into_iter().map(|entry| entry.location).collect())
    }

    fn measure(cache: &TestCache, threads: usize, permits: usize) -> (Usage, Breakdown) {
        let (opened, locations) = tree(cache);
        let pool = Pool::new(Budget::with(threads, permits)).unwrap();
        let meter = Meter::new(Jobs::new(1).unwrap()).with_walker(Walker::Native).with_breakdown(5);
        let stop = StopFlag::new();
        let measured = meter.measure_with(&pool, &opened, &locations, &stop, &mut |_| {});
        for _ in 0..permits {
            std::mem::forget(pool.budget.try_take().expect("each permit has come back"));
        }
        let measured = measured.unwrap();
        let breakdown = measured.breakdown(&locations[0]).unwrap().clone();
        (measured.usage(&locations[0]).unwrap(), breakdown)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn counts_do_not_depend_on_the_permits(
            steps in vec((any::<usize>(), any::<u8>()), 0..80),
            threads in 1..4usize,
        ) {
            let cache = TestCache::new();
            cache.image_with("a", |top| grow(top, &cache.outside(), &steps));
            let expected = measure(&cache, threads, 1000);
            for permits in 0..4 {
                let measured = measure(&cache, threads, permits);
                prop_assert_eq!(&measured, &expected, "{} permits", permits);
            }
        }
    }

    #[test]
    fn a_directory_that_was_moved_away_makes_a_size_incomplete() {
        let cache = TestCache::new();
        let image = cache.image("a");
        let (opened, locations) = tree(&cache);
        let (folders, counters) = (Folders::open(&opened), Counters::default());
        let (top, stop) = (Top::new(&opened, &folders, &locations[0]), StopFlag::new());
        let walked = TreeWalk::new(top, &counters, None);
        let pool = Pool::new(Budget::with(1, 0)).unwrap();
        let walk = Walk { tree: &walked, budget: &pool.budget, stop: &stop };
        let base = Directory::open(&image).unwrap();
        let mut trail = Trail::new(&base);
        for name in [c"usr", c"lib", c"deep"] {
            let (child, status) = trail.here().open_child(name).unwrap();
            trail.descend(child, status.inode);
        }
        std::fs::rename(image.join("usr/lib/deep"), cache.home().join("deep")).unwrap();
        std::fs::create_dir(cache.home().join("share")).unwrap();
        let level = |_| Level { dir: DirId::TOP, children: NameList::default() };
        let mut levels: Vec<_> = (0..4).map(level).collect();
        levels[1].children.push(c"share");
        pool.threads.scope(|scope| InPlace { walk, trail, levels, left: 1 }.run(scope));
        let (account, _) = walked.into_account();
        assert_eq!((account.usage.directories, account.usage.unreadable), (0, 1));
        let problem = account.problems.first()[0].to_string();
        assert!(problem.ends_with("it was moved in the meantime"), "{problem}");
    }
}

//! Laws that hold for any contents of a cache. Both walkers count the same as `std::fs`, in total
//! and in each directory. A plan never removes an image with a ref. A sweep removes what its plan
//! lists and nothing else.

#[path = "support/cache.rs"]
#[allow(dead_code, reason = "benches and the demo use all of it")]
mod cache;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, File, Metadata};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bbox_cache::cache::{Cache, EntryKind, Folder, Location};
use bbox_cache::gc::gather;
use bbox_cache::plan::{self, Activity, GcOptions, Plan, Verdict};
use bbox_cache::sweep::{RemovalResult, sweep};
use bbox_cache::usage::{Meter, Progress, Usage, Walker};
use bbox_cache::{Jobs, StopFlag};
use cache::{TestCache, age, later};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

/// An entry of a tree.
#[derive(Clone, Debug)]
enum Node {
    File(usize),
    /// A file of this length without any data.
    Sparse(u64),
    /// Another name of a file created earlier.
    HardLink(prop::sample::Index),
    Symlink(Target),
    Fifo,
    Directory(Vec<Node>),
}

/// The target of a symlink. It is never a directory above the link, so that following links always
/// ends.
#[derive(Clone, Copy, Debug)]
enum Target {
    Outside,
    Refs,
    Sibling,
    Nowhere,
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let leaf = prop_oneof![
        4 => (0..40_000usize).prop_map(Node::File),
        1 => (0..1u64 << 32).prop_map(Node::Sparse),
        2 => any::<prop::sample::Index>().prop_map(Node::HardLink),
        1 => prop_oneof![
            Just(Target::Outside),
            Just(Target::Refs),
            Just(Target::Sibling),
            Just(Target::Nowhere)
        ]
        .prop_map(Node::Symlink),
        1 => Just(Node::Fifo),
    ];
    let node = leaf.prop_recursive(5, 60, 8, |inner| vec(inner, 0..8).prop_map(Node::Directory));
    vec(node, 0..10)
}

/// Creates `nodes` in `top`. `files` are the files that can be linked to, in this tree or another.
fn make(cache: &TestCache, top: &Path, nodes: &[Node], files: &mut Vec<PathBuf>) {
    for (number, node) in nodes.iter().enumerate() {
        let path = top.join(format!("n{number}"));
        match node {
            Node::File(length) => fs::write(&path, vec![1; *length]).unwrap(),
            Node::Sparse(length) => File::create(&path).unwrap().set_len(*length).unwrap(),
            Node::HardLink(_) if files.is_empty() => {}
            Node::HardLink(index) => fs::hard_link(index.get(files), &path).unwrap(),
            Node::Symlink(target) => {
                let target = match target {
                    Target::Outside => cache.outside(),
                    Target::Refs => cache.path("refs"),
                    Target::Sibling => "n0".into(),
                    Target::Nowhere => "nowhere".into(),
                };
                symlink(target, &path).unwrap();
            }
            Node::Fifo => {
                let kind = rustix::fs::FileType::Fifo;
                rustix::fs::mknodat(rustix::fs::CWD, &path, kind, rustix::fs::Mode::RUSR, 0)
                    .unwrap();
            }
            Node::Directory(children) => {
                fs::create_dir(&path).unwrap();
                make(cache, &path, children, files);
            }
        }
        if matches!(node, Node::File(_) | Node::Sparse(_)) {
            files.push(path);
        }
    }
}

/// Sums of a tree: bytes, bytes on disk, files and directories.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Numbers {
    apparent: u64,
    on_disk: u64,
    files: u64,
    directories: u64,
}

/// The numbers of a tree that could be read completely.
fn numbers(usage: Usage) -> Numbers {
    let Usage { files, directories, .. } = usage;
    let [apparent, on_disk] =
        [usage.apparent(), usage.on_disk()].map(|size| size.exact().unwrap().as_u64());
    Numbers { apparent, on_disk, files, directories }
}

/// The sums of some trees together according to `std::fs`, with each inode counted once.
fn oracle(paths: &[PathBuf]) -> Numbers {
    let (mut usage, mut seen) = (Numbers::default(), HashSet::new());
    let mut todo = paths.to_vec();
    while let Some(path) = todo.pop() {
        let status = fs::symlink_metadata(&path).unwrap();
        let is_new = seen.insert((status.dev(), status.ino()));
        if is_new {
            usage.on_disk += status.blocks() * 512;
        }
        if status.is_dir() {
            usage.directories += 1;
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else {
            usage.files += 1;
            usage.apparent += if is_new { status.len() } else { 0 };
        }
    }
    usage
}

/// When anything in a tree was last changed, according to `std::fs`.
fn newest_change(top: &Path) -> Timestamp {
    let status = fs::symlink_metadata(top).unwrap();
    let own = Timestamp::new(status.ctime(), status.ctime_nsec() as i32).unwrap();
    let children = status.is_dir().then(|| fs::read_dir(top).unwrap());
    let children = children.into_iter().flatten().map(|entry| entry.unwrap().path());
    children.map(|child| newest_change(&child)).fold(own, Timestamp::max)
}

/// Every path in a tree with its status, the top first.
fn everything(top: &Path) -> Vec<(PathBuf, Metadata)> {
    let (mut found, mut todo) = (Vec::new(), vec![top.to_owned()]);
    while let Some(path) = todo.pop() {
        let status = fs::symlink_metadata(&path).unwrap();
        if status.is_dir() {
            todo.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        }
        found.push((path, status));
    }
    found
}

/// The sums of each directory below the top of a tree according to `std::fs`. An inode counts once,
/// and only if all its names in the tree are below that directory.
fn broken_down(top: &Path) -> BTreeMap<PathBuf, Numbers> {
    let all = everything(top);
    let names = |below: &Path| {
        let mut names = HashMap::<u64, u64>::new();
        let below = all.iter().filter(|(path, _)| path.starts_with(below));
        below.for_each(|(_, status)| *names.entry(status.ino()).or_default() += 1);
        names
    };
    let in_tree = names(top);
    let directories = all[1..].iter().filter(|(_, status)| status.is_dir());
    directories
        .map(|(directory, _)| {
            let below = names(directory);
            let (mut usage, mut seen) = (Numbers::default(), HashSet::new());
            for (_, status) in all.iter().filter(|(path, _)| path.starts_with(directory)) {
                match status.is_dir() {
                    true => usage.directories += 1,
                    false => usage.files += 1,
                }
                if below[&status.ino()] == in_tree[&status.ino()] && seen.insert(status.ino()) {
                    usage.on_disk += status.blocks() * 512;
                    let length = if status.is_dir() { 0 } else { status.len() };
                    usage.apparent += length;
                }
            }
            (directory.strip_prefix(top).unwrap().to_owned(), usage)
        })
        .collect()
}

/// The largest files of a tree according to `std::fs`: bytes on disk, and the first of each inode's
/// names.
fn largest_files(top: &Path, count: usize) -> Vec<(u64, PathBuf)> {
    let mut files = BTreeMap::<_, PathBuf>::new();
    for (path, status) in everything(top).into_iter().filter(|(_, status)| !status.is_dir()) {
        let path = path.strip_prefix(top).unwrap().to_owned();
        let first = files.entry((Reverse(status.blocks()), status.ino())).or_insert(path.clone());
        *first = path.min(first.clone());
    }
    let files = files.into_iter().take(count);
    let mut files: Vec<_> =
        files.map(|((Reverse(blocks), _), path)| (blocks * 512, path)).collect();
    files.sort_by(|one, other| (other.0, &one.1).cmp(&(one.0, &other.1)));
    files
}

fn jobs(number: usize) -> Jobs {
    Jobs::new(number).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn both_walkers_count_what_std_counts(trees in vec(nodes(), 1..4), threads in 1..9usize) {
        let cache = TestCache::new();
        let (mut paths, mut files) = (Vec::new(), Vec::new());
        for (number, nodes) in trees.iter().enumerate() {
            let path = cache.image_with(&number.to_string(), |_| {});
            // In place, because later trees link to these files.
            make(&cache, &path, nodes, &mut files);
            paths.push(path);
        }
        // A tree may be a single file, and the target of a symlink is not part of it.
        fs::write(cache.path("z1"), "not part of the cache").unwrap();
        symlink(cache.outside(), cache.path("z2")).unwrap();
        symlink("nowhere", cache.path("z3")).unwrap();
        paths.extend(["z1", "z2", "z3"].map(|name| cache.path(name)));
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let inventory = opened.inventory().unwrap();
        let locations: Vec<_> =
            inventory.entries.iter().map(|entry| entry.location.clone()).collect();
        for walker in [Walker::Native, Walker::Portable] {
            let meter = Meter::new(jobs(threads)).with_walker(walker);
            let stop = StopFlag::new();
            let measured = meter.measure(&opened, &locations, &stop, &mut |_| {}).unwrap();
            for (at, path) in locations.iter().zip(&paths) {
                let usage = numbers(measured.usage(at).unwrap());
                prop_assert_eq!(usage, oracle(std::slice::from_ref(path)), "{:?}", walker);
                prop_assert_eq!(measured.newest_change(at), Some(newest_change(path)), "{:?}", walker);
            }
            prop_assert_eq!(numbers(measured.total(&locations)), oracle(&paths), "{:?}", walker);
        }
    }

    #[test]
    fn both_walkers_break_a_tree_down_as_std_does(
        trees in vec(nodes(), 1..3),
        threads in 1..9usize,
        count in 0..6usize,
        depth in 0..5usize,
    ) {
        let cache = TestCache::new();
        let (mut paths, mut files) = (Vec::new(), Vec::new());
        for (number, nodes) in trees.iter().enumerate() {
            let path = cache.image_with(&number.to_string(), |_| {});
            // In place, because later trees link to these files.
            make(&cache, &path, nodes, &mut files);
            paths.push(path);
        }
        let opened = Cache::open(cache.dir()).unwrap().unwrap();
        let entries = opened.inventory().unwrap().entries;
        let locations: Vec<_> = entries.into_iter().map(|entry| entry.location).collect();
        let mut by_walker = Vec::new();
        for walker in [Walker::Native, Walker::Portable] {
            let meter = Meter::new(jobs(threads)).with_walker(walker).with_breakdown(count);
            let stop = StopFlag::new();
            let measured = meter.measure(&opened, &locations, &stop, &mut |_| {}).unwrap();
            for (at, path) in locations.iter().zip(&paths) {
                let found = measured.breakdown(at).unwrap();
                by_walker.push(found.clone());
                prop_assert_eq!(Some(found.usage()), measured.usage(at), "{:?}", walker);
                let all = found.largest(usize::MAX, usize::MAX);
                let expected = broken_down(path);
                let by_path = all.iter().map(|part| (part.path.clone(), numbers(part.usage)));
                prop_assert_eq!(by_path.collect::<BTreeMap<_, _>>(), expected, "{:?}", walker);

                let chosen = found.largest(count, depth);
                let least = chosen.iter().map(|part| numbers(part.usage).on_disk).min();
                let (within, left): (Vec<_>, Vec<_>) =
                    all.iter().filter(|part| part.depth <= depth).partition(|part| chosen.contains(part));
                prop_assert_eq!(within, chosen.iter().collect::<Vec<_>>());
                prop_assert!(chosen.len() == count || left.is_empty());
                prop_assert!(left.iter().all(|part| Some(numbers(part.usage).on_disk) <= least || count == 0));
                for part in &chosen {
                    let above = part.path.parent().unwrap();
                    let has_above = chosen.iter().any(|other| other.path == above);
                    prop_assert!(part.depth == 1 || has_above, "{:?}", part.path);
                }

                let files = found.files().iter();
                let files: Vec<_> =
                    files.map(|file| (file.on_disk.as_u64(), file.path.clone())).collect();
                prop_assert_eq!(files, largest_files(path, count), "{:?}", walker);
            }
        }
        let portable = by_walker.split_off(paths.len());
        prop_assert_eq!(by_walker, portable, "up to the order of equals");
    }

    #[test]
    fn a_sweep_removes_exactly_the_images_without_a_ref(
        trees in vec(nodes(), 1..5),
        refs in vec((0..6usize, any::<bool>()), 0..5),
        threads in 1..9usize,
    ) {
        let cache = TestCache::new();
        let (mut paths, mut files) = (BTreeMap::new(), Vec::new());
        for (number, nodes) in trees.iter().enumerate() {
            let path = cache.image_with(&number.to_string(), |_| {});
            make(&cache, &path, nodes, &mut files);
            paths.insert(number, path);
        }
        // Links between the images have changed their modification times.
        paths.values().for_each(|path| age(path, Duration::from_secs(60)));
        for (file, (number, is_long)) in refs.iter().enumerate() {
            let reference = if *is_long { "example.com/a:1\t" } else { "" };
            cache.raw_ref(&file.to_string(), format!("{reference}sha256:{number}\n"));
        }
        let named: HashSet<_> = refs.iter().map(|(number, _)| *number).collect();
        let (live, dead): (Vec<_>, Vec<_>) =
            paths.iter().partition(|(number, _)| named.contains(number));
        let live: Vec<_> = live.into_iter().map(|(_, path)| path.clone()).collect();
        let dead: Vec<_> = dead.into_iter().map(|(_, path)| path.clone()).collect();
        let before = oracle(&live);
        let everything = oracle(&paths.values().cloned().collect::<Vec<_>>()).on_disk;

        let freed = collect_garbage(&cache, threads);

        prop_assert_eq!(oracle(&live), before);
        prop_assert!(dead.iter().all(|path| !path.exists()));
        prop_assert_eq!(freed, everything - before.on_disk);
        let left = fs::read_dir(cache.dir()).unwrap().count();
        prop_assert_eq!(left, live.len() + 1, "refs and the images that they point to");
        for (file, (number, _)) in refs.iter().enumerate() {
            let is_there = cache.path("refs").join(file.to_string()).exists();
            prop_assert_eq!(is_there, paths.contains_key(number), "a dangling ref is removed");
        }
    }
}

/// What a gc would do in a few seconds if nothing is recent.
fn plan(cache: &Cache) -> Plan {
    let inventory = cache.inventory().unwrap();
    let now = later(Duration::from_secs(10));
    let evidence = gather(cache, &inventory, now, Activity::default());
    let mut options = GcOptions::default();
    (options.all, options.keep_recent) = (true, SignedDuration::ZERO);
    plan::gc(&inventory, &options, &evidence)
}

/// Carries out the plan. Returns the bytes reported as freed by removing images.
fn collect_garbage(cache: &TestCache, threads: usize) -> u64 {
    let opened = Cache::open(cache.dir()).unwrap().unwrap();
    let opened = opened.lock(&StopFlag::new(), |_| panic!("it is not locked")).unwrap();
    let plan = plan(&opened);
    let progress = Progress::for_items(plan.locations(), StopFlag::new());
    let (sender, events) = crossbeam_channel::unbounded();
    let outcome = sweep(&opened, &plan, jobs(threads), &progress, &sender).unwrap();
    drop(sender);
    assert_eq!(events.iter().count(), plan.removals().count());
    let images = plan.removals().filter(|decision| decision.item.is_image_in_place());
    images
        .map(|decision| match outcome.get(decision.item.location()) {
            Some(RemovalResult::Removed { freed }) => freed.as_u64(),
            result => panic!("{result:?}"),
        })
        .sum()
}

#[test]
fn a_plan_never_removes_referenced_or_unknown_entries() {
    let cache = TestCache::new();
    cache.live("live");
    cache.image("dead");
    cache.layer("layer");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::create_dir(cache.path("tmp-gc-sha256-x")).unwrap();
    fs::write(cache.path("other"), "").unwrap();
    let to_remove = plan(&Cache::open(cache.dir()).unwrap().unwrap()).to_remove();
    let names: Vec<_> = to_remove.iter().map(|Location { name, .. }| name.to_string()).collect();
    assert_eq!(names, ["sha256-dead", "tmp-gc-sha256-x"]);
    assert!(to_remove.iter().all(|location| location.folder == Folder::Root));
}

#[test]
fn the_inventory_is_the_same_on_every_call() {
    let cache = TestCache::new();
    (0..20).for_each(|n| drop(cache.live(&format!("{n:02}"))));
    let cache = Cache::open(cache.dir()).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    let names: Vec<_> =
        inventory.entries.iter().map(|entry| entry.location.name.to_string()).collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    assert!(inventory.entries.iter().all(|entry| matches!(entry.kind, EntryKind::Image(_))));
    assert!(
        plan(&cache)
            .decisions()
            .iter()
            .all(|decision| matches!(decision.verdict, Verdict::Keep(_)))
    );
}

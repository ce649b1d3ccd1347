//! An attacker swaps directories for symlinks while the program walks and deletes.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, symlinkat, unlinkat};

use crate::rounds;
use crate::scene::snapshot;
use crate::support::cache::age;
use crate::support::{TestCache, run};

/// Directories at every depth of a cache that a name used by the program may lead to.
fn targets() -> Vec<PathBuf> {
    let mut targets: Vec<_> = ["layers", "layers/sha256-l"].map(PathBuf::from).into();
    // A change right below an orphan's top makes it look as if it had just arrived.
    let deep = ["", "d0/d0", "d0/d1", "d1/d0/d0"];
    let high = ["d0", "d1", "closed"];
    targets.extend(deep.map(|below| Path::new("sha256-dead0").join(below)));
    for top in ["sha256-live", "tmp-gc-dead-sha256-dead0", "tmp-gc-sha256-dead0"] {
        targets.extend(deep.iter().chain(&high).map(|below| Path::new(top).join(below)));
    }
    targets
}

/// An attacker who may write anywhere in the cache, but must not follow the symlinks it creates.
struct Attacker {
    cache: OwnedFd,
    /// Keeps a directory while a symlink stands in for it.
    home: OwnedFd,
    canary: PathBuf,
    /// Number of directories that could not be put back.
    lost: AtomicU64,
}

impl Attacker {
    fn new(cache: &TestCache, canary: &Path) -> Self {
        let open = |path: &Path| rustix::fs::open(path, DIRECTORY, Mode::empty()).unwrap();
        Self {
            cache: open(&cache.dir()),
            home: open(cache.home()),
            canary: canary.to_owned(),
            lost: AtomicU64::new(0),
        }
    }

    /// Replaces one directory after the other with a symlink to the canary, for a moment each.
    fn run(&self, targets: &[PathBuf], is_over: &AtomicBool) -> u64 {
        let mut swaps = 0;
        while !is_over.load(Ordering::Relaxed) {
            // A failure means that the target has been removed in the meantime, as intended.
            swaps += targets.iter().filter(|target| self.swap(target).is_ok()).count() as u64;
        }
        swaps
    }

    fn swap(&self, target: &Path) -> rustix::io::Result<()> {
        let parent = self.parent(target)?;
        let name = target.file_name().unwrap();
        renameat(&parent, name, &self.home, "aside")?;
        let swapped = symlinkat(&self.canary, &parent, name);
        std::thread::yield_now();
        if swapped.is_ok() {
            // The program may have removed the symlink, as it should.
            let _ = unlinkat(&parent, name, AtFlags::empty());
        }
        let put_back = renameat(&self.home, "aside", &parent, name);
        if put_back.is_err() {
            // Its place is taken or gone. It must not be in the way of the next one.
            let number = self.lost.fetch_add(1, Ordering::Relaxed);
            renameat(&self.home, "aside", &self.home, format!("lost-{number}"))?;
        }
        put_back
    }

    fn parent(&self, target: &Path) -> rustix::io::Result<OwnedFd> {
        let mut parent = openat(&self.cache, ".", DIRECTORY, Mode::empty())?;
        for name in target.parent().unwrap() {
            parent = openat(&parent, name, DIRECTORY, Mode::empty())?;
        }
        Ok(parent)
    }
}

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW);

/// Ends the attack, even if a test fails.
struct Peace<'a>(&'a AtomicBool);

impl Drop for Peace<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn nested(top: &Path, depth: usize) {
    for n in 0..3 {
        fs::write(top.join(format!("f{n}")), "x").unwrap();
    }
    for n in 0..2 * usize::from(depth > 0) {
        fs::create_dir(top.join(format!("d{n}"))).unwrap();
        nested(&top.join(format!("d{n}")), depth - 1);
    }
}

#[test]
fn an_attacker_who_swaps_directories_for_symlinks_gains_nothing() {
    let cache = TestCache::new();
    let canary = cache.home().join("canary");
    fs::create_dir(&canary).unwrap();
    nested(&canary, 3);
    // The remover would open this directory to its owner if it were led there.
    let closed = canary.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o000)).unwrap();
    let before = snapshot(&canary);
    cache.image_with("live", |top| nested(top, 3));
    cache.tag("example.com/live:1", "live");
    cache.layer_with("l", |top| nested(top, 2));
    let (targets, is_over) = (targets(), AtomicBool::new(false));
    let attacker = Attacker::new(&cache, &canary);
    let deadline = Instant::now() + Duration::from_secs(rounds(2, 30) as u64);
    let (runs, swaps) = std::thread::scope(|scope| {
        let attack = scope.spawn(|| attacker.run(&targets, &is_over));
        let peace = Peace(&is_over);
        let mut runs = 0;
        while Instant::now() < deadline {
            ["sha256-dead0", "tmp-gc-dead-sha256-dead0"]
                .iter()
                .for_each(|name| offer(&cache, name));
            for arguments in [&["list", "--sizes", "-q"][..], &["list"], &["gc", "-q"]] {
                let run = run(&cache, arguments);
                assert!(matches!(run.code, 0 | 1), "{}", run.err);
                runs += 1;
            }
            assert_eq!(snapshot(&canary), before);
        }
        drop(peace);
        (runs, attack.join().unwrap())
    });
    eprintln!("{runs} runs among {swaps} swaps");
    assert_eq!(snapshot(&canary), before);
    assert!(swaps > 0 && runs > 3);
    // Otherwise only root could remove the temporary directory.
    fs::set_permissions(&closed, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
}

/// Offers an entry to remove, created outside the attacker's reach.
fn offer(cache: &TestCache, name: &str) {
    let made = cache.home().join("made");
    // Both fail if an earlier one could not be put in place, or the attacker is there now.
    let _ = fs::remove_dir_all(&made);
    fs::create_dir(&made).unwrap();
    nested(&made, 3);
    fs::create_dir(made.join("closed")).unwrap();
    age(&made, Duration::from_secs(1800));
    let _ = fs::rename(&made, cache.path(name));
}

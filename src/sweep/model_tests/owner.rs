//! The owner of the cache, as a machine that takes one step at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Act, KINDS, PROGRAMS};
use crate::plan::Plan;
use crate::sweep::outcome::{RemovalResult, Report};
use crate::test_cache::pull::{install, make_folder, touch, truncate, write_in_place};
use crate::test_cache::{TestCache, USED, age, agents, hash};

/// The time between the two halves of writing a ref.
const WRITING: Duration = Duration::from_millis(11);
/// The duration of a slow fetch of a config: as long as a background refresh waits. A pull in the
/// foreground has no limit.
const SLOW_FETCH: Duration = Duration::from_secs(5 * 60);
const DAY: Duration = Duration::from_secs(86_400);
/// How long an image is kept after its last use, in any case.
const GRACE: Duration = Duration::from_secs(10 * 60);
/// The owner evicts at its next start what was unused for longer than this.
const EVICTION: Duration = DAY.saturating_mul(7);

/// The next step of a pull.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    ReadRef,
    RemoveRef,
    /// First half of writing a ref, for a hit or at the end of a pull.
    EmptyRef,
    WriteRef,
    /// Marks the image of the ref as used.
    MarkNamed,
    ReadConfig,
    /// Marks the registry's image as used, if it is there.
    FindImage,
    FetchConfig,
    Extract,
    Rename,
    MarkInstalled,
    WriteConfig,
    Done,
}

#[derive(Clone, Debug)]
struct Pull {
    reference: usize,
    /// The registry's image for that reference.
    image: usize,
    stage: Stage,
    /// The image of the existing ref, until the pull turns out to be a miss.
    hit: Option<usize>,
    /// Whether the image in place is its own or that of another pull. `None` before it has made
    /// one.
    has_installed: Option<bool>,
    temporary: PathBuf,
    /// The ref while it is being written, under whatever name.
    file: Option<Arc<File>>,
    /// When its rootfs was made.
    born: Option<SystemTime>,
    /// Whether fetching its config took longer than the grace period. Then only the ref protects
    /// its image.
    is_late: bool,
}

impl Pull {
    /// The image that its ref points at once written.
    fn names(&self) -> usize {
        self.hit.unwrap_or(self.image)
    }

    /// Whether it has found or made this image, but not yet written its ref.
    fn is_about_to_name(&self, image: usize) -> bool {
        use Stage::{EmptyRef, FetchConfig, MarkInstalled, WriteRef};
        let is_at_work = matches!(self.stage, MarkInstalled | FetchConfig | EmptyRef | WriteRef);
        self.hit.is_none() && self.image == image && is_at_work
    }

    /// Whether it has yet to check if the image is there, or has found it missing and is pulling
    /// it.
    fn is_about_to_look(&self) -> bool {
        use Stage::{EmptyRef, Extract, FindImage, MarkNamed, Rename, WriteRef};
        match self.hit {
            Some(_) => matches!(self.stage, EmptyRef | WriteRef | MarkNamed),
            None => matches!(self.stage, FindImage | Extract | Rename),
        }
    }

    /// The stage after its ref is written.
    fn after_write(&self) -> Stage {
        match (self.hit, self.has_installed) {
            (Some(_), _) => Stage::MarkNamed,
            (None, Some(_)) => Stage::WriteConfig,
            (None, None) => Stage::Done,
        }
    }

    /// Second half of writing its ref.
    fn write(&self) {
        let line = format!("example.com/{}:latest\tsha256:{}\n", self.reference, self.names());
        self.file.as_deref().unwrap().write_all(line.as_bytes()).unwrap();
    }
}

pub struct Owner {
    pub cache: TestCache,
    pulls: Vec<Pull>,
    /// Images that its own sweep has removed and that were not pulled again.
    swept: BTreeSet<usize>,
    /// The image of each written ref, with the number of that write. An entry is removed when the
    /// owner, or a collection with permission, removes the ref or the image.
    written: BTreeMap<usize, (usize, usize)>,
    /// The image for which each reference was last written, even if the ref is gone: it would be
    /// started again.
    wanted: BTreeMap<usize, usize>,
    /// When each image was last used, even if it is gone.
    used: BTreeMap<usize, SystemTime>,
    /// When the pull of each image began.
    born: BTreeMap<usize, SystemTime>,
    pub writes: usize,
    /// Whether a collection is in progress that brings back referenced images.
    pub may_return: bool,
    extractions: usize,
}

impl Owner {
    pub fn new(cache: TestCache) -> Self {
        make_folder(&cache.path("refs"));
        let (swept, written, wanted) = (BTreeSet::new(), BTreeMap::new(), BTreeMap::new());
        let (used, born) = (BTreeMap::new(), BTreeMap::new());
        let (pulls, writes, extractions) = (Vec::new(), 0, 0);
        let may_return = false;
        Self { cache, pulls, swept, written, wanted, used, born, writes, may_return, extractions }
    }

    fn image(&self, image: usize) -> PathBuf {
        self.cache.path(&format!("sha256-{image}"))
    }

    fn ref_file(&self, reference: usize) -> PathBuf {
        self.cache.path("refs").join(hash(&reference.to_string()))
    }

    pub fn act(&mut self, act: Act) {
        match act {
            Act::Start { reference, image } => {
                self.evict();
                self.begin(reference, image, Stage::ReadRef);
            }
            Act::Refresh { reference, image } => self.begin(reference, image, Stage::RemoveRef),
            Act::Lose { reference } => self.lose(reference),
            Act::Advance { pull } if !self.pulls.is_empty() => {
                let pull = pull % self.pulls.len();
                self.advance(pull);
            }
            Act::GiveUp { pull } if !self.pulls.is_empty() => {
                let pull = pull % self.pulls.len();
                if self.pulls[pull].stage != Stage::WriteRef {
                    self.pulls[pull].stage = Stage::Done;
                }
            }
            Act::Advance { .. } | Act::GiveUp { .. } => {}
            Act::FetchForLong { image } => self.fetch_for_long(image),
            Act::FullDisk { reference } => self.start_on_a_full_disk(reference),
            Act::Age { image } => self.age(image),
            Act::AgeRef { reference } if self.named(reference).is_some() => {
                age(&self.ref_file(reference), USED);
            }
            Act::AgeRef { .. } => {}
            Act::LeaveAlone { image: Some(image) } => {
                if self.is_idle(image) && self.image(image).exists() {
                    self.set_back(image, 8 * DAY);
                    // It is no longer wanted: the next start removes it.
                    self.wanted.retain(|_, wanted| *wanted != image);
                }
            }
            Act::LeaveAlone { image: None } if self.cache.path("refs").exists() => {
                age(&self.cache.path("refs"), 8 * DAY);
            }
            Act::LeaveAlone { image: None } => {}
        }
        self.check_whole();
    }

    fn begin(&mut self, reference: usize, image: usize, stage: Stage) {
        self.extractions += 1;
        let temporary = self.cache.path(&format!("tmp-rootfs-{}", self.extractions));
        let (hit, has_installed) = (None, None);
        let (file, born, is_late) = (None, None, false);
        self.pulls.push(Pull {
            reference,
            image,
            stage,
            hit,
            has_installed,
            temporary,
            file,
            born,
            is_late,
        });
    }

    /// Whether no pull has found or made this image without having written its ref yet.
    fn is_idle(&self, image: usize) -> bool {
        !self.pulls.iter().any(|pull| pull.is_about_to_name(image))
    }

    /// Lets half an hour pass for an idle image. For an image being pulled, lets time pass while
    /// its config is fetched.
    fn age(&mut self, image: usize) {
        let is_fetching = |pull: &Pull| pull.image == image && pull.stage == Stage::FetchConfig;
        if self.is_idle(image) {
            self.set_back(image, USED);
        } else if self.pulls.iter().any(is_fetching) {
            self.set_back(image, SLOW_FETCH);
        }
    }

    /// Lets a fetch in the foreground take longer than the grace period, unless another pull has
    /// marked the image since.
    fn fetch_for_long(&mut self, image: usize) {
        let (late, others): (Vec<_>, Vec<_>) = (self.pulls.iter_mut())
            .filter(|pull| pull.is_about_to_name(image))
            .partition(|pull| pull.stage == Stage::FetchConfig);
        if others.is_empty() && !late.is_empty() {
            late.into_iter().for_each(|pull| pull.is_late = true);
            self.set_back(image, USED);
        }
    }

    /// Whether an image is there, or would be brought back for a ref.
    fn is_within_reach(&self, image: usize) -> bool {
        let hidden = self.cache.path(&format!("tmp-gc-sha256-{image}"));
        self.image(image).exists() || self.may_return && hidden.exists()
    }

    /// Moves the last use of an image back by this time, if the image is there.
    fn set_back(&mut self, image: usize, by: Duration) {
        if self.image(image).exists() {
            age(&self.image(image), by);
            self.used.insert(image, SystemTime::now() - by);
        }
    }

    /// Marks an image as used now, if it is there.
    fn mark(&mut self, image: usize) -> bool {
        let path = self.image(image);
        let is_there = path.is_dir();
        if is_there {
            touch(&path);
            self.used.insert(image, SystemTime::now());
        }
        is_there
    }

    /// Evicts what is old at each start: anything directly in the cache.
    fn evict(&mut self) {
        if self.pulls.iter().any(|pull| pull.stage == Stage::WriteRef) {
            // Nothing happens between the two halves of a write.
            return;
        }
        for entry in fs::read_dir(self.cache.dir()).unwrap() {
            let (path, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
            let modified = path.metadata().unwrap().modified().unwrap();
            if modified.elapsed().unwrap_or_default() > EVICTION {
                fs::remove_dir_all(&path).unwrap();
                self.note_eviction(&name.into_string().unwrap());
            }
        }
    }

    fn note_eviction(&mut self, name: &str) {
        if name == "refs" {
            self.written.clear();
        }
        // Maybe under the name from a collection that hid it. If that name is final, the collection
        // removed the image, not the owner.
        let is_copy = |image: usize| name.ends_with(&format!("sha256-{image}"));
        let Some(image) = (0..KINDS).find(|image| is_copy(*image)) else { return };
        if !name.contains("dead") && !self.image(image).exists() {
            self.swept.insert(image);
            self.written.retain(|_, (named, _)| *named != image);
            self.wanted.retain(|_, wanted| *wanted != image);
        }
    }

    fn lose(&mut self, reference: usize) {
        // There may be none.
        fs::remove_file(self.ref_file(reference)).unwrap_or_default();
        self.written.remove(&reference);
        // A pull that is writing it now writes to a deleted file.
        let others = self.pulls.iter_mut().filter(|other| other.reference == reference);
        let writers = others.filter(|other| other.stage == Stage::WriteRef);
        writers.for_each(|writer| writer.stage = writer.after_write());
    }

    /// An ordinary hit, except that the second half of rewriting its ref fails. The ref gets an old
    /// time; otherwise each reading of the refs would wait for the second half.
    fn start_on_a_full_disk(&mut self, reference: usize) {
        let Some(image) = self.named(reference) else { return };
        drop(truncate(&self.ref_file(reference)));
        age(&self.ref_file(reference), USED);
        self.mark(image);
        self.written.remove(&reference);
    }

    /// Takes one step of one pull.
    fn advance(&mut self, index: usize) {
        let pull = self.pulls[index].clone();
        let (image, file) = (self.image(pull.image), self.ref_file(pull.reference));
        // The image of the ref is gone or broken, so the ref that was written for it is void.
        let miss = |owner: &mut Self| {
            owner.pulls[index].hit = None;
            let is_void = |written: &(usize, usize)| pull.hit == Some(written.0);
            if owner.written.get(&pull.reference).is_some_and(is_void) {
                owner.written.remove(&pull.reference);
            }
            Stage::FindImage
        };
        self.pulls[index].stage = match pull.stage {
            Stage::ReadRef => match self.named(pull.reference) {
                Some(named) => {
                    self.pulls[index].hit = Some(named);
                    Stage::EmptyRef
                }
                None => Stage::FindImage,
            },
            Stage::RemoveRef => {
                self.lose(pull.reference);
                Stage::FindImage
            }
            // The image was removed during the fetch, and the pull ends there.
            Stage::FetchConfig if pull.is_late && !self.is_within_reach(pull.image) => Stage::Done,
            Stage::FetchConfig if !pull.is_late => Stage::EmptyRef,
            Stage::EmptyRef | Stage::FetchConfig => {
                make_folder(&self.cache.path("refs"));
                self.pulls[index].file = Some(Arc::new(truncate(&file)));
                Stage::WriteRef
            }
            Stage::WriteRef => {
                pull.write();
                self.note_write(&pull);
                pull.after_write()
            }
            Stage::MarkNamed if self.mark(pull.names()) => Stage::ReadConfig,
            Stage::MarkNamed => miss(self),
            Stage::ReadConfig => {
                match fs::metadata(self.image(pull.names()).join(".oci-config.json")) {
                    Ok(config) if config.len() > 0 => Stage::Done,
                    _ => miss(self),
                }
            }
            Stage::FindImage if self.mark(pull.image) => Stage::FetchConfig,
            Stage::FindImage => {
                fs::create_dir(&pull.temporary).unwrap();
                self.pulls[index].born = Some(SystemTime::now());
                Stage::Extract
            }
            Stage::Extract => {
                fill(&pull.temporary, pull.image);
                // That took a while, and nothing directly in its top directory has changed
                // meanwhile.
                age(&pull.temporary, USED);
                Stage::Rename
            }
            Stage::Rename => {
                let is_installed = install(&pull.temporary, &image).is_ok();
                if is_installed {
                    self.born.insert(pull.image, pull.born.unwrap());
                } else {
                    fs::remove_dir_all(&pull.temporary).unwrap();
                }
                self.pulls[index].has_installed = Some(is_installed);
                self.swept.remove(&pull.image);
                Stage::MarkInstalled
            }
            // It does not check whether its own copy is still there. The copy of another pull may
            // be gone again by now.
            Stage::MarkInstalled if self.mark(pull.image) => Stage::EmptyRef,
            Stage::MarkInstalled if pull.has_installed == Some(true) => Stage::EmptyRef,
            Stage::MarkInstalled => Stage::FindImage,
            Stage::WriteConfig => {
                if image.exists() {
                    let config = agents::config(&[]);
                    write_in_place(&image.join(".oci-config.json"), config.as_bytes());
                }
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
    }

    /// Lets the owner act, and then the collection take a step. A pull in the middle of writing a
    /// ref does not wait for the collection: it continues during the step.
    pub fn meanwhile<T>(&mut self, acts: &[Act], step: impl FnOnce() -> T) -> T {
        acts.iter().for_each(|act| self.act(*act));
        let mut written = Vec::new();
        for pull in self.pulls.iter_mut().filter(|pull| pull.stage == Stage::WriteRef) {
            pull.stage = pull.after_write();
            written.push(pull.clone());
        }
        written.iter().for_each(|pull| self.note_write(pull));
        let result = std::thread::scope(|scope| {
            if !written.is_empty() {
                scope.spawn(|| {
                    std::thread::sleep(WRITING);
                    written.iter().for_each(Pull::write);
                });
            }
            step()
        });
        self.check_whole();
        result
    }

    fn note_write(&mut self, pull: &Pull) {
        self.writes += 1;
        if pull.hit.is_some_and(|image| !self.image(image).exists()) {
            // It finds that out next, and pulls: only the ref that it writes then counts. A ref
            // written meanwhile by another pull is lost.
            self.written.remove(&pull.reference);
            return;
        }
        self.written.insert(pull.reference, (pull.names(), self.writes));
        self.wanted.insert(pull.reference, pull.names());
    }

    /// Forgets images and refs removed with permission by a collection. Of the refs, only one
    /// written after the plan was made counts from now on.
    pub fn forget_removed(&mut self, plan: &Plan, report: Report<'_>, writes: usize, all: bool) {
        let outcome = report.into_outcome(None);
        let removed = plan.removals().filter(|decision| {
            (decision.verdict.overrides_refs() || all)
                && matches!(
                    outcome.get(decision.item.location()),
                    Some(RemovalResult::Removed { .. })
                )
        });
        let removed: BTreeSet<_> =
            removed.map(|decision| decision.item.location().name.to_string()).collect();
        let is_removed = |reference: &usize| removed.contains(&hash(&reference.to_string()));
        self.written.retain(|reference, (_, write)| *write > writes || !is_removed(reference));
        self.wanted.retain(|_, image| !removed.contains(&format!("sha256-{image}")));
    }

    pub fn finish_pulls(&mut self) {
        for index in 0..self.pulls.len() {
            while self.pulls[index].stage != Stage::Done {
                self.advance(index);
            }
        }
    }

    /// The image that a ref points at.
    fn named(&self, reference: usize) -> Option<usize> {
        let text = fs::read_to_string(self.ref_file(reference)).ok()?;
        text.trim().rsplit_once(':')?.1.parse().ok()
    }

    /// The other builds of the same program.
    fn other_builds(image: usize) -> impl Iterator<Item = usize> {
        (0..KINDS).filter(move |other| *other != image && other % PROGRAMS == image % PROGRAMS)
    }

    /// Whether no other build of its program was pulled since its last use.
    fn is_newest(&self, image: usize) -> bool {
        let newer = |other| self.born.get(&other) > self.used.get(&image);
        !Self::other_builds(image).any(newer)
    }

    /// After everything is idle and collected: asserts that no older build is left that is proven
    /// to be one.
    pub fn check_older_builds(&self) {
        let named: BTreeSet<_> = (0..KINDS).filter_map(|reference| self.named(reference)).collect();
        let there: BTreeMap<_, _> =
            (0..KINDS).filter_map(|image| Some((image, Times::of(&self.image(image))?))).collect();
        for (image, old) in there.iter().filter(|(image, _)| !named.contains(image)) {
            let is_recent = old.used.elapsed().unwrap_or_default() < GRACE;
            let newer = Self::other_builds(*image).filter_map(|other| there.get(&other));
            let mut newer = newer.filter(|new| old.used < new.born && new.born <= new.used);
            assert!(is_recent || newer.next().is_none(), "image {image} is an older build");
        }
    }

    /// At every instant: asserts that each image is whole under its name, or not there under its
    /// name.
    fn check_whole(&self) {
        for image in (0..KINDS).filter(|image| self.image(*image).exists()) {
            assert_eq!(content(&self.image(image)), expected(image), "image {image} is half there");
        }
    }

    pub fn check(&self, when: &str) {
        for (&image, &used) in &self.used {
            if used.elapsed().unwrap_or_default() < GRACE {
                assert_eq!(content(&self.image(image)), expected(image), "{when}: used {image}");
            }
        }
        let named = (0..KINDS).filter_map(|reference| Some((reference, self.named(reference)?)));
        let wanted = self.wanted.iter().map(|(&reference, &image)| (reference, image));
        let wanted = wanted.filter(|(_, image)| self.is_newest(*image));
        for (reference, image) in named.chain(wanted) {
            // A pull that has yet to check finds out that the image is gone, and pulls it.
            let mut pulls = self.pulls.iter().filter(|pull| pull.reference == reference);
            let is_looked_at = pulls.any(Pull::is_about_to_look);
            if !self.swept.contains(&image) && !is_looked_at {
                assert_eq!(content(&self.image(image)), expected(image), "{when}: image {image}");
            }
        }
        for (&reference, &(image, _)) in &self.written {
            if self.image(image).exists() {
                assert_eq!(self.named(reference), Some(image), "{when}: ref {reference}");
            }
        }
    }
}

fn fill(top: &Path, image: usize) {
    for (name, text) in expected(image) {
        fs::create_dir_all(top.join(&name).parent().unwrap()).unwrap();
        fs::write(top.join(name), text).unwrap();
    }
}

/// The times of an image on disk, if its pull was finished and its birth is known.
struct Times {
    born: SystemTime,
    used: SystemTime,
}

impl Times {
    fn of(image: &Path) -> Option<Self> {
        let config = fs::metadata(image.join(".oci-config.json")).ok()?;
        let top = fs::metadata(image).ok()?;
        let (born, used) = (top.created().ok()?, top.modified().ok()?);
        (config.len() > 0).then_some(Self { born, used })
    }
}

/// The contents of an image. Each has the name of its program.
fn expected(image: usize) -> BTreeMap<String, String> {
    let program = format!("usr/local/bin/program-{}", image % PROGRAMS);
    let names = ["bin/a", "usr/local/bin/task", &program, "usr/lib/deep/c", "etc/d"];
    names.map(|name| (name.to_owned(), format!("{name} of {image}"))).into()
}

fn content(top: &Path) -> BTreeMap<String, String> {
    let image = top.to_string_lossy().rsplit_once('-').and_then(|(_, image)| image.parse().ok());
    let mut names = expected(image.unwrap());
    names.iter_mut().for_each(|(name, text)| {
        *text = fs::read_to_string(top.join(name)).unwrap_or_default();
    });
    names
}

//! Decisions and their results in words.

use bytesize::ByteSize;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::cache::{Entry, EntryKind};
use crate::cli::ui::text::{cut, pad, wrap};
use crate::cli::ui::theme::{IN_USE, PLAIN, RECLAIMABLE};
use crate::cli::ui::units::{ago, bytes, plural, size};
use crate::cli::words::{details, guess};
use crate::error::Problems;
use crate::escape::Escaped;
use crate::plan::{Decision, Item, KeepReason, Plan, RemoveReason, Verdict};

/// The maximum width of a name without a digest.
const NAME_WIDTH: usize = 25;
/// The maximum width of the name of a ref file.
const REF_WIDTH: usize = 15;
/// If the columns leave less room than this, the reason wraps to lines below the verb.
const LEAST_WHY: usize = 20;
/// The indentation of those lines.
const INDENT: usize = 4;

/// The item of a decision, safe to print.
pub fn label(decision: &Decision) -> String {
    match &decision.item {
        Item::Ref { location, .. } => {
            format!("ref {}", cut(&location.name.to_string(), REF_WIDTH))
        }
        Item::Entry(entry) => match &entry.kind {
            EntryKind::Image(digest) => digest.short(),
            EntryKind::Layer(digest) => format!("layer {}", digest.short()),
            EntryKind::Leftover(_) | EntryKind::Foreign => leftover(entry),
        },
    }
}

fn leftover(entry: &Entry) -> String {
    match entry.former_digest() {
        Some(digest) => format!("leftover {}", digest.short()),
        None => cut(&entry.location.to_string(), NAME_WIDTH),
    }
}

/// Whether a removal gets its own line. In a purge, items other than images are only counted,
/// unless `--verbose`.
pub fn is_worth_a_line(decision: &Decision, verbose: bool) -> bool {
    let is_of_purge = decision.verdict == Verdict::Remove(RemoveReason::Purge);
    let is_entry = matches!(decision.item, Item::Entry(_));
    let is_dangling = decision.verdict == Verdict::Remove(RemoveReason::Dangling);
    verbose || (is_entry && !is_of_purge) || is_dangling || decision.item.is_image_in_place()
}

/// The layout of the lines of one run.
#[derive(Clone, Copy)]
pub struct Layout {
    /// The width of the longest label, to align the lines.
    width: usize,
    /// The width of the terminal, if there is one.
    terminal: Option<usize>,
    dry_run: bool,
    /// Whether the user has chosen the images.
    on_request: bool,
    now: Timestamp,
}

impl Layout {
    pub fn new(plan: &Plan, terminal: Option<usize>, dry_run: bool) -> Self {
        let on_request = plan.is_on_request();
        let layout = Self { width: 0, terminal, dry_run, on_request, now: Timestamp::now() };
        let labels = plan.decisions().iter().map(|decision| label(decision).width());
        Self { width: labels.max().unwrap_or(0), ..layout }
    }

    /// `Removed 0123456789ab   815.2 MiB  orphan: older agent-1:latest?, used 2 hours ago`. The
    /// size is `freed`, or else what the removal is expected to free.
    pub fn removed(self, decision: &Decision, freed: Option<ByteSize>) -> String {
        let usage = decision.usage.unwrap_or_default();
        let bytes = freed.map_or_else(|| size(usage.on_disk()), bytes);
        let verb = if self.dry_run { "Would remove" } else { "Removed" };
        self.line(verb, decision, &bytes, &self.why_removed(decision))
    }

    /// The reason, the name, and the last use. A purge has the same reason for everything, so it is
    /// left out.
    fn why_removed(self, decision: &Decision) -> String {
        let used = decision.item.last_used().filter(|_| decision.item.is_image_in_place());
        let details = name_and_use(decision, used, self.now);
        match decision.verdict {
            Verdict::Remove(RemoveReason::Purge) => details,
            verdict => with_details(verdict.reason(), details),
        }
    }

    /// The line for an item that another process has removed, or replaced by a foreign one.
    pub fn gone(self, decision: &Decision) -> String {
        self.line("Gone   ", decision, "", "another process removed it")
    }

    /// `Kept    0123456789ab              referenced: ghcr.io/a/b:latest`
    pub fn kept(self, decision: &Decision) -> String {
        let verb = if self.dry_run { "Would keep  " } else { "Kept   " };
        self.line(verb, decision, "", &self.why_kept(decision))
    }

    /// The line for an item that turned out to be needed at the last moment.
    pub fn kept_after_all(self, decision: &Decision, why: KeepReason) -> String {
        let why = match why {
            _ if matches!(decision.item, Item::Ref { .. }) => "its image is kept",
            KeepReason::Referenced if decision.item.is_layer() => {
                "an image that may use it is kept"
            }
            KeepReason::Referenced => "a new reference points at it",
            KeepReason::InUse => "a process is using it now",
            KeepReason::Leased => "it has been leased",
            KeepReason::Recent => "it has just been used",
            KeepReason::Mount => "something was mounted in it",
            _ => "it is unknown whether it is still needed",
        };
        self.line("Kept   ", decision, "", why)
    }

    /// The line for a restored image.
    pub fn restored(self, decision: &Decision) -> String {
        let verb = if self.dry_run { "Would restore" } else { "Restored" };
        self.line(verb, decision, "", &self.why_kept(decision))
    }

    fn why_kept(self, decision: &Decision) -> String {
        let now = self.now;
        let reason = decision.verdict.reason();
        let users = users(decision);
        match &decision.item {
            _ if decision.mount.is_some() => format!("{reason}: {}", shown_mount(decision)),
            _ if decision.refusal.is_some() => {
                with_details(reason, decision.refusal.iter().map(ToString::to_string).collect())
            }
            _ if decision.verdict.keeps_for(KeepReason::InUse) && users.is_empty() => {
                format!("{reason}: a pull may need it")
            }
            _ if decision.verdict.keeps_for(KeepReason::InUse) => format!("{reason}: {users}"),
            Item::Entry(entry)
                if decision.verdict.keeps_for(KeepReason::Recent) && !entry.is_extraction() =>
            {
                let used = ago(now, entry.last_used);
                let hint = if self.on_request {
                    "run this again"
                } else {
                    "`--keep-recent 0s` removes it"
                };
                with_details(reason, format!("used {used}; {hint}"))
            }
            _ if decision.verdict.keeps_for(KeepReason::Arriving) => {
                format!("{reason}: it has no config yet, so a pull may still be writing it")
            }
            item if item.is_layer() => {
                let details = decision.layer_status.as_ref().map(details);
                with_details(reason, details.unwrap_or_default())
            }
            Item::Entry(entry) if entry.is_extraction() => {
                format!("{reason}: a pull may be working on it")
            }
            item if decision.verdict.keeps_for(KeepReason::Unreplaced) => {
                with_details(reason, name_and_use(decision, item.last_used(), now))
            }
            _ => with_details(reason, name(decision)),
        }
    }

    fn line(self, verb: &str, decision: &Decision, bytes: &str, why: &str) -> String {
        let label = pad(&label(decision), self.width);
        let line = format!("{verb} {label}  {bytes:>10}  ");
        let indent = match self.terminal {
            Some(columns) if line.width() + LEAST_WHY > columns => INDENT,
            _ => line.width(),
        };
        let why = why.split(' ').map(|word| match self.terminal {
            Some(columns) => cut(word, columns.saturating_sub(indent)),
            None => word.to_owned(),
        });
        let why = why.collect::<Vec<_>>().join(" ");
        wrap(&(line + &painted(&why, decision.verdict)), self.terminal, indent)
    }
}

/// Colours the reason at the beginning of a line.
fn painted(why: &str, verdict: Verdict) -> String {
    let reason = verdict.reason();
    let style = match verdict {
        Verdict::Remove(_) => RECLAIMABLE,
        Verdict::Keep(KeepReason::InUse | KeepReason::Leased | KeepReason::Mount) => IN_USE,
        _ => PLAIN,
    };
    match why.strip_prefix(reason) {
        Some(details) => format!("{style}{reason}{style:#}{details}"),
        None => why.to_owned(),
    }
}

/// The name of an image, safe to print: its references, or a guess for an orphan.
pub fn name(decision: &Decision) -> String {
    let names = decision.refs.iter().flatten().map(|name| Escaped::new(name).to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    match &decision.identity {
        Some(identity) if names.is_empty() => {
            guess(identity, decision.verdict.keeps_for(KeepReason::Unreplaced), false)
        }
        _ => names,
    }
}

/// The name and the last use, as far as known.
fn name_and_use(decision: &Decision, used: Option<Timestamp>, now: Timestamp) -> String {
    let name = Some(name(decision)).filter(|name| !name.is_empty());
    let used = used.map(|used| format!("used {}", ago(now, used)));
    [name, used].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn with_details(reason: &str, details: String) -> String {
    if details.is_empty() { reason.to_owned() } else { format!("{reason}: {details}") }
}

/// The maximum number of users shown.
const SHOWN_USERS: usize = 3;

/// The users of an item, safe to print.
pub fn users(decision: &Decision) -> String {
    let shown = decision.users.iter().take(SHOWN_USERS).map(ToString::to_string);
    let names = shown.collect::<Vec<_>>().join(", ");
    match decision.users.len().saturating_sub(SHOWN_USERS) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// The mount point in an item, safe to print.
pub fn shown_mount(decision: &Decision) -> String {
    decision.mount.as_ref().map(|path| Escaped::new(path).to_string()).unwrap_or_default()
}

/// Why an image was kept although the user asked to remove it, and what to do.
pub fn refused(decision: &Decision, why: KeepReason) -> String {
    let why = match why {
        KeepReason::InUse => format!("in use by {}; stop that first", users(decision)),
        KeepReason::Leased => "it is leased; use --force to remove it anyway".to_owned(),
        KeepReason::Mount => {
            format!("something is mounted at {}; unmount it first", shown_mount(decision))
        }
        KeepReason::Recent => "it has just been used; run this again".to_owned(),
        KeepReason::Referenced => "a new reference points at it; run this again".to_owned(),
        _ => "it is unknown whether it is still needed".to_owned(),
    };
    format!("{} was not removed: {why}", label(decision))
}

/// What refused to be removed, and what to do; `None` if that is not why the item is kept.
pub fn unremovable(decision: &Decision) -> Option<String> {
    let refusal = decision.refusal.as_ref()?;
    Some(format!("{} was not removed: {refusal}", label(decision)))
}

/// Why a purge leaves an item.
pub fn mounted(decision: &Decision) -> String {
    let path = shown_mount(decision);
    format!("{} was kept: something is mounted at {path}; unmount it first", label(decision))
}

/// Whether users may wonder why an item is kept. They expect that of an extraction.
pub fn is_worth_telling(decision: &Decision) -> bool {
    use KeepReason::{Arriving, InUse, Leased, Mount, Recent, Unreplaced};
    let is_extraction = matches!(&decision.item, Item::Entry(entry) if entry.is_extraction());
    !is_extraction
        && matches!(
            decision.verdict,
            Verdict::Keep(Arriving | InUse | Leased | Mount | Recent | Unreplaced)
        )
}

/// The first problem, and the number of further ones.
pub fn problem(problems: &Problems) -> String {
    let first = problems.first().first().map(ToString::to_string).unwrap_or_default();
    match problems.count() {
        0 | 1 => first,
        n => format!("{first} (and {})", plural((n - 1) as usize, "more problem")),
    }
}

/// The first problem with a decision, or all recorded ones.
pub fn failures(decision: &Decision, problems: &Problems, all: bool) -> Vec<String> {
    let label = label(decision);
    if all {
        problems.first().iter().map(|error| format!("{label}: {error}")).collect()
    } else {
        vec![format!("{label}: {}", problem(problems))]
    }
}

/// The number of items of each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    images: usize,
    layers: usize,
    leftovers: usize,
    refs: usize,
    foreign: usize,
}

impl Counts {
    pub fn add(&mut self, item: &Item) {
        *match item {
            Item::Ref { .. } => &mut self.refs,
            Item::Entry(entry) => match entry.kind {
                EntryKind::Image(_) => &mut self.images,
                EntryKind::Layer(_) => &mut self.layers,
                EntryKind::Leftover(_) => &mut self.leftovers,
                EntryKind::Foreign => &mut self.foreign,
            },
        } += 1;
    }

    pub fn new<'a>(items: impl IntoIterator<Item = &'a Item>) -> Self {
        let mut counts = Self::default();
        items.into_iter().for_each(|item| counts.add(item));
        counts
    }
}

/// `2 images, 3 layers and 1 leftover`; `0 images` if there are none.
impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            (self.images, "image"),
            (self.layers, "layer"),
            (self.leftovers, "leftover"),
            (self.refs, "reference"),
            (self.foreign, "other file"),
        ];
        let present = kinds.iter().filter(|(number, _)| *number > 0);
        let mut words: Vec<_> = present.map(|(number, noun)| plural(*number, noun)).collect();
        match words.pop() {
            None => f.write_str(&plural(0, "image")),
            Some(last) if words.is_empty() => f.write_str(&last),
            Some(last) => write!(f, "{} and {last}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::cache::{Cache, InUse, Lookup, Mounts};
    use crate::plan::{self, Evidence, GcOptions};

    #[test]
    fn counts_list_only_kinds_that_are_there() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_string(), "0 images");
        counts.leftovers = 1;
        assert_eq!(counts.to_string(), "1 leftover");
        counts.images = 2;
        assert_eq!(counts.to_string(), "2 images and 1 leftover");
        counts.layers = 3;
        assert_eq!(counts.to_string(), "2 images, 3 layers and 1 leftover");
    }

    /// `rm` has no `--keep-recent`, so it must not suggest it.
    #[test]
    fn the_hint_for_a_recent_image_fits_the_command() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join("sha256-0123")).unwrap();
        let cache = Cache::open(home.path()).unwrap().unwrap();
        let inventory = cache.inventory().unwrap();
        let mut evidence = Evidence::at(inventory.entries[0].last_used);
        evidence.in_use = Some(InUse::default());
        evidence.mounts = Some(Mounts::default());
        let Lookup::One(image) = inventory.find("0123") else { panic!("it is there") };
        let rm = plan::rm(&inventory, &HashSet::from([image]), false, &evidence);
        let gc = plan::gc(&inventory, &GcOptions::default(), &evidence);
        for (plan, hint) in [(rm, "run this again"), (gc, "`--keep-recent 0s` removes it")] {
            let line = Layout::new(&plan, None, true).kept(&plan.decisions()[0]);
            assert!(
                line.contains("recent: used ") && line.ends_with(&format!("; {hint}")),
                "{line}"
            );
        }
    }
}

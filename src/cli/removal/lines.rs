//! Decisions and what came of them, in words.

use bytesize::ByteSize;
use jiff::Timestamp;
use unicode_width::UnicodeWidthStr;

use crate::cache::{Entry, EntryKind};
use crate::cli::ui::text::{cut, pad};
use crate::cli::ui::units::{ago, bytes, plural, size};
use crate::cli::words::details;
use crate::error::Problems;
use crate::escape::Escaped;
use crate::plan::{Decision, Item, KeepReason, Plan, RemoveReason, Verdict};

/// The longest name of something that has no digest.
const NAME_WIDTH: usize = 25;
/// The longest name of a ref: with its kind, it is as long as a digest.
const REF_WIDTH: usize = 15;
/// A reason is never cut below this width.
const LEAST_WHY: usize = 8;
/// Details that have less room are cut together with the reason.
const LEAST_DETAILS: usize = 6;
/// Below so many columns, what all digests begin with takes room that the reason needs.
const NARROW: usize = 80;

/// What a decision is about, safe to print.
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
        Some(digest) => format!("rest of {}", digest.short()),
        None => cut(&entry.location.to_string(), NAME_WIDTH),
    }
}

/// With the whole cache, refs are removed by the dozen.
pub fn is_worth_a_line(decision: &Decision, verbose: bool) -> bool {
    let is_entry = matches!(decision.item, Item::Entry(_));
    verbose || is_entry || decision.verdict == Verdict::Remove(RemoveReason::Dangling)
}

/// How the lines of one run are laid out.
#[derive(Clone, Copy)]
pub struct Layout {
    /// The width of the longest label, so that the lines line up.
    width: usize,
    /// The columns of the terminal, if it is one.
    terminal: Option<usize>,
    dry_run: bool,
    now: Timestamp,
}

impl Layout {
    pub fn new(plan: &Plan, terminal: Option<usize>, dry_run: bool) -> Self {
        let layout = Self { width: 0, terminal, dry_run, now: Timestamp::now() };
        let labels = plan.decisions().iter().map(|decision| layout.label(decision).width());
        Self { width: labels.max().unwrap_or(0), ..layout }
    }

    fn label(self, decision: &Decision) -> String {
        let label = label(decision);
        if self.terminal.is_some_and(|columns| columns < NARROW) {
            label.replacen("sha256:", "", 1)
        } else {
            label
        }
    }

    /// `Removed sha256:0123456789ab   815.2 MiB  orphan`, with what that has `freed`; or what it is
    /// expected to free.
    pub fn removed(self, decision: &Decision, freed: Option<ByteSize>) -> String {
        let usage = decision.usage.unwrap_or_default();
        let bytes = freed.map_or_else(|| size(usage.on_disk()), bytes);
        let verb = if self.dry_run { "Would remove" } else { "Removed" };
        let reason = self.reason(decision);
        self.line(verb, decision, &bytes, &with_details(&reason, refs(decision)))
    }

    /// The reason; with the last use, where that has to do with it.
    fn reason(self, decision: &Decision) -> String {
        let reason = decision.verdict.reason();
        match (&decision.item, decision.verdict) {
            (Item::Entry(image), verdict) if verdict.is_policy() => {
                format!("{reason} ({})", ago(self.now, image.last_used))
            }
            _ => reason.to_owned(),
        }
    }

    /// For what somebody else has removed, or replaced by something that is not ours to remove.
    pub fn gone(self, decision: &Decision) -> String {
        self.line("Gone   ", decision, "", "somebody else has removed it")
    }

    /// `Kept    sha256:0123456789ab              referenced: ghcr.io/a/b:latest`
    pub fn kept(self, decision: &Decision) -> String {
        let verb = if self.dry_run { "Would keep  " } else { "Kept   " };
        self.line(verb, decision, "", &why_kept(decision, self.now))
    }

    /// For what something has spoken for at the last moment.
    pub fn kept_after_all(self, decision: &Decision, why: KeepReason) -> String {
        let why = match why {
            _ if matches!(decision.item, Item::Ref { .. }) => "the image that it names stays",
            KeepReason::Referenced if decision.item.is_layer() => "an image that may hold it stays",
            KeepReason::Referenced => "a ref that names it has turned up",
            KeepReason::InUse => "a process that uses it has turned up",
            KeepReason::Leased => "it has been leased",
            KeepReason::Recent => "it has just been used",
            KeepReason::Mount => "something has been mounted in it",
            _ => "nobody can tell any more whether it is needed",
        };
        self.line("Kept   ", decision, "", why)
    }

    /// For an image that comes back.
    pub fn restored(self, decision: &Decision) -> String {
        let verb = if self.dry_run { "Would restore" } else { "Restored" };
        self.line(verb, decision, "", &why_kept(decision, self.now))
    }

    fn line(self, verb: &str, decision: &Decision, bytes: &str, why: &str) -> String {
        let label = pad(&self.label(decision), self.width);
        let line = format!("{verb} {label}  {bytes:>10}  ");
        let room = self.terminal.map(|columns| columns.saturating_sub(line.width()).max(LEAST_WHY));
        line + &room.map_or_else(|| why.to_owned(), |room| cut_why(why, room))
    }
}

/// Cuts the details rather than the reason before them.
fn cut_why(why: &str, columns: usize) -> String {
    let (reason, details) = why.split_once(": ").unwrap_or(("", why));
    let room = columns.checked_sub(reason.width() + 2).filter(|room| *room >= LEAST_DETAILS);
    match room {
        Some(room) if !reason.is_empty() => format!("{reason}: {}", cut(details, room)),
        _ => cut(why, columns),
    }
}

/// The references that have to do with a decision; of an orphan, what it most likely was.
fn refs(decision: &Decision) -> String {
    let names = decision.refs.iter().flatten().map(|name| Escaped::new(name).to_string());
    let names = names.collect::<Vec<_>>().join(", ");
    match &decision.identity {
        Some(identity) if names.is_empty() => identity.to_string(),
        _ => names,
    }
}

fn with_details(reason: &str, details: String) -> String {
    if details.is_empty() { reason.to_owned() } else { format!("{reason}: {details}") }
}

fn why_kept(decision: &Decision, now: Timestamp) -> String {
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
            format!("{reason}: used {used}, `--keep-recent 0s` removes it")
        }
        _ if decision.verdict.keeps_for(KeepReason::Arriving) => {
            format!("{reason}: it has no config yet, so a pull may be about to name it")
        }
        item if item.is_layer() => {
            let details = decision.layer_status.as_ref().map(details);
            with_details(reason, details.unwrap_or_default())
        }
        Item::Entry(entry) if entry.is_extraction() => {
            format!("{reason}: a pull may be working on it")
        }
        _ => with_details(reason, refs(decision)),
    }
}

/// How many users are named.
const SHOWN_USERS: usize = 3;

/// Who uses what a decision is about, safe to print.
pub fn users(decision: &Decision) -> String {
    let shown = decision.users.iter().take(SHOWN_USERS).map(ToString::to_string);
    let names = shown.collect::<Vec<_>>().join(", ");
    match decision.users.len().saturating_sub(SHOWN_USERS) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Where something is mounted in what a decision is about, safe to print.
pub fn shown_mount(decision: &Decision) -> String {
    decision.mount.as_ref().map(|path| Escaped::new(path).to_string()).unwrap_or_default()
}

/// Why an image stays although the user has named it, with the way out.
pub fn refused(decision: &Decision, why: KeepReason) -> String {
    let why = match why {
        KeepReason::InUse => format!("{} uses it; end that first", users(decision)),
        KeepReason::Leased => "it is leased; --force removes it all the same".to_owned(),
        KeepReason::Mount => {
            format!("something is mounted at {}; unmount it first", shown_mount(decision))
        }
        KeepReason::Recent => "it has just been used; try again".to_owned(),
        KeepReason::Referenced => "a reference that names it stays; try again".to_owned(),
        _ => "it is unknown whether it is needed".to_owned(),
    };
    format!("{} was not removed: {why}", label(decision))
}

/// What refuses to be removed, with the way out; `None` if that is not why it stays.
pub fn unremovable(decision: &Decision) -> Option<String> {
    let refusal = decision.refusal.as_ref()?;
    Some(format!("{} was not removed: {refusal}", label(decision)))
}

/// Why a purge leaves something.
pub fn mounted(decision: &Decision) -> String {
    let path = shown_mount(decision);
    format!("{} stays: something is mounted at {path}; unmount it first", label(decision))
}

/// Whether a user who expects something to go wonders why it stays. Nobody wonders at a pull.
pub fn is_worth_telling(decision: &Decision) -> bool {
    use KeepReason::{Arriving, InUse, Leased, Mount, Recent, Unreplaced};
    let is_extraction = matches!(&decision.item, Item::Entry(entry) if entry.is_extraction());
    !is_extraction
        && matches!(
            decision.verdict,
            Verdict::Keep(Arriving | InUse | Leased | Mount | Recent | Unreplaced)
        )
}

/// The first problem, and how many more there were.
pub fn problem(problems: &Problems) -> String {
    let first = problems.first().first().map(ToString::to_string).unwrap_or_default();
    match problems.count() {
        0 | 1 => first,
        n => format!("{first} (and {})", plural((n - 1) as usize, "more problem")),
    }
}

/// The first problem with a decision, or all that were kept.
pub fn failures(decision: &Decision, problems: &Problems, all: bool) -> Vec<String> {
    let label = label(decision);
    if all {
        problems.first().iter().map(|error| format!("{label}: {error}")).collect()
    } else {
        vec![format!("{label}: {}", problem(problems))]
    }
}

/// How many things of each kind.
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

/// `2 images, 3 layers and 1 leftover`; `0 images` for nothing.
impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kinds = [
            (self.images, "image"),
            (self.layers, "layer"),
            (self.leftovers, "leftover"),
            (self.refs, "ref"),
            (self.foreign, "stranger"),
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
    use super::*;

    #[test]
    fn a_reason_is_cut_only_if_there_is_no_room_for_its_details() {
        let why = "unused (3 days ago): example.com/a:1, example.com/b:2";
        for columns in 8..60 {
            let cut = cut_why(why, columns);
            assert!(cut.width() <= columns, "{cut}");
            assert_eq!(cut.starts_with("unused (3 days ago): "), columns >= 27, "{cut}");
        }
        assert_eq!(cut_why("orphan", 8), "orphan");
    }

    #[test]
    fn counts_name_only_what_is_there() {
        let mut counts = Counts::default();
        assert_eq!(counts.to_string(), "0 images");
        counts.leftovers = 1;
        assert_eq!(counts.to_string(), "1 leftover");
        counts.images = 2;
        assert_eq!(counts.to_string(), "2 images and 1 leftover");
        counts.layers = 3;
        assert_eq!(counts.to_string(), "2 images, 3 layers and 1 leftover");
    }
}

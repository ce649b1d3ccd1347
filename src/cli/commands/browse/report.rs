//! The text of pages: a plan, its result, and the differences between two images.

use std::path::Path;

use bytesize::ByteSize;
use rustix::process::geteuid;

use super::event::Event;
use crate::cache::Location;
use crate::cli::removal::{Counts, Layout, failures};
use crate::cli::ui::units::{bytes, estimate, plural, signed};
use crate::cli::warnings::unknown_users;
use crate::escape::Escaped;
use crate::gc::{Done, Draft};
use crate::plan;
use crate::sweep::RemovalResult;
use crate::usage::{Comparison, Delta};

/// One line per item, with its reason.
pub fn plan_lines(draft: &Draft, chosen: &[Location]) -> Vec<String> {
    let plan = &draft.plan;
    let layout = Layout::new(plan, None, true);
    let line = |decision: &plan::Decision| {
        if decision.verdict.removes() {
            layout.removed(decision, None)
        } else {
            layout.kept(decision)
        }
    };
    let mut lines: Vec<_> = plan.decisions().iter().map(line).collect();
    let gone = chosen.iter().filter(|at| plan.get(at).is_none());
    lines.extend(gone.map(|at| format!("{at} is gone")));
    let referenced =
        plan.removals().filter(|found| found.item.is_image_in_place() && !found.refs.is_empty());
    match referenced.count() {
        0 => {}
        1 => lines.extend([
            String::new(),
            "1 image is referenced: its reference is removed, too.".into(),
        ]),
        many => lines.extend([
            String::new(),
            format!("{many} images are referenced: their references are removed, too."),
        ]),
    }
    let users = draft.evidence.in_use.as_ref();
    lines.extend(users.and_then(|in_use| unknown_users(in_use, geteuid().is_root())));
    lines.iter().map(|line| without_styles(line)).collect()
}

/// A line of a report without its styles, because a frame has its own.
fn without_styles(line: &str) -> String {
    anstream::adapter::strip_str(line).to_string()
}

/// The maximum number of directories in a comparison, and of levels.
const MOST_CHANGED: usize = 50;
const LEVELS: usize = 4;

/// The differences, one line per directory: net, added, removed.
pub fn differences(comparison: &Comparison<'_>) -> Vec<String> {
    let line = |delta: Delta, path: &str| {
        let [came, went] = [delta.came, delta.went].map(|count| bytes(ByteSize::b(count)));
        format!("{:>11} {came:>11} {went:>11}  {path}", signed(delta.net()))
    };
    let header = format!("{:>11} {:>11} {:>11}  DIRECTORY", "NET", "ADDED", "REMOVED");
    let mut lines = vec![header, line(comparison.whole(), "/ (all of it)")];
    let directories = comparison.directories(MOST_CHANGED, LEVELS, 0).into_iter();
    let path = |path: &Path| format!("/{}", Escaped::new(path));
    lines.extend(directories.map(|found| line(found.delta, &path(&found.path))));
    lines
}

/// The result of a removal.
pub fn removed(done: &Done, shares_data: bool) -> Event {
    let layout = Layout::new(done.plan(), None, false);
    let (mut lines, mut gone, mut failed, mut open) = (Vec::new(), Vec::new(), 0, 0);
    for decision in done.plan().decisions() {
        match done.result(decision) {
            Some(RemovalResult::Removed { freed }) => {
                gone.push(&decision.item);
                lines.push(layout.removed(decision, Some(*freed)));
            }
            Some(RemovalResult::Kept { why }) => lines.push(layout.kept_after_all(decision, *why)),
            Some(RemovalResult::Failed { problems, .. }) => {
                failed += 1;
                lines.extend(failures(decision, problems, true));
            }
            Some(RemovalResult::Gone) => lines.push(layout.gone(decision)),
            Some(RemovalResult::Restored) => lines.push(layout.restored(decision)),
            Some(RemovalResult::Interrupted { .. }) => open += 1,
            None if decision.verdict.removes() => open += 1,
            None => lines.push(layout.kept(decision)),
        }
    }
    let (failure, no_word) = done.problems();
    lines.extend([failure, no_word].into_iter().flatten().map(ToString::to_string));
    let mut summary = format!("Removed {}, freed {}", Counts::new(gone), estimate(done.freed()));
    if failed > 0 {
        summary += &format!("; {} could not be removed", plural(failed, "item"));
    }
    if open > 0 {
        summary += "; stopped, the next gc finishes the rest";
    }
    let lines = lines.iter().map(|line| without_styles(line)).collect();
    Event::Removed { summary, lines, shares_data, has_failed: failed + open > 0 }
}

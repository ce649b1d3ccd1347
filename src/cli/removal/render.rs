//! Prints a report: the remaining lines, and a summary.

use std::cmp::Reverse;

use bytesize::ByteSize;

use super::json::Document;
use super::lines::{self, Counts, Layout};
use super::report::Report;
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::ui::json::document;
use crate::cli::ui::text::wrap;
use crate::cli::ui::units::{bytes, estimate, plural};
use crate::cli::words::{Offer, unreplaced};
use crate::gc::Group;
use crate::plan::Verdict;
use crate::usage::{SharedBytes, Usage};

impl Report {
    /// Prints what has not been printed yet, and returns how the command ends.
    pub fn finish(self, context: &Context<'_>) -> Result<Ending, Failure> {
        let console = context.console;
        match context.format {
            Format::Json => {
                console.write_raw(document(&Document::new(&self, context)).as_bytes())?
            }
            Format::Table => {
                self.problems.iter().for_each(|problem| console.error(problem));
                match (console.quiet, self.is_dry_run()) {
                    (false, _) => console.write(self.text(context))?,
                    (true, true) => console.write(self.digests())?,
                    (true, false) => {}
                }
            }
        }
        let has_failed = self.plan().decisions().iter().any(|decision| self.has_failed(decision));
        let ending = match (self.is_interrupted(context), has_failed || !self.problems.is_empty()) {
            (true, _) => Ending::Interrupted,
            (false, true) => Ending::Incomplete,
            (false, false) => Ending::Done,
        };
        self.printed?;
        Ok(ending)
    }

    /// The digests of the images that would be removed, one per line.
    fn digests(&self) -> String {
        let images = self.plan().removals().filter(|removal| removal.item.is_image_in_place());
        let digests = images.filter_map(|image| image.item.digest());
        digests.map(|digest| format!("{digest}\n")).collect()
    }

    fn text(&self, context: &Context<'_>) -> String {
        let verbose = context.console.verbose;
        let mut text = String::new();
        let layout = Layout::new(self.plan(), context.console.width(), self.is_dry_run());
        let mut decisions: Vec<_> = self.plan().decisions().iter().collect();
        // Largest first; ties keep the order of the plan.
        decisions.sort_by_key(|decision| {
            Reverse(decision.usage.unwrap_or_default().on_disk().at_least())
        });
        for decision in decisions {
            match decision.verdict {
                Verdict::Remove(_)
                    if self.is_dry_run() && lines::is_worth_a_line(decision, verbose) =>
                {
                    text += &(layout.removed(decision, None) + "\n");
                }
                Verdict::Keep(_) if verbose || lines::is_worth_telling(decision) => {
                    text += &(layout.kept(decision) + "\n");
                }
                Verdict::Restore(_) if self.is_dry_run() => {
                    text += &(layout.restored(decision) + "\n")
                }
                _ => {}
            }
        }
        let rest = self.summary(context) + "\n" + &self.shown_available() + &self.more(context);
        text + &wrap(&rest, context.console.width(), 2)
    }

    fn shown_available(&self) -> String {
        match self.available().map(bytes) {
            None => String::new(),
            Some(available) if self.is_dry_run() => {
                format!("At least {available} would be available on this disk\n")
            }
            Some(available) => format!("{available} is available on this disk\n"),
        }
    }

    /// What else could be removed.
    fn more(&self, context: &Context<'_>) -> String {
        let Some(left) = self.left else { return String::new() };
        let [gc, tag] = ["gc", "tag"].map(|verb| context.command(verb));
        let Group { count, reclaimable, .. } = left.unreplaced;
        let images = unreplaced(count, Some(reclaimable), &gc, &tag);
        let Group { count, reclaimable, .. } = left.layers;
        if count == 0 {
            return images;
        }
        let offer = Offer {
            what: plural(count, "unreferenced layer"),
            bytes: reclaimable,
            command: format!("{gc} --layers"),
        };
        images + &offer.line()
    }

    fn summary(&self, context: &Context<'_>) -> String {
        if self.plan().changes().next().is_none() && self.whole.is_none() {
            return match context.is_missing() {
                true => context.shown_emptiness(),
                false => format!("Nothing to remove in {}.", context.shown_dir()),
            };
        }
        let decisions = self.plan().decisions().iter();
        let removed = decisions.clone().filter(|decision| self.is_removed(decision));
        let counts = Counts::new(removed.map(|decision| &decision.item));
        let what = match &self.whole {
            Some(whole) => format!("{whole} with {counts}"),
            None => counts.to_string(),
        };
        let freed = self.shown_freed();
        let failed = decisions.filter(|decision| self.has_failed(decision)).count();
        if self.is_dry_run() {
            format!("Would remove {what}, freeing {freed}{}", shared(self.shared()))
        } else if self.is_interrupted(context) {
            format!("Interrupted: {freed} freed, {counts} removed; run it again to finish")
        } else if failed > 0 {
            format!(
                "Removed {counts}, freed {freed}; {} could not be removed",
                plural(failed, "item")
            )
        } else if !self.problems.is_empty() {
            format!("Removed {counts}, freed {freed}")
        } else {
            format!("Removed {what}, freed {freed}")
        }
    }

    /// The bytes freed, with the file system's own figure if that differs or adds something.
    fn shown_freed(&self) -> String {
        let freed = self.freed();
        let usages = self.plan().decisions().iter().filter_map(|decision| decision.usage);
        let entries: Usage = usages.sum();
        let entries = entries.files + entries.directories;
        match self.freed_by_file_system() {
            Some(said) if self.lacks_bounds() => by_file_system(said),
            Some(said) if !freed.is_one_figure() || !freed.agrees_with(said, entries) => {
                format!("{} ({})", estimate(freed), by_file_system(said))
            }
            _ => estimate(freed),
        }
    }
}

/// Why the sum of the sizes shown is larger: ` (572.2 MiB is shared with items that are kept)`.
fn shared(shared: SharedBytes) -> String {
    let SharedBytes { again, with_rest, .. } = shared;
    let parts = [(with_rest, "shared with items that are kept"), (again, "counted more than once")];
    let parts = parts.into_iter().filter(|(size, _)| size.as_u64() > 0);
    let parts: Vec<_> = parts.map(|(size, what)| format!("{} is {what}", bytes(size))).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// The bytes freed according to the file system.
fn by_file_system(freed: i64) -> String {
    match u64::try_from(freed) {
        Ok(freed) if freed > 0 => format!("{} by the file system", bytes(ByteSize::b(freed))),
        _ => "nothing by the file system".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_may_have_less_room_than_before() {
        for (bytes, words) in [
            (1 << 20, "1.0 MiB by the file system"),
            (0, "nothing by the file system"),
            (-5, "nothing by the file system"),
        ] {
            assert_eq!(by_file_system(bytes), words);
        }
    }
}

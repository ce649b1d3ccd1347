//! The report of `dedupe`.

use bytesize::ByteSize;

use super::{json, lines};
use crate::cache::{Inventory, Location};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::ui::units::{bytes, plural};
use crate::dedupe::{LeftOut, LeftOutEntry, Outcome, Plan, Shared};

/// A plan or its results.
pub struct Report<'a> {
    pub is_possible: bool,
    pub dry_run: bool,
    pub is_interrupted: bool,
    pub shared: Shared,
    pub entries: Vec<(&'a Location, Shared)>,
    /// Bytes freed according to the file system; `None` if nothing was done.
    pub freed: Option<i64>,
    pub left_out: Option<&'a LeftOut>,
    pub left_out_entries: &'a [LeftOutEntry],
    pub inventory: &'a Inventory,
}

impl<'a> Report<'a> {
    /// The report if there is no cache, or files cannot share data.
    pub fn impossible(context: &Context<'_>, dry_run: bool) -> Result<Ending, Failure> {
        let report = Report {
            is_possible: false,
            dry_run,
            is_interrupted: false,
            shared: Shared::default(),
            entries: Vec::new(),
            freed: None,
            left_out: None,
            left_out_entries: &[],
            inventory: &Inventory::default(),
        };
        report.tell(context)
    }

    pub fn of_plan(
        context: &Context<'_>,
        plan: &'a Plan,
        inventory: &'a Inventory,
        dry_run: bool,
    ) -> Result<Ending, Failure> {
        Self { dry_run, ..Self::new(plan, inventory) }.tell(context)
    }

    pub fn of_outcome(
        context: &Context<'_>,
        plan: &'a Plan,
        outcome: &'a Outcome<'_>,
        inventory: &'a Inventory,
    ) -> Result<Ending, Failure> {
        let report = Report {
            dry_run: false,
            is_interrupted: outcome.is_interrupted(),
            shared: outcome.shared(),
            entries: outcome.by_entry(),
            freed: Some(outcome.freed_by_file_system()),
            left_out: Some(outcome.left_out()),
            ..Self::new(plan, inventory)
        };
        report.tell(context)
    }

    fn new(plan: &'a Plan, inventory: &'a Inventory) -> Self {
        Self {
            is_possible: true,
            dry_run: true,
            is_interrupted: false,
            shared: plan.shared(),
            entries: plan.by_entry(),
            freed: None,
            left_out: Some(plan.left_out()),
            left_out_entries: plan.left_out_entries(),
            inventory,
        }
    }

    fn tell(&self, context: &Context<'_>) -> Result<Ending, Failure> {
        let console = context.console;
        match context.format {
            Format::Json => console.write(json::render(context, self))?,
            Format::Table if console.quiet => {}
            Format::Table => {
                for line in
                    lines::of_entries(context, self).into_iter().chain([self.summary(context)])
                {
                    console.line(line)?;
                }
                for line in lines::of_left_out(context, self) {
                    console.note(line);
                }
            }
        }
        for failure in lines::failures(self) {
            console.error(failure);
        }
        let mut reasons = self.left_out.into_iter().flat_map(LeftOut::iter);
        Ok(if self.is_interrupted {
            Ending::Interrupted
        } else if reasons.any(|(reason, _)| reason.is_failure()) {
            Ending::Incomplete
        } else {
            Ending::Done
        })
    }

    fn summary(&self, context: &Context<'_>) -> String {
        if !self.is_possible {
            return impossible(context);
        }
        let files = plural(self.shared.files as usize, "file");
        match self.freed {
            _ if self.shared.files == 0 && self.freed.is_none() => {
                "Nothing to share: equal files already share their data".to_owned()
            }
            None => {
                format!("Would share {files}, freeing up to {}", bytes(self.shared.bytes))
            }
            Some(freed) => {
                let freed = bytes(ByteSize::b(u64::try_from(freed).unwrap_or(0)));
                match self.is_interrupted {
                    true => format!(
                        "Interrupted: shared {files}, freed {freed}; run it again to finish"
                    ),
                    false => format!("Shared {files}, freed {freed}"),
                }
            }
        }
    }
}

fn impossible(context: &Context<'_>) -> String {
    let dir = context.shown_dir();
    if context.cache_dir.exists() {
        format!(
            "Nothing to share: the file system of {dir} cannot share data between files (btrfs and XFS can)"
        )
    } else {
        format!("No image cache at {dir} yet")
    }
}

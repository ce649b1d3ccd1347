//! Prints a report of `dedupe`.

use bytesize::ByteSize;

use super::report::Report;
use super::{json, lines};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::ui::units::{bytes, plural};
use crate::dedupe::LeftOut;

/// Prints a report, and tells how the command ends.
pub fn tell(context: &Context<'_>, report: &Report<'_>) -> Result<Ending, Failure> {
    let console = context.console;
    match context.format {
        Format::Json => console.write(json::render(context, report))?,
        Format::Table if console.quiet => {}
        Format::Table => {
            for line in
                lines::of_entries(context, report).into_iter().chain([summary(context, report)])
            {
                console.line(line)?;
            }
            for line in lines::of_left_out(context, report) {
                console.note(line);
            }
        }
    }
    for failure in lines::failures(report) {
        console.error(failure);
    }
    let mut reasons = report.left_out.into_iter().flat_map(LeftOut::iter);
    Ok(if report.is_interrupted {
        Ending::Interrupted
    } else if reasons.any(|(reason, _)| reason.is_failure()) {
        Ending::Incomplete
    } else {
        Ending::Done
    })
}

fn summary(context: &Context<'_>, report: &Report<'_>) -> String {
    if !report.is_possible {
        return impossible(context);
    }
    let files = plural(report.shared.files as usize, "file");
    match report.freed {
        _ if report.shared.files == 0 && report.freed.is_none() => {
            "Nothing to share: equal files already share their data".to_owned()
        }
        None => {
            format!("Would share {files}, freeing up to {}", bytes(report.shared.bytes))
        }
        Some(freed) => {
            let freed = bytes(ByteSize::b(u64::try_from(freed).unwrap_or(0)));
            match report.is_interrupted {
                true => {
                    format!("Interrupted: shared {files}, freed {freed}; run it again to finish")
                }
                false => format!("Shared {files}, freed {freed}"),
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

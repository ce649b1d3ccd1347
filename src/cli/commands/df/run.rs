//! Runs the command.

use super::json::Document;
use super::report::Report;
use super::table;
use crate::cache::{Beside, Inventory};
use crate::cli::args::Format;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::measure::Measuring;
use crate::cli::named_cache;
use crate::cli::ui::json::document;
use crate::gc::{self, Reporter};
use crate::usage::CacheUsage;

pub fn run(context: &Context<'_>) -> Result<Ending, Failure> {
    let cache = named_cache::open(context)?;
    let inventory = match &cache {
        Some(cache) => cache.inventory()?,
        None => Inventory::default(),
    };
    named_cache::check_content(context, &inventory)?;
    let beside = Beside::list(&context.cache_dir, context.vm_dir().as_deref());
    let mut measuring = Measuring::new(context);
    let usage = CacheUsage::measure_beside(
        cache.as_ref().map(|cache| (cache, &inventory)),
        &beside,
        &context.meter().with_extents(),
        &measuring.stop(),
        &mut |progress| measuring.measuring(progress),
    )?;
    let mut collection = None;
    if let Some(cache) = &cache {
        let (mut plan, evidence) = gc::plan_listed(cache, &inventory, Some(&usage));
        let measured =
            gc::measure_plan(cache, &mut plan, Some(&usage), context.jobs, &mut measuring)?;
        collection = Some((plan, evidence, measured));
    }
    drop(measuring);
    let report = Report::new(context, &inventory, &beside, &usage, collection.as_ref());
    let console = context.console;
    match context.format {
        Format::Json => console.write_raw(document(&Document::new(&report)).as_bytes())?,
        Format::Table => {
            let page = table::Page { report: &report, width: console.width() };
            console.write(page.render(console.verbose, !console.quiet))?;
            report.warnings.iter().for_each(|warning| console.warn(warning));
        }
    }
    Ok(if report.is_complete { Ending::Done } else { Ending::Incomplete })
}

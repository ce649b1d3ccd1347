//! `bbox cache rm`: removes images by name, with their references.

use crate::cache::{Cache, Inventory};
use crate::cli::args::Rm;
use crate::cli::context::Context;
use crate::cli::failure::{Ending, Failure};
use crate::cli::find_image::{choose_all, no_cache};
use crate::cli::named_cache;
use crate::cli::removal::{self, Removal, Report};
use crate::gc::{self, Draft};

pub fn run(context: &Context<'_>, args: &Rm) -> Result<Ending, Failure> {
    let removal = Removal {
        context,
        dry_run: args.dry_run,
        asks: !args.force && !args.yes,
        no_wait: args.no_wait,
        make_draft: |cache: &Cache, report: &mut Report| make_draft(context, args, cache, report),
    };
    removal.run(|mut report, cache| {
        if cache.is_none() {
            let first = args.images.first().map(String::as_str).unwrap_or_default();
            return Err(no_cache(context, first).into());
        }
        // `rm` does not suggest further removals.
        report.left = None;
        report.miss_what_stays();
        report.finish(context)
    })
}

fn make_draft(
    context: &Context<'_>,
    args: &Rm,
    cache: &Cache,
    report: &mut Report,
) -> Result<Draft, Failure> {
    // All or none: if one name is mistyped, the others may be meant differently, too.
    let choose = |inventory: &Inventory| {
        named_cache::check_content(context, inventory)?;
        Ok::<_, Failure>(choose_all(context, inventory, &args.images)?)
    };
    let mut draft = gc::plan_rm(cache, choose, args.force)?;
    if args.in_place {
        draft.plan.allow_in_place();
    }
    removal::tell(context, &draft, report);
    Ok(draft)
}

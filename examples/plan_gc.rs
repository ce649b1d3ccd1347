//! What a collection would remove, and why: `cargo run --release --example plan_gc -- [DIR]`. Nothing
//! is removed, since only `sweep` does that, and it takes the very plan that is printed here.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is there to be seen")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bbox_cache::cache::{Cache, Inventory, default_directory};
use bbox_cache::gc;
use bbox_cache::jiff::Timestamp;
use bbox_cache::plan::{self, Activity, GcOptions, LayerChoice, Plan, Verdict};
use bbox_cache::usage::Meter;
use bbox_cache::{Jobs, StopFlag};

fn main() -> ExitCode {
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let Some(directory) = named.or_else(default_directory) else {
        eprintln!("there is no home directory to look for a cache in");
        return ExitCode::FAILURE;
    };
    match run(&directory) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(directory: &Path) -> bbox_cache::Result<()> {
    let Some(cache) = Cache::open(directory)? else {
        println!("There is no cache yet.");
        return Ok(());
    };
    let plan = plan(&cache)?;
    for decision in plan.decisions() {
        let action = match decision.verdict {
            Verdict::Remove(_) => "remove",
            Verdict::Restore(_) => "restore",
            _ => "keep",
        };
        println!("{action:<8} {}  {}", decision.item.location(), decision.verdict.reason());
    }
    let doomed = plan.to_remove();
    let meter = Meter::new(Jobs::default()).with_extents();
    let found = meter.measure(&cache, &doomed, &StopFlag::new(), &mut |_| {})?;
    let freed = found.reclaimable(&doomed);
    let at_most = freed.at_most().exact().map_or_else(String::new, |bytes| format!(" to {bytes}"));
    println!("\n{} things would go, freeing {}{at_most}", doomed.len(), freed.certain());
    Ok(())
}

/// The plan for everything that nothing needs, layers included.
fn plan(cache: &Cache) -> bbox_cache::Result<Plan> {
    let mut inventory = cache.settled_inventory(&StopFlag::new())?;
    // A ref that cannot be read may name any image.
    inventory.refs = inventory.refs.into_readable()?;
    let now = Timestamp::now();
    let evidence = gc::gather(cache, &inventory, now, activity(cache, &inventory)?);
    let unseen = inventory.problems.iter().chain(&evidence.lifetimes.problems);
    unseen.chain(&evidence.problems).for_each(|problem| eprintln!("{problem}"));
    let mut options = GcOptions::default();
    options.layers = LayerChoice::Unreferenced;
    Ok(plan::gc(&inventory, &options, &evidence))
}

/// When anybody last worked on the extractions, which are walked for that.
fn activity(cache: &Cache, inventory: &Inventory) -> bbox_cache::Result<Activity> {
    let extractions = inventory.entries.iter().filter(|entry| entry.is_extraction());
    let extractions: Vec<_> = extractions.map(|entry| entry.location.clone()).collect();
    let meter = Meter::new(Jobs::default());
    let found = meter.measure(cache, &extractions, &StopFlag::new(), &mut |_| {})?;
    let changes = extractions.into_iter().map(|at| (at.clone(), found.newest_change(&at)));
    let changes: Vec<_> = changes.collect();
    Ok(Activity::new(&changes))
}

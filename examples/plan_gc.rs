//! Prints what `bbox cache gc --layers` would remove, and why: `cargo run --release --example
//! plan_gc -- [DIR]`. It removes nothing: that would take the lock of the cache, and `gc::run`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is there to be seen")]

use std::error::Error;

use bbox_cache::Jobs;
use bbox_cache::cache::{Cache, default_directory};
use bbox_cache::gc;
use bbox_cache::plan::{GcOptions, LayerChoice, Verdict};

fn main() -> Result<(), Box<dyn Error>> {
    let named = std::env::args_os().nth(1).map(Into::into);
    let directory = named.or_else(default_directory).ok_or("there is no home directory")?;
    let Some(cache) = Cache::open(directory)? else {
        println!("There is no cache yet.");
        return Ok(());
    };
    let mut options = GcOptions::default();
    options.layers = LayerChoice::Unreferenced;
    let mut draft = gc::plan(&cache, &options, Jobs::default(), &mut ())?;
    let unseen = draft.inventory.problems.iter().chain(&draft.evidence.problems);
    unseen.for_each(|problem| eprintln!("{problem}"));
    let freed = draft.measure(&cache, Jobs::default(), &mut ())?.freed;
    for decision in draft.plan.decisions() {
        let action = match decision.verdict {
            Verdict::Remove(_) => "remove",
            Verdict::Restore(_) => "restore",
            _ => "keep",
        };
        println!("{action:<8} {}  {}", decision.item.location(), decision.verdict.reason());
    }
    println!(
        "\n{} items would be removed, freeing {}",
        draft.plan.removals().count(),
        freed.certain()
    );
    Ok(())
}

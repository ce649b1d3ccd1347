//! Prints what is in a cache and how big it is: `cargo run --release --example scan -- [DIR]`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example is there to be seen")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bbox_cache::cache::{Cache, EntryKind, Inventory, default_directory};
use bbox_cache::plan::Reachability;
use bbox_cache::usage::{CacheUsage, Meter, Size};
use bbox_cache::{Jobs, StopFlag};

fn main() -> ExitCode {
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let Some(directory) = named.or_else(default_directory) else {
        eprintln!("no home directory, so no default cache directory");
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
    let inventory = cache.inventory()?;
    let found = measure(&cache, &inventory)?;
    show(&inventory, &found);
    let unread = found.measurement().all_problems().flat_map(|(_, problems)| problems.first());
    let unread = inventory.problems.iter().chain(found.problems()).chain(unread);
    unread.for_each(|problem| eprintln!("{problem}"));
    Ok(())
}

/// Measures all trees at once, on one pool of threads, and prints the progress if that takes long.
fn measure(cache: &Cache, inventory: &Inventory) -> bbox_cache::Result<CacheUsage> {
    // Without this, shared data would count once per file.
    let meter = Meter::new(Jobs::default()).with_extents();
    CacheUsage::measure(cache, inventory, &meter, &StopFlag::new(), &mut |progress| {
        eprint!("\r{} files so far ", progress.total().files);
    })
}

fn show(inventory: &Inventory, found: &CacheUsage) {
    let reachability = Reachability::new(&inventory.refs.refs);
    for entry in &inventory.entries {
        let what = match &entry.kind {
            EntryKind::Image(digest) if reachability.contains(digest.entry_name()) => "live image",
            // An unreadable ref may point at any image.
            EntryKind::Image(_) if !inventory.refs.unreadable.is_empty() => "image",
            EntryKind::Image(_) => "orphan",
            EntryKind::Layer(_) => "layer",
            EntryKind::Leftover(_) => "leftover",
            _ => "other",
        };
        let Some(usage) = found.measurement().usage(&entry.location) else { continue };
        let (size, files) = (shown(usage.on_disk()), usage.files);
        println!("{what:<10}  {size:>9}  {files:>6} files  {}", entry.location);
    }
    let total = found.total();
    println!("\n{} on disk, {} of content", shown(total.on_disk()), shown(total.apparent()));
    let trees = |kind: fn(&EntryKind) -> bool| {
        let entries = inventory.entries.iter();
        entries.filter(move |entry| kind(&entry.kind)).map(|entry| &entry.location)
    };
    let images = found.measurement().total(trees(|kind| matches!(kind, EntryKind::Image(_))));
    let layers = found.measurement().total(trees(|kind| matches!(kind, EntryKind::Layer(_))));
    println!("images {}, layers {}", shown(images.on_disk()), shown(layers.on_disk()));
}

fn shown(size: Size) -> String {
    let least = if size.is_complete() { "" } else { "at least " };
    format!("{least}{}", size.at_least())
}

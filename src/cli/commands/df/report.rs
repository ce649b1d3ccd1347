//! Everything that `df` shows, independent of the format.

use std::path::PathBuf;

use jiff::Timestamp;

use super::items::{Item, Type};
use crate::cache::{Beside, Disk, Entry, Inventory, Location};
use crate::cli::context::Context;
use crate::cli::image_row::rows;
use crate::cli::ui::units::plural;
use crate::cli::warnings::{unread, unread_in_tree};
use crate::cli::words::{Offer, orphans_and_leftovers};
use crate::gc::Measured;
use crate::plan::{Evidence, Item as PlanItem, Plan};
use crate::usage::{CacheUsage, Estimate, Measurement, Usage};

/// All types and items.
pub struct Report<'a> {
    pub cache_dir: PathBuf,
    pub vm_dir: Option<PathBuf>,
    pub types: Vec<TypeRow>,
    /// By type, largest first.
    pub items: Vec<Item<'a>>,
    pub total: Usage,
    /// Whether it may count shared data several times.
    pub may_share: bool,
    /// What `gc` would free: orphans and leftovers, and layers.
    pub offers: Vec<Offer>,
    /// The beginning of a command line for this cache.
    pub program: String,
    pub disk: Option<Disk>,
    pub now: Timestamp,
    pub warnings: Vec<String>,
    pub is_complete: bool,
}

/// One type.
pub struct TypeRow {
    pub of: Type,
    pub count: usize,
    /// The number of items that are needed; `None` if unknown, or if it does not apply.
    pub active: Option<usize>,
    pub usage: Usage,
    /// How much `command` would free of this type; `None` if no command removes it.
    pub reclaimable: Option<Estimate>,
    /// The command that frees it, from `gc` on; `None` if there is nothing to free.
    pub command: Option<&'static str>,
}

/// What a gc would do, why, and how much it would free.
pub type Collection = (Plan, Evidence, Measured);

impl<'a> Report<'a> {
    pub fn new(
        context: &Context<'_>,
        inventory: &'a Inventory,
        beside: &'a Beside,
        usage: &CacheUsage,
        collection: Option<&Collection>,
    ) -> Self {
        let items = items(context, inventory, beside, usage, collection);
        let measured = usage.measurement();
        let types = Type::ALL.map(|of| {
            let members = || items.iter().filter(|item| item.of == of);
            let active: Option<Vec<_>> = members().map(|item| item.is_active).collect();
            let reclaimable = collection.and_then(|found| reclaimable(of, found, measured));
            let frees = reclaimable.is_some_and(|bytes| bytes != Estimate::default());
            TypeRow {
                of,
                count: members().count(),
                active: active.map(|active| active.into_iter().filter(|&active| active).count()),
                usage: match of {
                    Type::Others => usage.others(inventory, beside),
                    _ => measured.total(members().map(|item| item.tree)),
                },
                reclaimable,
                command: frees.then(|| command(of)),
            }
        });
        let problems = inventory.problems.iter().chain(&beside.problems);
        let index = inventory.refs.unreadable.iter().map(|found| &found.error);
        let mut faults: Vec<_> = problems.chain(index).map(ToString::to_string).collect();
        faults.extend(unread(inventory, usage));
        let trees = beside.items.iter().filter_map(|item| measured.problems(&item.tree));
        faults.extend(trees.flat_map(unread_in_tree));
        Self {
            cache_dir: context.cache_dir.clone(),
            vm_dir: context.vm_dir(),
            types: types.into(),
            items,
            total: usage.total_with(beside),
            may_share: measured.may_share_unseen(),
            offers: collection.map(|found| offers(context, found)).unwrap_or_default(),
            program: context.command("").trim_end().to_owned(),
            disk: collection.and_then(|(_, evidence, _)| evidence.disk),
            now: Timestamp::now(),
            is_complete: faults.is_empty(),
            warnings: faults,
        }
    }
}

fn items<'a>(
    context: &Context<'_>,
    inventory: &'a Inventory,
    beside: &'a Beside,
    usage: &CacheUsage,
    collection: Option<&Collection>,
) -> Vec<Item<'a>> {
    let entries = rows(inventory, Some(usage), |_| true).into_iter().map(|row| {
        let location = &row.entry.location;
        let decision = collection.and_then(|(plan, ..)| plan.get(location));
        let is_used = collection.and_then(|(_, evidence, _)| evidence.is_in_use(location));
        let path = location.path_in(&context.cache_dir);
        Item::of_row(&row, path, decision, is_used == Some(true))
    });
    let mut items: Vec<_> =
        entries.chain(beside.items.iter().map(|item| Item::of_beside(item, usage))).collect();
    items.sort_by_key(|item| {
        let bytes = item.usage.on_disk().at_least().as_u64();
        (item.of as u8, std::cmp::Reverse(bytes))
    });
    items
}

/// How much the command for a type would free of it. A single `gc` removes images, leftovers and
/// dangling references, so their numbers add up to what it frees.
fn reclaimable(
    of: Type,
    (plan, _, found): &Collection,
    measured: &Measurement,
) -> Option<Estimate> {
    let going = |of| -> Vec<&Location> {
        let entry = |item: &'_ PlanItem| match item {
            PlanItem::Entry(Entry { kind, .. }) => Type::of_entry(kind) == of,
            PlanItem::Ref { .. } => false,
        };
        let removals = plan.removals().filter(|decision| entry(&decision.item));
        removals.map(|decision| decision.item.location()).collect()
    };
    match of {
        Type::Images => Some(measured.reclaimable(going(Type::Images))),
        Type::Leftovers => {
            Some(measured.reclaimable_besides(&going(Type::Images), &going(Type::Leftovers)))
        }
        Type::Layers => Some(found.left.layers.reclaimable),
        Type::Others => {
            let removals = plan.removals().map(|decision| &decision.item);
            let refs = removals.filter(|item| matches!(item, PlanItem::Ref { .. }));
            let refs: Vec<_> = refs.map(PlanItem::location).collect();
            (!refs.is_empty()).then(|| found.trees.reclaimable(refs))
        }
        _ => None,
    }
}

fn command(of: Type) -> &'static str {
    match of {
        Type::Layers => "gc --layers",
        _ => "gc",
    }
}

fn offers(context: &Context<'_>, (plan, _, found): &Collection) -> Vec<Offer> {
    let count = |of| {
        let is_of = |item: &PlanItem| matches!(item, PlanItem::Entry(entry) if Type::of_entry(&entry.kind) == of);
        plan.removals().filter(|decision| is_of(&decision.item)).count()
    };
    let what = orphans_and_leftovers(count(Type::Images), count(Type::Leftovers));
    let gc = what.map(|what| Offer { what, bytes: found.freed, command: context.command("gc") });
    let layers = found.left.layers;
    let layers = (layers.count > 0).then(|| Offer {
        what: plural(layers.count, "unreferenced layer"),
        bytes: layers.reclaimable,
        command: context.command("gc --layers"),
    });
    gc.into_iter().chain(layers).collect()
}

//! Decides what to remove, and why.
//!
//! A [`Plan`] is a list of decisions, one per item in the cache, each with its reason. It follows
//! from the inventory of the cache, the user's wishes ([`GcOptions`]), and the evidence of what is
//! needed ([`Evidence`]). Missing evidence means unknown, never "none": anything that may be needed
//! is kept.
//!
//! Everything here is a pure function of its arguments. Nothing reads the disk or the clock. A dry
//! run prints the same plan that [`sweep`](crate::sweep) carries out.
//!
//! [`gc`] plans a collection, [`rm`] the removal of given images, [`purge`] the removal of
//! everything.

mod decision;
#[cfg(test)]
mod decision_tests;
mod decisions;
mod dropped_refs;
mod evidence;
mod gc;
#[cfg(test)]
mod gc_tests;
#[cfg(test)]
mod history_tests;
mod identity;
mod layers;
mod older_build;
#[cfg(test)]
mod older_build_tests;
mod on_request;
mod options;
mod periods;
mod reachability;
mod reason;
#[cfg(test)]
mod rebuild_tests;
mod refs;
#[cfg(test)]
mod refusal_tests;
mod spending;
#[cfg(test)]
mod spending_tests;
mod target;
mod timeline;
#[cfg(test)]
mod timeline_tests;
mod tokens;
mod unreplaced;
mod verdicts;
#[cfg(test)]
mod wanted_tests;

pub use decision::{Decision, Item};
pub use decisions::Plan;
pub use dropped_refs::DroppedRefs;
pub use evidence::{Activity, Evidence};
pub use gc::gc;
pub use identity::Identity;
pub use on_request::{purge, rm};
pub use options::{GcOptions, LayerChoice, Limit, Room};
pub use reachability::{Reachability, dangling};
pub use reason::{KeepReason, RemoveReason, Verdict};
pub use target::Target;
pub use timeline::{LayerStatus, Staying, Timeline, UnknownLayer, UnknownReason};

//! What may go, and why.
//!
//! A [`Plan`] is a list of decisions, one for each thing in the cache, each with its reason. It follows from
//! three things: the inventory of the cache, the user's wishes ([`GcOptions`]), and what is known of who needs what
//! ([`Evidence`]). Evidence that could not be had is unknown, and unknown is never "none": what may be needed
//! stays.
//!
//! Everything here is a function of its arguments: nothing is read from disk, and no clock is asked. A dry run prints
//! the plan, and [`sweep`](crate::sweep) carries out the very same one.
//!
//! [`gc`] decides by the rules of a collection, [`rm`] about images that the user names, [`purge`] about everything.

mod decision;
#[cfg(test)]
mod decision_tests;
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
#[cfg(test)]
mod wanted_tests;

pub use decision::{Decision, Item, Plan};
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

//! `bbox cache df`: everything that Brood Box keeps on this machine, one row per type.
//!
//! Images, layers and leftovers are those of the cache; everything else comes from
//! [`Beside`](crate::cache::Beside). All of it is measured together, so shared data counts once.

mod items;
mod json;
mod report;
mod run;
mod table;

pub use run::run;

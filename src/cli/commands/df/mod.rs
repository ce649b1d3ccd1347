//! `bbox cache df`: what all of Brood Box keeps on this machine, a row per type.
//!
//! Images, layers and leftovers are those of the cache; what lies beside it comes from
//! [`Beside`](crate::cache::Beside). Everything is measured together, so shared data counts once.

mod items;
mod json;
mod report;
mod run;
mod table;

pub use run::run;

//! `bbox cache list`: what is in the cache, and how big it is.

mod cells;
mod json;
mod listing;
mod run;
mod summary;
mod table;

pub use run::run;

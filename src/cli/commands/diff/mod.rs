//! `bbox cache diff`: what differs between two images.

mod config;
mod findings;
mod json;
mod run;
mod text;

pub use run::run;

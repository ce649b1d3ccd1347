//! `bbox cache show`: what fills an image.

mod facts;
mod json;
mod profile;
mod run;
mod tree;

pub use run::run;

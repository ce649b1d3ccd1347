//! `bbox cache dedupe`: lets equal files of images and layers share their data.

mod json;
mod lines;
mod print;
mod report;
mod run;

pub use run::run;

//! `bbox man`: writes the manual pages.

mod page;
mod run;

pub use run::run;

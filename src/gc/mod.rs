//! One collection from start to end: gather evidence, plan, measure, sweep, report.

mod gather;

pub use gather::gather;

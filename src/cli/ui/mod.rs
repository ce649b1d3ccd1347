//! What is seen: streams, tables, bars, units, JSON.

pub mod bars;
pub mod console;
pub mod json;
pub mod table;
pub mod units;

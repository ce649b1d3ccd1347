//! What is seen: streams, tables, bars, gauges, units, JSON.

pub mod bars;
pub mod console;
pub mod gauge;
pub mod json;
pub mod table;
pub mod units;

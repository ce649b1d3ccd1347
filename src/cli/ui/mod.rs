//! The user interface: streams, tables, bars, units, JSON.

mod bar_terminal;
pub mod bars;
pub mod cell;
pub mod charset;
pub mod console;
pub mod json;
pub mod table;
pub mod text;
pub mod theme;
pub mod units;

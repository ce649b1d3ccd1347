//! What a word of the command line may become: a command to be run, an image of the cache.

mod command;
mod images;
pub mod line;

pub use command::command;
pub use images::images;

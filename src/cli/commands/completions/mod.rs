//! `bbox completions`: shell completion.
//!
//! The generated script is small. On each TAB it runs this program again, with the name of the
//! shell in the environment and the words so far as arguments. [`answer`] then prints the
//! candidates for the last word, one per line. So images are completed live from the cache.
//!
//! While a line is being typed, the user has not asked for anything yet: an answer is quick, or
//! there is none. Errors are never printed, since they would appear in the middle of the line.

mod reply;
mod run;
mod script;

pub use run::{answer, run};

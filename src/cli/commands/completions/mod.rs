//! `bbox completions`: how a shell may complete a word.
//!
//! The script that is printed is small: at each TAB it runs this program again, with the name of the
//! shell in the environment and the words so far as arguments, and [`answer`] prints what the last
//! of them may become, a line each. So images are completed from the cache as it is at that moment.
//!
//! The user has asked for nothing yet while a line is typed: an answer is quick, or none. It never
//! complains, since the complaint would land in the middle of the line.

mod reply;
mod run;
mod script;

pub use run::{answer, run};

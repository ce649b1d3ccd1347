//! The walker that holds directories by their descriptors.
//!
//! A thread opens a directory relative to its parent, lists it, looks at every file in it
//! (`visit.rs`), and goes on with the first directory in it; the others it leaves as tasks, half of
//! them in the first, a quarter in the next, and so on. Idle threads steal tasks, the biggest
//! first, so the work is shared at directory grain, within a tree and between trees. Each thread
//! takes its own newest task first, so it goes deep before it goes wide, and few directories are
//! open at a time: a parent only until its last child has been opened.
//!
//! Few, but in a tree that is made for it as many as there are directories. So a parent needs a
//! permit to stay open ([`Budget`]). What gets none is walked in place (`in_place.rs`): by the
//! thread that has found it, which shares what is below as soon as there are permits again.

mod in_place;
mod spread;
mod visit;
mod walk;

pub use spread::walk;

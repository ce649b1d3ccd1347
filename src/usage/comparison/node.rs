//! What is compared: directories and files of one tree, or of both.

use std::ffi::OsStr;

use super::align::Sides;
use super::delta::Delta;

/// A directory of one tree, or of both.
pub struct Node<'b> {
    pub above: usize,
    pub depth: usize,
    pub names: Sides<&'b OsStr>,
    pub delta: Delta,
}

/// An entry of a directory, which is given by index.
pub struct Place<'b> {
    pub directory: usize,
    pub name: Option<&'b OsStr>,
}

/// A file of one tree, or of both with different sizes, by its index in each.
pub struct FileChange {
    pub directory: usize,
    pub files: Sides<usize>,
    pub delta: Delta,
}

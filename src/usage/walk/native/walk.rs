//! One tree's walk, as every task of it knows it.

use crate::fs::Budget;
use crate::stop::StopFlag;
use crate::usage::walk::tree::TreeWalk;

#[derive(Clone, Copy)]
pub struct Walk<'s> {
    pub tree: &'s TreeWalk<'s>,
    pub budget: &'s Budget,
    pub stop: &'s StopFlag,
}

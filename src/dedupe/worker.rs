//! Processes one group: its files, one after the other.

use rustix::io::Errno;

use super::group::{Destination, Group, SetId, TreeId};
use super::left_out::{LeftOut, Reason};
use super::plan::Sums;
use super::progress::Progress;
use super::share::{Shared, Sharer, Source, layout};
use super::trees::Tree;
use crate::fs::{DataFile, Kind};

/// The state of a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not done yet, or by now the source for others.
    Open,
    Done,
    Left(Reason, Option<Errno>),
}

impl State {
    fn is_to_do(self) -> bool {
        matches!(self, Self::Open | Self::Left(Reason::NoRoom, _))
    }
}

/// How the processing of a group ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Reached,
    Interrupted,
}

/// The results of all groups so far.
#[derive(Debug, Default)]
pub struct Found<'a> {
    pub sums: Sums,
    pub left_out: LeftOut,
    /// The number of finished groups.
    pub groups: usize,
    /// Groups with files for which there was no room.
    pub without_room: Vec<(&'a Group, Vec<State>)>,
    /// Whether anything was shared in this pass.
    pub has_shared: bool,
}

impl<'a> Found<'a> {
    /// Records the result of a group, or keeps the group for a retry.
    pub fn take_in(&mut self, trees: &[Tree], group: &'a Group, states: Vec<State>, end: End) {
        self.has_shared |= states.contains(&State::Done);
        self.groups += usize::from(end == End::Reached);
        if states.iter().any(|state| matches!(state, State::Left(Reason::NoRoom, _))) {
            self.without_room.push((group, states));
        } else {
            self.note(trees, group, &states);
        }
    }

    /// Records the result of a group. A set has freed its space once all of its files are done.
    pub fn note(&mut self, trees: &[Tree], group: &Group, states: &[State]) {
        let mut rest = states;
        for set in group.destinations.chunk_by(|one, next| one.set == next.set) {
            let (states, behind) = rest.split_at(set.len());
            rest = behind;
            for (destination, state) in set.iter().zip(states) {
                match *state {
                    State::Open => {}
                    State::Done => self.sums.add_file(destination.tree),
                    State::Left(reason, cause) => {
                        let tree = &trees[destination.tree as usize];
                        self.left_out.add(reason, || tree.path_of(&group.path), cause);
                    }
                }
            }
            if states.iter().all(|state| *state == State::Done) {
                let last = set[set.len() - 1];
                self.sums.add_bytes(last.tree, last.bytes);
            }
        }
    }
}

/// The state of one thread.
pub struct Worker<'a> {
    trees: &'a [Tree],
    progress: &'a Progress,
    sharer: Sharer<'a>,
}

impl<'a> Worker<'a> {
    pub fn new(trees: &'a [Tree], progress: &'a Progress, sharer: Sharer<'a>) -> Self {
        Self { trees, progress, sharer }
    }

    /// Processes a group. Files that are not equal to the source may be equal to each other: then
    /// the first of them becomes the next source.
    pub fn share_group(&mut self, group: &Group, states: &mut [State]) -> End {
        let mut left: Vec<_> =
            (0..states.len()).filter(|&number| states[number].is_to_do()).collect();
        let (mut tree, mut set, mut source) = (group.source, group.source_set, None);
        while !left.is_empty() && !self.sharer.stop.is_raised() {
            let others = self.share_with(group, (tree, set), &left, states);
            if left.iter().any(|&number| states[number] == State::Done) {
                source.into_iter().for_each(|source: usize| states[source] = State::Open);
            }
            // A single file has nothing left to share with.
            let Some((&first, rest)) = others.split_first() else { break };
            (tree, set) = (group.destinations[first].tree, group.destinations[first].set);
            (source, left) = (Some(first), rest.to_vec());
        }
        self.progress.add_done(group.work().saturating_sub(self.sharer.take_told()));
        if self.sharer.stop.is_raised() { End::Interrupted } else { End::Reached }
    }

    /// Lets these destinations share the data of the file in `tree`, which belongs to `set`.
    /// Returns those that differ from it.
    fn share_with(
        &mut self,
        group: &Group,
        (tree, set): (TreeId, SetId),
        left: &[usize],
        states: &mut [State],
    ) -> Vec<usize> {
        let source = match self.open_source(group, tree) {
            Ok(source) => source,
            Err(cause) => {
                let state = State::Left(Reason::of_open(cause), Some(cause));
                left.iter().for_each(|&number| states[number] = state);
                return left.to_vec();
            }
        };
        let mut others = Vec::new();
        for &number in left.iter().filter(|&&number| group.destinations[number].set != set) {
            let destination = group.destinations[number];
            let whole =
                destination.whole && set == group.source_set && states[number] == State::Open;
            states[number] = self.share(group, &source, Destination { whole, ..destination });
            if matches!(states[number], State::Left(Reason::Unequal | Reason::Unlike, _)) {
                others.push(number);
            }
        }
        others
    }

    fn share(&mut self, group: &Group, source: &Source, destination: Destination) -> State {
        let file = match self.open(group, destination.tree) {
            Ok(file) => file,
            Err(cause) => return State::Left(Reason::of_open(cause), Some(cause)),
        };
        match self.sharer.share(source, &file, group.size, destination.whole) {
            Ok(Shared::Whole) => State::Done,
            Ok(Shared::Changed) => State::Left(Reason::Changed, None),
            Ok(Shared::Unequal) => State::Left(Reason::Unequal, None),
            Ok(Shared::Interrupted) => State::Open,
            Err(cause) => State::Left(Reason::of_sharing(cause), Some(cause)),
        }
    }

    fn open_source(&self, group: &Group, tree: TreeId) -> rustix::io::Result<Source> {
        let file = self.open(group, tree)?;
        let layout = layout(&file, group.size)?.ok_or(Errno::NOENT)?;
        Ok(Source { file, layout })
    }

    /// Opens a file of a group. A file that has changed type or size counts as gone.
    fn open(&self, group: &Group, tree: TreeId) -> rustix::io::Result<DataFile> {
        let file = self.trees[tree as usize].top.open_data_below(&group.path)?;
        let status = file.status()?;
        let is_same = status.kind == Kind::File && status.size == group.size;
        if is_same { Ok(file) } else { Err(Errno::NOENT) }
    }
}

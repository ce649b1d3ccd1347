//! Files that were moved.

use std::collections::HashMap;
use std::hash::Hash;

use super::align::Sides;
use super::node::FileChange;
use super::side::Side;
use crate::fs::Kind;

/// Pairs files that only one tree has: first those that share all their data, then those of equal
/// name and length. Returns their indices in `files`, the old one first.
pub fn find(files: &[FileChange], sides: &[Side<'_>; 2]) -> Vec<(usize, usize)> {
    let mut left: Vec<_> =
        (0..files.len()).filter(|&place| can_move(&files[place], sides)).collect();
    let mut moves = take_pairs(
        &mut left,
        files,
        |file, side| Some((side.file(file).size, side.layout(side.file(file))?)),
        sides,
    );
    moves.extend(take_pairs(
        &mut left,
        files,
        |file, side| {
            let name = side.file(file);
            Some((name.size, &name.name))
        },
        sides,
    ));
    moves
}

fn can_move(change: &FileChange, sides: &[Side<'_>; 2]) -> bool {
    let file = match change.files {
        Sides::Old(file) => sides[0].file(file),
        Sides::New(file) => sides[1].file(file),
        Sides::Both(..) => return false,
    };
    file.kind == Kind::File && file.size > 0
}

/// Pairs files with equal keys and removes them from `left`. Each has at most one partner.
fn take_pairs<'b, K: Eq + Hash>(
    left: &mut Vec<usize>,
    files: &[FileChange],
    key: impl Fn(usize, &Side<'b>) -> Option<K>,
    sides: &[Side<'b>; 2],
) -> Vec<(usize, usize)> {
    let mut olds = HashMap::<K, Vec<usize>>::new();
    for &place in left.iter().rev() {
        if let Sides::Old(file) = files[place].files
            && let Some(key) = key(file, &sides[0])
        {
            olds.entry(key).or_default().push(place);
        }
    }
    let mut pairs = Vec::new();
    for &place in left.iter() {
        if let Sides::New(file) = files[place].files
            && let Some(key) = key(file, &sides[1])
            && let Some(old) = olds.get_mut(&key).and_then(Vec::pop)
        {
            pairs.push((old, place));
        }
    }
    let taken: std::collections::HashSet<_> =
        pairs.iter().flat_map(|&(old, new)| [old, new]).collect();
    left.retain(|place| !taken.contains(place));
    pairs
}

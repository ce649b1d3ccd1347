//! Matching the names of two directories.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use super::side::{Entry, Side};

/// An item of one of two directories, or of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sides<T> {
    Old(T),
    New(T),
    Both(T, T),
}

impl<'n> Sides<&'n OsStr> {
    /// The name in the new tree, or else in the old one.
    pub fn current(self) -> &'n OsStr {
        match self {
            Self::Old(name) | Self::New(name) | Self::Both(_, name) => name,
        }
    }

    /// The name in the old tree, if different.
    pub fn old_name(self) -> Option<OsString> {
        match self {
            Self::Both(old, new) if old != new => Some(old.to_owned()),
            _ => None,
        }
    }
}

/// The entries of two directories, sorted by name. Pairs whose names differ only in digits come
/// last.
pub fn align(old: (&Side<'_>, &[Entry]), new: (&Side<'_>, &[Entry])) -> Vec<Sides<Entry>> {
    let ((old_side, old), (new_side, new)) = (old, new);
    let (mut olds, mut news) = (old.iter().copied().peekable(), new.iter().copied().peekable());
    let mut aligned = Vec::with_capacity(old.len().max(new.len()));
    loop {
        let next = match (olds.peek(), news.peek()) {
            (Some(&one), Some(&other)) => match old_side.name(one).cmp(new_side.name(other)) {
                std::cmp::Ordering::Less => Sides::Old(one),
                std::cmp::Ordering::Greater => Sides::New(other),
                std::cmp::Ordering::Equal => Sides::Both(one, other),
            },
            (Some(&one), None) => Sides::Old(one),
            (None, Some(&other)) => Sides::New(other),
            (None, None) => break,
        };
        if !matches!(next, Sides::New(_)) {
            olds.next();
        }
        if !matches!(next, Sides::Old(_)) {
            news.next();
        }
        aligned.push(next);
    }
    pair_versions(&mut aligned, old_side, new_side);
    aligned
}

/// Pairs names that differ only in digits if there is exactly one candidate on each side.
fn pair_versions(aligned: &mut Vec<Sides<Entry>>, old_side: &Side<'_>, new_side: &Side<'_>) {
    let mut found = HashMap::<_, (Vec<Entry>, Vec<Entry>)>::new();
    let is_one_sided = |sides: &Sides<_>| !matches!(sides, Sides::Both(..));
    for sides in aligned.iter().filter(|sides| is_one_sided(sides)) {
        match *sides {
            Sides::Old(old) => {
                let key = (without_digits(old_side.name(old)), matches!(old, Entry::File(_)));
                found.entry(key).or_default().0.push(old);
            }
            Sides::New(new) => {
                let key = (without_digits(new_side.name(new)), matches!(new, Entry::File(_)));
                found.entry(key).or_default().1.push(new);
            }
            Sides::Both(..) => {}
        }
    }
    let pairs = found.into_values().filter_map(|found| match (&found.0[..], &found.1[..]) {
        (&[old], &[new]) if old_side.kind(old) == new_side.kind(new) => Some((old, new)),
        _ => None,
    });
    let mut pairs: Vec<_> = pairs.collect();
    pairs.sort_unstable_by(|(one, _), (other, _)| old_side.name(*one).cmp(old_side.name(*other)));
    if pairs.is_empty() {
        return;
    }
    let (olds, news): (HashSet<_>, HashSet<_>) = pairs.iter().copied().unzip();
    aligned.retain(|sides| match sides {
        Sides::Old(old) => !olds.contains(old),
        Sides::New(new) => !news.contains(new),
        Sides::Both(..) => true,
    });
    aligned.extend(pairs.into_iter().map(|(old, new)| Sides::Both(old, new)));
}

/// A name with every run of digits replaced by a single one.
fn without_digits(name: &OsStr) -> Vec<u8> {
    let mut bytes: Vec<_> = name
        .as_bytes()
        .iter()
        .map(|byte| if byte.is_ascii_digit() { b'0' } else { *byte })
        .collect();
    bytes.dedup_by(|one, other| *one == b'0' && *other == b'0');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_digits_are_alike() {
        for (one, other, alike) in [
            ("python3.9", "python3.12", true),
            ("libc-2.36.so", "libc-2.41.so", true),
            ("a0", "a", false),
            ("node18", "node", false),
            ("b1", "c1", false),
        ] {
            let [one, other] = [one, other].map(|name| without_digits(OsStr::new(name)));
            assert_eq!(one == other, alike, "{one:?} {other:?}");
        }
    }
}

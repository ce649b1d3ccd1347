//! Many names of directory entries in one block of memory.
//!
//! A directory may have a few entries or a million. A list of strings would cost one allocation per
//! name, and one task per name would cost even more. Here the names are stored back to back, each
//! with its NUL. A [`Span`] of them can be split in two without reading the names, so sharing them
//! among threads takes one task per half, not per name.

use std::ffi::{CStr, CString};

/// Names of entries of one directory.
#[derive(Debug, Default)]
pub struct NameList {
    bytes: Vec<u8>,
    count: usize,
}

/// Consecutive names of a list, at least one.
#[derive(Debug, PartialEq, Eq)]
pub struct Span {
    start: usize,
    end: usize,
}

impl NameList {
    /// Adds a name.
    pub fn push(&mut self, name: &CStr) {
        self.bytes.extend_from_slice(name.to_bytes_with_nul());
        self.count += 1;
    }

    /// Removes and returns the last name.
    pub fn pop(&mut self) -> Option<CString> {
        let (_nul, rest) = self.bytes.split_last()?;
        let start = rest.iter().rposition(|&byte| byte == 0).map_or(0, |nul| nul + 1);
        let name = self.bytes.split_off(start);
        self.count -= 1;
        Some(CString::from_vec_with_nul(name).expect("one name, with its NUL"))
    }

    /// All names, in the order in which they were added.
    pub fn iter(&self) -> impl Iterator<Item = &CStr> {
        let names = self.bytes.split_inclusive(|&byte| byte == 0);
        names.map(|name| CStr::from_bytes_with_nul(name).expect("one name, with its NUL"))
    }

    /// Number of names.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// A span of all names. `None` if the list is empty.
    pub fn span(&self) -> Option<Span> {
        (!self.is_empty()).then_some(Span { start: 0, end: self.bytes.len() })
    }

    /// The first name of a span of this list.
    pub fn first(&self, span: &Span) -> &CStr {
        let bytes = &self.bytes[span.start..span.end];
        CStr::from_bytes_until_nul(bytes).expect("each name has its NUL")
    }

    /// Splits a span: keeps about half in it and returns the rest. `None` if it has only one name.
    pub fn divide(&self, span: &mut Span) -> Option<Span> {
        let bytes = &self.bytes[span.start..span.end];
        let middle = bytes.len() / 2;
        let is_nul = |&byte: &u8| byte == 0;
        let inside = bytes.len() - 1;
        let after = bytes[middle..inside].iter().position(is_nul).map(|nul| middle + nul);
        let nul = after.or_else(|| bytes[..middle].iter().rposition(is_nul))?;
        let rest = Span { start: span.start + nul + 1, end: span.end };
        span.end = rest.start;
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn collect(names: &NameList, mut span: Span, found: &mut Vec<CString>) {
        while let Some(rest) = names.divide(&mut span) {
            collect(names, rest, found);
        }
        found.push(names.first(&span).to_owned());
    }

    proptest! {
        #[test]
        fn divided_or_popped_each_name_comes_out_once(list in vec("[a-z\u{e9}]{1,40}", 0..60)) {
            let mut expected: Vec<_> =
                list.into_iter().map(|name| CString::new(name).unwrap()).collect();
            let mut names = NameList::default();
            expected.iter().for_each(|name| names.push(name));
            let mut found = Vec::new();
            if let Some(span) = names.span() {
                collect(&names, span, &mut found);
            }
            found.sort();
            expected.sort();
            prop_assert_eq!(&found, &expected);
            let mut listed: Vec<_> = names.iter().map(CStr::to_owned).collect();
            listed.sort();
            prop_assert_eq!(&listed, &expected);
            let mut popped: Vec<_> = std::iter::from_fn(|| names.pop()).collect();
            popped.sort();
            prop_assert_eq!(popped, expected);
            prop_assert!(names.is_empty() && names.span().is_none());
        }
    }

    #[test]
    fn halves_have_about_the_same_length() {
        let mut names = NameList::default();
        (0..1000).for_each(|n| names.push(&CString::new(format!("{n:04}")).unwrap()));
        let mut first = names.span().unwrap();
        let second = names.divide(&mut first).unwrap();
        assert_eq!(
            (first, second),
            (Span { start: 0, end: 2505 }, Span { start: 2505, end: 5000 })
        );
    }
}

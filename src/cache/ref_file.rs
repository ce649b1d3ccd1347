//! One file in `refs/`: its contents, and whether it may still be being written.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::io::Errno;

use super::digest::Digest;
use super::entry_name::EntryName;
use super::location::Folder;
use super::trash_name::former_ref_file;
use crate::escape::Escaped;
use crate::fs::{Directory, Kind, Status};

/// A ref is a line of text. A larger file is something else.
const MAX_REF_BYTES: u64 = 64 * 1024;
/// Enough for a usual ref, so that one call reads it.
const USUAL_REF_BYTES: usize = 512;
/// A ref older than this is taken to be fully written.
pub const SETTLED_AGE: Duration = Duration::from_secs(2);

/// A ref that points to an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ref {
    /// The name of its file in `refs/`.
    pub file: EntryName,
    /// The image reference, such as `ghcr.io/a/b:latest`, with U+FFFD for bytes that are not UTF-8.
    /// `None` in the old format. Not safe to print.
    pub image: Option<String>,
    /// The image that it points to.
    pub digest: Digest,
    /// When its file was written.
    pub modified: Timestamp,
}

impl Ref {
    /// The original name of its file, if an interrupted gc has hidden it.
    pub(crate) fn former_file(&self) -> Option<EntryName> {
        former_ref_file(&self.file)
    }

    /// Sorts by image reference, then by file. Refs without a reference come last.
    pub(super) fn order(&self) -> impl Ord + '_ {
        (self.image.is_none(), &self.image, &self.file)
    }
}

/// Why a file in `refs/` points to no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefProblem {
    /// Empty, or white space only.
    #[error("it is empty")]
    Empty,
    /// The text in place of the digest cannot be the name of an entry.
    #[error("it contains no valid digest")]
    NoDigest,
    /// A directory.
    #[error("it is a directory")]
    Directory,
    /// A FIFO, socket or device.
    #[error("it is not a regular file")]
    Special,
}

/// A file in `refs/` that points to no image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidRef {
    /// The name of the file.
    pub file: EntryName,
    /// What is wrong with it.
    pub problem: RefProblem,
    /// When it was written. `None` if it is not a regular file.
    pub modified: Option<Timestamp>,
}

impl InvalidRef {
    /// A warning of one line, safe to print: which ref of the cache directory `cache` is invalid,
    /// and why.
    pub fn warning(&self, cache: &Path) -> String {
        let path = Folder::Refs.path_in(cache).join(self.file.as_os_str());
        format!(
            "{} does not protect any image: {}; pull the image again or remove the file",
            Escaped::new(&path),
            self.problem
        )
    }
}

/// The result of reading a ref file once.
pub enum Look {
    Found(Result<Ref, InvalidRef>),
    /// It may still be being written. These are its contents so far.
    Unsettled(Result<Ref, InvalidRef>),
    Gone,
}

/// Reads the ref file `name` in the folder `refs` without waiting for anything.
pub fn look(refs: &Directory, name: &EntryName) -> io::Result<Look> {
    let kind = match refs.status_of(name.as_c_str()) {
        Ok(status) => status.kind,
        Err(Errno::NOENT) => return Ok(Look::Gone),
        Err(cause) => return Err(cause.into()),
    };
    let invalid =
        |problem| Ok(Look::Found(Err(InvalidRef { file: name.clone(), problem, modified: None })));
    match kind {
        Kind::File => {}
        Kind::Symlink => return Err(is_symlink()),
        Kind::Directory => return invalid(RefProblem::Directory),
        Kind::Special => return invalid(RefProblem::Special),
    }
    match refs.open_file(name.as_c_str()) {
        Ok(file) => read(file, name),
        Err(Errno::NOENT) => Ok(Look::Gone),
        // It has been replaced since its status was read.
        Err(Errno::LOOP) => Err(is_symlink()),
        Err(Errno::NXIO) => invalid(RefProblem::Special),
        Err(cause) => Err(cause.into()),
    }
}

/// The owner of the cache would follow it.
fn is_symlink() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is a symlink (never followed)")
}

fn read(file: File, name: &EntryName) -> io::Result<Look> {
    let before = file.metadata()?;
    let modified = Status::from(&before).modified();
    let invalid = |problem| InvalidRef { file: name.clone(), problem, modified: Some(modified) };
    if !before.is_file() {
        return Ok(Look::Found(Err(invalid(RefProblem::Special))));
    }
    if before.len() > MAX_REF_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is larger than 64 KiB"));
    }
    // Limited to the known length, so that no further call is needed to find the end.
    let mut text = Vec::with_capacity(USUAL_REF_BYTES);
    (&file).take(before.len()).read_to_end(&mut text)?;
    let found = parse(&text, name, modified).map_err(invalid);
    let is_whole = found.is_ok() && text.ends_with(b"\n");
    if is_whole || age(&file)? >= SETTLED_AGE {
        Ok(Look::Found(found))
    } else {
        Ok(Look::Unsettled(found))
    }
}

/// How long ago a file was changed. Called after reading it, to notice a write in between. A time
/// in the future counts as age 0, so the file counts as young.
fn age(file: &File) -> io::Result<Duration> {
    let modified = file.metadata()?.modified()?;
    Ok(SystemTime::now().duration_since(modified).unwrap_or_default())
}

/// Parses the text of the ref file `file`, last written at `modified`.
fn parse(text: &[u8], file: &EntryName, modified: Timestamp) -> Result<Ref, RefProblem> {
    let text = trim(text);
    if text.is_empty() {
        return Err(RefProblem::Empty);
    }
    let (image, digest) = match text.iter().position(|&byte| byte == b'\t') {
        Some(tab) => (Some(&text[..tab]), &text[tab + 1..]),
        None => (None, text),
    };
    let image = image.map(|name| String::from_utf8_lossy(name).into_owned());
    let digest = Digest::parse(digest).ok_or(RefProblem::NoDigest)?;
    Ok(Ref { file: file.clone(), image, digest, modified })
}

/// Trims Unicode white space at both ends, like the owner of the cache (Go's `TrimSpace`). Invalid
/// UTF-8 is not white space.
fn trim(mut text: &[u8]) -> &[u8] {
    let blank = |bytes: &[u8]| {
        let mut chars = str::from_utf8(bytes).ok()?.chars();
        (chars.next()?.is_whitespace() && chars.next().is_none()).then_some(bytes.len())
    };
    while let Some(length) = (1..=text.len().min(4)).find_map(|length| blank(&text[..length])) {
        text = &text[length..];
    }
    while let Some(length) =
        (1..=text.len().min(4)).find_map(|length| blank(&text[text.len() - length..]))
    {
        text = &text[..text.len() - length];
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<(Option<String>, String), RefProblem> {
        let name = EntryName::new("r").unwrap();
        parse(text, &name, Timestamp::MIN).map(|found| (found.image, found.digest.to_string()))
    }

    #[test]
    fn both_formats_contain_a_digest() {
        let image = |name: &str| Some(name.to_owned());
        for (text, expected) in [
            (&b"ghcr.io/a:1\tsha256:ab\n"[..], (image("ghcr.io/a:1"), "sha256:ab")),
            (b"ghcr.io/a:1\tsha256:ab", (image("ghcr.io/a:1"), "sha256:ab")),
            (b"sha256:ab\n", (None, "sha256:ab")),
            ("\u{85} a \tsha256:ab\u{a0}\r\n".as_bytes(), (image("a "), "sha256:ab")),
            (b"a\xff\tsha256:ab\n", (image("a\u{fffd}"), "sha256:ab")),
        ] {
            assert_eq!(parsed(text), Ok((expected.0, expected.1.to_owned())));
        }
    }

    #[test]
    fn a_ref_without_a_digest_reports_the_problem() {
        for (text, problem) in [
            (&b""[..], RefProblem::Empty),
            ("\u{2003} \n\t\n".as_bytes(), RefProblem::Empty),
            (b"ghcr.io/a:1\t\n", RefProblem::NoDigest),
            (b"ghcr.io/a:1\t../../srv\n", RefProblem::NoDigest),
            (b"ghcr.io/a:1\t..\n", RefProblem::NoDigest),
            (b"ghcr.io/cut/in/the/na", RefProblem::NoDigest),
            (b"\0\x01\x02binary", RefProblem::NoDigest),
        ] {
            assert_eq!(parsed(text), Err(problem));
        }
    }
}

//! The ref index: which image reference points at which digest.
//!
//! A ref is a small file in `refs/` that says `reference TAB digest NEWLINE` (`digest NEWLINE` in
//! the old form). The owner of the cache writes it in place, truncate first, so a reader may see
//! it empty or cut. A ref is therefore *settled* before it is believed: a file that is not a whole
//! ref and younger than two seconds is read again for up to half a second, all such files
//! together.
//!
//! A ref that says nothing usable protects nothing, as with the owner itself, and is reported. A
//! ref that *cannot be read* may name any image: [`RefIndex::unreadable`] keeps those apart, and
//! nobody may remove an image while it is not empty.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use rustix::io::Errno;

use super::{Digest, EntryName, Folder};
use crate::directory::{Directory, Kind};
use crate::error::{Error, Result};
use crate::escape::Escaped;

/// A ref is a line of text; more than this is something else.
const MAX_REF_BYTES: u64 = 64 * 1024;
/// Room for a usual ref: then one call reads it, and one more finds its end.
const USUAL_REF_BYTES: usize = 512;
/// How old a file is before nobody is taken to be writing it any more.
pub(super) const SETTLED_AGE: Duration = Duration::from_secs(2);
/// How long to wait, in all, for refs that are being written.
pub(super) const SETTLE_TIME: Duration = Duration::from_millis(500);
/// How long to wait before such a ref is read again.
const SETTLE_STEP: Duration = Duration::from_millis(10);

/// A ref that names an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ref {
    /// The name of its file in `refs/`.
    pub file: EntryName,
    /// The image reference, such as `ghcr.io/a/b:latest`, with U+FFFD for bytes that are not
    /// UTF-8. Missing in the old form.
    pub image: Option<String>,
    /// What it points at.
    pub digest: Digest,
}

impl Ref {
    /// By image reference, then by file; what has no reference comes last.
    fn order(&self) -> impl Ord + '_ {
        (self.image.is_none(), &self.image, &self.file)
    }
}

/// Why a file in `refs/` names no image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RefProblem {
    /// Nothing in it, or white space only.
    #[error("it is empty")]
    Empty,
    /// What stands where the digest should cannot be the name of an entry.
    #[error("it holds no usable digest")]
    NoDigest,
    /// Over 64 KiB.
    #[error("it is larger than 64 KiB")]
    TooLarge,
    /// A directory.
    #[error("it is a directory")]
    Directory,
    /// A symlink, which is never followed.
    #[error("it is a symlink")]
    Symlink,
    /// A FIFO, socket or device.
    #[error("it is not a regular file")]
    Special,
}

/// A file in `refs/` that names no image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRef {
    /// The name of the file.
    pub file: EntryName,
    /// What is wrong with it.
    pub problem: RefProblem,
}

impl InvalidRef {
    /// One line that says which ref of the cache directory `cache` it is, and what is wrong with it.
    pub fn warning(&self, cache: &Path) -> String {
        let path = Folder::Refs.path_in(cache).join(self.file.as_os_str());
        format!("the ref {} protects no image: {}", Escaped::new(&path), self.problem)
    }
}

/// A ref that may name any image.
#[derive(Debug)]
pub struct UnreadableRef {
    /// The name of the file; `None` if `refs` itself cannot be read.
    pub file: Option<EntryName>,
    /// Why it cannot be read.
    pub error: Error,
}

/// All of `refs/`.
#[derive(Debug, Default)]
pub struct RefIndex {
    /// What names an image, by image reference.
    pub refs: Vec<Ref>,
    /// What does not, by file name.
    pub invalid: Vec<InvalidRef>,
    /// What could not be read, and so may name any image.
    pub unreadable: Vec<UnreadableRef>,
}

/// What one look at a ref file showed.
enum Look {
    Found(std::result::Result<Ref, RefProblem>),
    /// Perhaps somebody is writing it; this is what it says so far.
    Unsettled(std::result::Result<Ref, RefProblem>),
    Gone,
}

impl RefIndex {
    /// Reads `refs`, whose path is `path`, and waits with `patience` for refs that are being
    /// written.
    pub(super) fn read(refs: &Directory, path: &Path, patience: Duration) -> Self {
        let mut names = Vec::new();
        if let Err(cause) = refs.for_each(|name, _| names.push(EntryName::from(name))) {
            return Self::unreadable(Error::io("list", path, cause));
        }
        let mut index = Self::default();
        let deadline = Instant::now() + patience;
        while !names.is_empty() {
            let last_look = Instant::now() >= deadline;
            names.retain(|name| !index.take_in(refs, path, name, last_look));
            if !names.is_empty() {
                std::thread::sleep(SETTLE_STEP);
            }
        }
        index.refs.sort_by(|a, b| a.order().cmp(&b.order()));
        index.invalid.sort_by(|a, b| a.file.cmp(&b.file));
        index
    }

    pub(super) fn unreadable(problem: Error) -> Self {
        let unreadable = vec![UnreadableRef { file: None, error: problem }];
        Self { unreadable, ..Self::default() }
    }

    /// Adds the ref file `name`, unless it has to be looked at again.
    fn take_in(&mut self, refs: &Directory, path: &Path, name: &EntryName, last: bool) -> bool {
        match look(refs, name) {
            Ok(Look::Unsettled(_)) if !last => return false,
            Ok(Look::Found(Ok(found)) | Look::Unsettled(Ok(found))) => self.refs.push(found),
            Ok(Look::Found(Err(problem)) | Look::Unsettled(Err(problem))) => {
                self.invalid.push(InvalidRef { file: name.clone(), problem })
            }
            Ok(Look::Gone) => {}
            Err(cause) => {
                let path = path.join(name.as_os_str());
                let error = Error::io("read the ref", path, cause);
                self.unreadable.push(UnreadableRef { file: Some(name.clone()), error });
            }
        }
        true
    }

    /// The names of all files in `refs`, whatever is in them.
    pub fn files(&self) -> impl Iterator<Item = &EntryName> {
        let valid = self.refs.iter().map(|found| &found.file);
        let invalid = self.invalid.iter().map(|found| &found.file);
        let unreadable = self.unreadable.iter().filter_map(|found| found.file.as_ref());
        valid.chain(invalid).chain(unreadable)
    }

    /// Whether there are no refs at all, not even invalid ones.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many refs there are, of whatever kind.
    pub fn len(&self) -> usize {
        self.refs.len() + self.invalid.len() + self.unreadable.len()
    }

    /// The refs, if all of them can be read. If not, no image is known to be dead.
    ///
    /// # Errors
    /// Some cannot be read; the first of them is named.
    pub fn into_readable(self) -> Result<Self> {
        let count = self.unreadable.len();
        match self.unreadable.into_iter().next() {
            Some(first) => Err(Error::UnreadableRefs { first: Box::new(first.error), count }),
            None => Ok(Self { refs: self.refs, invalid: self.invalid, unreadable: Vec::new() }),
        }
    }
}

fn look(refs: &Directory, name: &EntryName) -> std::io::Result<Look> {
    let kind = match refs.status_of(name.as_c_str()) {
        Ok(status) => status.kind,
        Err(Errno::NOENT) => return Ok(Look::Gone),
        Err(cause) => return Err(cause.into()),
    };
    if let Some(problem) = problem_of_kind(kind) {
        return Ok(Look::Found(Err(problem)));
    }
    match refs.open_file(name.as_c_str()) {
        Ok(file) => read(file, name),
        Err(Errno::NOENT) => Ok(Look::Gone),
        // It has become something else since the line above.
        Err(Errno::LOOP) => Ok(Look::Found(Err(RefProblem::Symlink))),
        Err(Errno::NXIO) => Ok(Look::Found(Err(RefProblem::Special))),
        Err(cause) => Err(cause.into()),
    }
}

fn problem_of_kind(kind: Kind) -> Option<RefProblem> {
    match kind {
        Kind::File => None,
        Kind::Directory => Some(RefProblem::Directory),
        Kind::Symlink => Some(RefProblem::Symlink),
        Kind::Special => Some(RefProblem::Special),
    }
}

fn read(file: File, name: &EntryName) -> std::io::Result<Look> {
    if !file.metadata()?.is_file() {
        return Ok(Look::Found(Err(RefProblem::Special)));
    }
    let mut text = Vec::with_capacity(USUAL_REF_BYTES);
    (&file).take(MAX_REF_BYTES + 1).read_to_end(&mut text)?;
    let found = parse(&text, name);
    let whole = found.is_ok() && text.ends_with(b"\n");
    // Only a look after the reading tells of a writer who came in between. A time in the future is
    // no age at all: such a file counts as young.
    let modified = file.metadata()?.modified()?;
    let age = SystemTime::now().duration_since(modified).unwrap_or_default();
    match whole || age >= SETTLED_AGE {
        true => Ok(Look::Found(found)),
        false => Ok(Look::Unsettled(found)),
    }
}

/// Reads the text of the ref file `file`.
fn parse(text: &[u8], file: &EntryName) -> std::result::Result<Ref, RefProblem> {
    if text.len() as u64 > MAX_REF_BYTES {
        return Err(RefProblem::TooLarge);
    }
    let text = text.trim_ascii();
    if text.is_empty() {
        return Err(RefProblem::Empty);
    }
    let (image, digest) = match text.iter().position(|&byte| byte == b'\t') {
        Some(tab) => (Some(text[..tab].trim_ascii()), &text[tab + 1..]),
        None => (None, text),
    };
    let image = image.map(|name| String::from_utf8_lossy(name).into_owned());
    let digest = Digest::parse(digest).ok_or(RefProblem::NoDigest)?;
    Ok(Ref { file: file.clone(), image, digest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> std::result::Result<(Option<String>, String), RefProblem> {
        let name = EntryName::new("r").unwrap();
        parse(text, &name).map(|found| (found.image, found.digest.to_string()))
    }

    #[test]
    fn both_forms_name_a_digest() {
        let image = |name: &str| Some(name.to_owned());
        for (text, expected) in [
            (&b"ghcr.io/a:1\tsha256:ab\n"[..], (image("ghcr.io/a:1"), "sha256:ab")),
            (b"ghcr.io/a:1\tsha256:ab", (image("ghcr.io/a:1"), "sha256:ab")),
            (b"sha256:ab\n", (None, "sha256:ab")),
            (b"  a \t sha256:ab \r\n", (image("a"), "sha256:ab")),
            (b"a\xff\tsha256:ab\n", (image("a\u{fffd}"), "sha256:ab")),
        ] {
            assert_eq!(parsed(text), Ok((expected.0, expected.1.to_owned())));
        }
    }

    #[test]
    fn what_names_no_digest_says_why() {
        let huge = vec![b'a'; MAX_REF_BYTES as usize + 1];
        for (text, problem) in [
            (&b""[..], RefProblem::Empty),
            (b" \n\t\n", RefProblem::Empty),
            (b"ghcr.io/a:1\t\n", RefProblem::NoDigest),
            (b"ghcr.io/a:1\t../../etc\n", RefProblem::NoDigest),
            (b"ghcr.io/a:1\t..\n", RefProblem::NoDigest),
            (b"ghcr.io/cut/in/the/na", RefProblem::NoDigest),
            (b"\0\x01\x02binary", RefProblem::NoDigest),
            (&huge, RefProblem::TooLarge),
        ] {
            assert_eq!(parsed(text), Err(problem));
        }
    }
}

//! One file in `refs/`: what it says, and whether somebody may be writing it.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use rustix::io::Errno;

use super::digest::Digest;
use super::entry_name::EntryName;
use super::refs::{Ref, RefProblem};
use crate::fs::{Directory, Kind, Status};

/// A ref is a line of text; more than this is something else.
const MAX_REF_BYTES: u64 = 64 * 1024;
/// Room for a usual ref: then one call reads it.
const USUAL_REF_BYTES: usize = 512;
/// How old a file is before nobody is taken to be writing it any more.
pub const SETTLED_AGE: Duration = Duration::from_secs(2);

/// What one look at a ref file showed.
pub enum Look {
    Found(Result<Ref, RefProblem>),
    /// Perhaps somebody is writing it; this is what it says so far.
    Unsettled(Result<Ref, RefProblem>),
    Gone,
}

/// Looks at the ref file `name` in the folder `refs`, without waiting for anything.
pub fn look(refs: &Directory, name: &EntryName) -> std::io::Result<Look> {
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
    let before = file.metadata()?;
    if !before.is_file() {
        return Ok(Look::Found(Err(RefProblem::Special)));
    }
    // No further than it was long: then no call is needed to find the end.
    let mut text = Vec::with_capacity(USUAL_REF_BYTES);
    (&file).take(before.len().min(MAX_REF_BYTES + 1)).read_to_end(&mut text)?;
    let found = parse(&text, name, Status::from(&before).modified());
    let is_whole = found.is_ok() && text.ends_with(b"\n");
    if is_whole || age(&file)? >= SETTLED_AGE {
        Ok(Look::Found(found))
    } else {
        Ok(Look::Unsettled(found))
    }
}

/// How long ago a file was changed. Asked after the reading, since only that tells of a writer who
/// came in between. A time in the future is no age at all: such a file counts as young.
fn age(file: &File) -> std::io::Result<Duration> {
    let modified = file.metadata()?.modified()?;
    Ok(SystemTime::now().duration_since(modified).unwrap_or_default())
}

/// Reads the text of the ref file `file`, which was written at `modified`.
fn parse(text: &[u8], file: &EntryName, modified: Timestamp) -> Result<Ref, RefProblem> {
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
    Ok(Ref { file: file.clone(), image, digest, modified })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &[u8]) -> Result<(Option<String>, String), RefProblem> {
        let name = EntryName::new("r").unwrap();
        parse(text, &name, Timestamp::MIN).map(|found| (found.image, found.digest.to_string()))
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
            (b"ghcr.io/a:1\t../../srv\n", RefProblem::NoDigest),
            (b"ghcr.io/a:1\t..\n", RefProblem::NoDigest),
            (b"ghcr.io/cut/in/the/na", RefProblem::NoDigest),
            (b"\0\x01\x02binary", RefProblem::NoDigest),
            (&huge, RefProblem::TooLarge),
        ] {
            assert_eq!(parsed(text), Err(problem));
        }
    }
}

//! JSON output that is safe for terminals, and parts shared by several documents.

use std::ffi::OsStr;

use serde::Serialize;

use crate::escape::is_hostile;
use crate::plan::Identity;
use crate::usage::{Estimate, Size, Usage};

/// The schema version of all documents. It changes when a field is removed or changes its meaning.
/// docs/json.md lists the former names.
const SCHEMA_VERSION: u32 = 3;

#[derive(Serialize)]
struct Versioned<'a, T> {
    schema_version: u32,
    #[serde(flatten)]
    content: &'a T,
}

/// Formats a document with its schema version and a line break at the end.
///
/// JSON itself escapes only the ASCII control characters. The others can be escaped afterwards,
/// regardless of the structure: outside of strings everything is ASCII.
pub fn document(value: &impl Serialize) -> String {
    let versioned = Versioned { schema_version: SCHEMA_VERSION, content: value };
    let plain = serde_json::to_string_pretty(&versioned).expect("our documents have no odd keys");
    let mut text = String::with_capacity(plain.len() + 1);
    for c in plain.chars() {
        if is_hostile(c) && c != '\n' {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                text.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            text.push(c)
        }
    }
    text.push('\n');
    text
}

/// A guess at what an orphan was, in a document.
#[derive(Serialize)]
pub struct Guess {
    /// Its likely former reference.
    r#ref: Option<String>,
    /// The name of its program.
    program: Option<String>,
    /// Its entrypoint, or its command if it has none.
    runs: Vec<String>,
}

impl From<&Identity> for Guess {
    fn from(identity: &Identity) -> Self {
        Self {
            r#ref: identity.reference.clone(),
            program: identity.program.as_ref().map(lossy),
            runs: identity.runs.clone(),
        }
    }
}

/// A [`Usage`] in a document.
#[derive(Serialize)]
pub struct Amount {
    apparent_bytes: u64,
    on_disk_bytes: u64,
    files: u64,
    directories: u64,
    /// Whether everything was readable; if not, all numbers are lower bounds.
    complete: bool,
}

impl From<Usage> for Amount {
    fn from(usage: Usage) -> Self {
        Self {
            apparent_bytes: usage.apparent().at_least().as_u64(),
            on_disk_bytes: usage.on_disk().at_least().as_u64(),
            files: usage.files,
            directories: usage.directories,
            complete: usage.apparent().is_complete() && usage.on_disk().is_complete(),
        }
    }
}

/// A [`Size`] in a document.
#[derive(Serialize)]
pub struct Bytes {
    bytes: u64,
    /// Whether the size is complete; if not, it is a lower bound.
    complete: bool,
}

impl From<Size> for Bytes {
    fn from(size: Size) -> Self {
        Self { bytes: size.at_least().as_u64(), complete: size.is_complete() }
    }
}

/// An [`Estimate`] in a document.
#[derive(Serialize)]
pub struct Bounds {
    certain: u64,
    /// `null` if something was unreadable, so that there is no upper bound.
    at_most: Option<u64>,
}

impl From<Estimate> for Bounds {
    fn from(estimate: Estimate) -> Self {
        let at_most = estimate.at_most().exact().map(|bytes| bytes.as_u64());
        Self { certain: estimate.certain().as_u64(), at_most }
    }
}

/// The usage of a file system, in a document.
#[derive(Serialize)]
pub struct Disk {
    size_bytes: u64,
    available_bytes: u64,
}

impl From<&crate::cache::Disk> for Disk {
    fn from(disk: &crate::cache::Disk) -> Self {
        let (size_bytes, available_bytes) = (disk.size.as_u64(), disk.available.as_u64());
        Self { size_bytes, available_bytes }
    }
}

/// A name or path with U+FFFD for everything that is not UTF-8: JSON cannot represent it.
pub fn lossy(name: impl AsRef<OsStr>) -> String {
    name.as_ref().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_nothing_is_lost() {
        let hostile = "a\x1b[31m\u{9b}31m\u{202e}\u{e0001}\u{7f}漢\n\"\\";
        let text = document(&serde_json::json!({ "name": hostile }));
        assert!(!text.chars().any(|c| is_hostile(c) && c != '\n'), "{text:?}");
        let read = serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(read, serde_json::json!({ "schema_version": 3, "name": hostile }));
    }
}

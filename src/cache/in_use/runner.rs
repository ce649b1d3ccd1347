//! The argument of a microVM's runner: a JSON object whose `"root_path"` is the directory that the
//! guest sees as its root.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// The directory that this argument makes the root of a guest. `None` for any other argument.
pub fn root_path(argument: &[u8]) -> Option<PathBuf> {
    // Hardly any argument of any process starts like this, so the others are not parsed.
    if !argument.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_slice(argument).ok()?;
    object.get("root_path")?.as_str().map(PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_object_with_a_string_has_a_root() {
        for (argument, expected) in [
            (&br#"{"root_path":"/c/sha256-a"}"#[..], Some("/c/sha256-a")),
            (br#" { "cpus": 2, "root_path": "/c/\u0061", "env": ["A=1"] } "#, Some("/c/a")),
            (br#"{"root_path":"/old","root_path":"/new"}"#, Some("/new")),
            (br#"{"root_path":["/c"]}"#, None),
            (br#"{"root_path":null}"#, None),
            (br#"{"vm":{"root_path":"/c"}}"#, None),
            (br#"["root_path"]"#, None),
            (br#"{"root_path":"/c""#, None),
            (br#"--config={"root_path":"/c"}"#, None),
            (b"{\"root_path\":\"/c/\xff\"}", None),
            (b"", None),
        ] {
            assert_eq!(root_path(argument), expected.map(PathBuf::from));
        }
        assert_eq!(root_path("{\"a\":".repeat(50_000).as_bytes()), None);
    }
}

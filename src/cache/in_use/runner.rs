//! What the runner of a microVM is told: a JSON object as an argument, with the directory that
//! the guest sees as its root under `"root_path"`.

use std::path::PathBuf;

use serde_json::{Map, Value};

/// The directory that this argument makes the root of a guest, if it is such an argument.
pub fn root_path(argument: &[u8]) -> Option<PathBuf> {
    // Nearly no argument of any process begins like that: the others are not worth parsing.
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
    fn only_an_object_with_a_string_names_a_root() {
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

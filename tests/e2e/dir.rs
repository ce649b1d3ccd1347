//! `bbox cache dir`, and the path that `lease` passes on.

use std::fs;

use crate::support::{TestCache, run};

#[test]
fn an_image_has_a_path_that_leads_to_it() {
    let cache = TestCache::new();
    let image = cache.live("0123abcd");
    let path = format!("{}\n", image.display());
    for name in ["0123", "sha256:0123abcd", "example.com/0123abcd:latest", "0123abcd"] {
        assert_eq!(run(&cache, &["dir", name]).ok(), path, "{name}");
    }
    let json = run(&cache, &["dir", "0123", "--format", "json"]).json();
    assert_eq!(json["path"], image.to_str().unwrap());
    assert_eq!(json["digest"], "sha256:0123abcd");
    let without = run(&cache, &["dir", "--format", "json"]).json();
    assert!(without.get("path").is_none() && without.get("digest").is_none(), "{without}");
}

#[test]
fn only_an_image_has_a_path() {
    let cache = TestCache::new();
    cache.live("a");
    cache.layer("b");
    fs::rename(cache.image("hidden"), cache.path("tmp-gc-sha256-hidden")).unwrap();
    for (name, reason) in [
        ("sha256:b", "b is a layer, not an image"),
        ("sha256:hidden", "gc has hidden sha256:hidden"),
        ("refs", " matches 'refs'"),
        ("../outside", " matches '../outside'"),
        ("\x1b[2J", "\\u{1b}[2J"),
    ] {
        let dir = run(&cache, &["dir", name]);
        assert_eq!((dir.code, dir.out.as_str()), (1, ""), "{name}");
        assert!(dir.err.contains(reason), "{}", dir.err);
    }
    fs::remove_dir_all(cache.dir()).unwrap();
    assert_eq!(run(&cache, &["dir", "sha256:a"]).code, 1);
}

#[test]
fn a_leased_image_tells_its_command_where_it_is() {
    let cache = TestCache::new();
    let image = cache.live("0123abcd");
    let script = r#"echo "$BBOX_IMAGE_DIGEST $BBOX_IMAGE_DIR"; test -d "$BBOX_IMAGE_DIR/usr""#;
    let lease = run(&cache, &["lease", "0123", "--", "sh", "-c", script]);
    assert_eq!(lease.out, format!("sha256:0123abcd {}\n", image.display()));
    assert_eq!((lease.code, lease.err.as_str()), (0, ""));
}

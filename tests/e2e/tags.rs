//! `tag` and `untag`: references as Brood Box would write them.

use std::fs;

use crate::people::at_terminal;
use crate::support::{TestCache, run};

#[test]
fn an_orphan_gets_a_reference_and_loses_it_again() {
    let cache = TestCache::new();
    let image = cache.image("abcd1234");
    let tagged = run(&cache, &["tag", "abcd1234", "example.com/a:1"]).ok();
    assert_eq!(tagged, "example.com/a:1 points at sha256:abcd1234\n");
    assert!(run(&cache, &["gc", "--all", "--keep-recent=0s"]).ok().contains("Nothing to remove"));
    let json = run(&cache, &["tag", "a:1", "example.com/a:2", "--format", "json"]).json();
    assert_eq!(
        (&json["reference"], &json["digest"]),
        (&"example.com/a:2".into(), &"sha256:abcd1234".into())
    );
    for reference in ["example.com/a:1", "example.com/a:2"] {
        let untagged = run(&cache, &["untag", reference]).ok();
        assert_eq!(untagged, format!("Removed the reference {reference}\n"));
    }
    let again = run(&cache, &["untag", "example.com/a:1"]);
    assert!(
        again.code == 1 && again.err.contains("no reference example.com/a:1 in "),
        "{}",
        again.err
    );
    assert!(image.exists() && fs::read_dir(cache.path("refs")).unwrap().next().is_none());
}

#[test]
fn a_reference_to_another_image_is_replaced_only_after_a_yes() {
    let cache = TestCache::new();
    cache.image("aaaa1111");
    cache.image("bbbb2222");
    run(&cache, &["tag", "aaaa1111", "example.com/a:1"]).ok();
    let refused = run(&cache, &["tag", "bbbb2222", "example.com/a:1"]);
    assert!(
        refused.code == 2 && refused.err.contains("pass --yes to replace it"),
        "{}",
        refused.err
    );
    let named = || run(&cache, &["show", "a:1", "-q"]).ok();
    for (answer, digest) in [("n\n", "sha256:aaaa1111\n"), ("y\n", "sha256:bbbb2222\n")] {
        let (code, seen) = at_terminal(&cache, &["tag", "bbbb2222", "example.com/a:1"], answer);
        assert!(code == 0 && seen.contains("points at sha256:aaaa1111. Replace it?"), "{seen}");
        assert_eq!(named(), digest);
    }
    run(&cache, &["tag", "-y", "aaaa1111", "example.com/a:1"]).ok();
    assert_eq!(named(), "sha256:aaaa1111\n");
}

#[test]
fn tag_refuses_what_brood_box_could_not_use() {
    let cache = TestCache::new();
    fs::create_dir(cache.path("sha256-aaaa1111")).unwrap();
    for (image, reference, cause) in [
        ("aaaa1111", "a:1", "it has no .oci-config.json"),
        ("bbbb", "a:1", " matches 'bbbb'; "),
        ("aaaa1111", "a b", "not a valid reference"),
    ] {
        let tag = run(&cache, &["tag", image, reference]);
        assert!(tag.code == 1 && tag.err.contains(cause), "{}", tag.err);
    }
}

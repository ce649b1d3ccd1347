//! Removal of referenced images: `rm`, and the policies of `gc`.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::people::at_terminal;
use crate::support::cache::{USED, age};
use crate::support::{TestCache, du, run};

const DAY: Duration = Duration::from_secs(86_400);

/// Three images of one, two and three MB, used one, two and three days ago, each with two refs, and
/// an orphan of one MB, used today.
fn four_images() -> TestCache {
    let cache = TestCache::in_memory();
    for (days, name) in [(1, "aaaa1"), (2, "aabb2"), (3, "cccc3")] {
        let image = cache.image(name);
        fs::write(image.join("own"), vec![1; days << 20]).unwrap();
        for tag in ["1", "2"] {
            let file = cache.tag(&format!("example.com/{name}:{tag}"), name);
            age(&file, 30 * DAY);
        }
        age(&image, DAY * days as u32);
    }
    orphan(&cache);
    cache
}

/// Used half an hour ago, so no ref is about to be written.
fn orphan(cache: &TestCache) {
    let image = cache.image("dddd4");
    fs::write(image.join("own"), vec![1; 1 << 20]).unwrap();
    age(&image, USED);
}

fn images(cache: &TestCache) -> Vec<String> {
    let names = fs::read_dir(cache.dir()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "refs").collect();
    names.sort();
    names
}

fn refs(cache: &TestCache) -> usize {
    fs::read_dir(cache.path("refs")).unwrap().count()
}

#[test]
fn rm_removes_the_given_images_with_their_refs_and_nothing_else() {
    let cache = four_images();
    let dry = run(&cache, &["rm", "-n", "example.com/aaaa1:2", "sha256:cccc"]).ok();
    assert_eq!(dry.matches("chosen: ").count(), 2, "{dry}");
    assert!(dry.contains("chosen: example.com/aaaa1:1, example.com/aaaa1:2"), "{dry}");
    assert!(dry.contains("Would remove 2 images and 4 references, freeing "), "{dry}");
    assert_eq!((images(&cache).len(), refs(&cache)), (4, 6));
    let rm = run(&cache, &["rm", "-y", "example.com/aaaa1:2", "sha256:CCCC", "cccc3"]).ok();
    assert!(rm.contains("Removed 2 images and 4 references, freed "), "{rm}");
    assert_eq!(
        (images(&cache), refs(&cache)),
        (vec!["sha256-aabb2".into(), "sha256-dddd4".into()], 2)
    );
    run(&cache, &["rm", "dddd"]).ok();
    assert_eq!(images(&cache), ["sha256-aabb2"], "an orphan needs no question");
}

#[test]
fn a_name_that_is_wrong_or_not_clear_removes_nothing_at_all() {
    let cache = four_images();
    for (name, words) in [
        ("example.com/aaaa:1", "did you mean example.com/aaaa1:1"),
        ("sha256:", " matches 'sha256:'; "),
        ("sha256", " matches 'sha256'; "),
        ("s", " matches 's'; "),
        ("latest", " matches 'latest'; "),
        ("aaa", " matches 'aaa'; "),
        ("sha256:ffff", " matches 'sha256:ffff'; "),
        ("", " matches ''; "),
    ] {
        let rm = run(&cache, &["rm", "-f", "dddd4", name]);
        assert_eq!(rm.code, 1, "{name}");
        assert!(rm.err.contains(words), "{}", rm.err);
    }
    assert_eq!((images(&cache).len(), refs(&cache)), (4, 6));
    assert_eq!(run(&cache, &["rm"]).code, 2);
    fs::remove_dir_all(cache.dir()).unwrap();
    let rm = run(&cache, &["rm", "-f", "dddd4"]);
    assert!(rm.code == 1 && rm.err.contains(" does not exist"), "{}", rm.err);
}

#[test]
fn rm_asks_about_referenced_images_and_only_at_a_terminal() {
    let cache = four_images();
    let rm = run(&cache, &["rm", "aaaa1"]);
    assert_eq!(rm.code, 2);
    assert!(rm.err.contains("refusing to remove 1 referenced image"), "{}", rm.err);
    assert!(rm.err.contains("pass --yes"), "{}", rm.err);
    for (answer, left) in [("n\n", 4), ("\n", 4), ("y\n", 3)] {
        let (code, seen) = at_terminal(&cache, &["rm", "aaaa1"], answer);
        assert!(
            seen.contains("1 image is referenced. Remove 1 image and 2 references, "),
            "{seen}"
        );
        assert_eq!((code, images(&cache).len()), (0, left), "{answer:?}");
    }
}

#[test]
fn rm_keeps_used_images_and_leased_ones_unless_forced() {
    let cache = four_images();
    let bbox = env!("CARGO_BIN_EXE_bbox");
    let lease = |image: &str, flag: &str| {
        let rm = run(
            &cache,
            &[
                "lease",
                image,
                "--",
                bbox,
                "cache",
                "--cache-dir",
                cache.dir().to_str().unwrap(),
                "rm",
                flag,
                image,
                "dddd4",
            ],
        );
        (rm.code, rm.err)
    };
    let (code, err) = lease("aaaa1", "-y");
    assert_eq!(code, 1);
    assert!(
        err.contains("aaaa1 was not removed: it is leased; use --force to remove it anyway"),
        "{err}"
    );
    assert_eq!(
        images(&cache),
        ["sha256-aaaa1", "sha256-aabb2", "sha256-cccc3"],
        "the rest is removed"
    );
    assert_eq!(refs(&cache), 6);
    orphan(&cache);
    assert_eq!(lease("aaaa1", "-f"), (0, String::new()));
    assert_eq!((images(&cache).len(), refs(&cache)), (2, 4));
    let mut user =
        Command::new("sleep").arg("60").current_dir(cache.path("sha256-aabb2")).spawn().unwrap();
    let rm = run(&cache, &["rm", "-f", "aabb2"]);
    user.kill().unwrap();
    user.wait().unwrap();
    assert_eq!(rm.code, 1);
    let words = format!("in use by sleep (pid {}); stop that first", user.id());
    assert!(rm.err.contains(&words), "{}", rm.err);
    assert_eq!((images(&cache).len(), refs(&cache)), (2, 4));
}

#[test]
fn a_pattern_stands_for_all_images_that_it_matches() {
    let cache = four_images();
    let listed = |pattern| run(&cache, &["list", "-q", pattern]).ok();
    assert_eq!(listed("*").lines().count(), 3, "an orphan has no reference");
    assert_eq!(
        listed("example.com/aa*").lines().collect::<Vec<_>>(),
        ["sha256:aaaa1", "sha256:aabb2"]
    );
    assert_eq!(listed("cccc3:*"), "sha256:cccc3\n");
    let wrong = run(&cache, &["list", "x*"]);
    assert!(wrong.code == 1 && wrong.err.contains(" matches 'x*'"), "{}", wrong.err);
    let none = run(&cache, &["rm", "-y", "aa*", "x?"]);
    assert_eq!((none.code, images(&cache).len()), (1, 4), "all or none: {}", none.err);
    let (_, seen) = at_terminal(&cache, &["rm", "aa*"], "y\n");
    assert!(seen.contains("2 images are referenced. Remove 2 images and 4 references, "), "{seen}");
    assert_eq!(images(&cache), ["sha256-cccc3", "sha256-dddd4"]);
}

#[test]
fn excluded_images_are_kept_whatever_the_limits() {
    let cache = four_images();
    for limit in [["--unused-for", "1d"], ["--max-size", "1KB"]] {
        let dry = |more: &[&str]| run(&cache, &[&["gc", "-n"], &limit[..], more].concat());
        assert!(dry(&[]).out.contains("Would remove 4 images "));
        let gc = dry(&["--exclude", "cccc?", "--exclude=*/aabb2:2"]).out;
        assert!(gc.contains("Would remove 2 images ") && gc.contains("aaaa1:1"), "{gc}");
        let gc = dry(&["--exclude", "cccc"]);
        assert!(gc.err.contains("--exclude 'cccc' matches no image"), "{}", gc.err);
    }
    let wrong = run(&cache, &["gc", "--exclude", "a["]);
    assert!(wrong.code == 2 && wrong.err.contains("a["), "{}", wrong.err);
}

#[test]
fn rm_speaks_json() {
    let cache = four_images();
    let rm = run(&cache, &["rm", "-y", "aaaa1", "--format", "json"]).json();
    let decisions = rm["decisions"].as_array().unwrap();
    let of = |field: &str| decisions.iter().map(|d| d[field].as_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(of("kind"), ["image", "ref", "ref"]);
    assert_eq!((of("action"), of("reason")), (vec!["remove"; 3], vec!["chosen"; 3]));
    assert_eq!(rm["totals"]["removed"], 3);
    assert!(rm["totals"]["layers_reclaimable_bytes"].is_null());
}

/// The output on a terminal, without colours, joined to a single line.
fn in_a_line(seen: &str) -> String {
    let plain = anstream::adapter::strip_str(seen).to_string();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn gc_removes_long_unused_images_after_a_question() {
    let cache = four_images();
    let (code, seen) = at_terminal(&cache, &["gc", "--unused-for", "60h"], "n\n");
    let seen = in_a_line(&seen);
    let [orphan, image] = ["orphan: ", "unused: example.com/cccc3:1, "].map(|why| seen.find(why));
    assert!(
        code == 0 && orphan.is_some() && orphan < image,
        "everything to remove is listed: {seen}"
    );
    let question =
        "1 image is referenced. Limits: unused for 60 hours. Remove 2 images and 2 references,";
    assert!(seen.contains(question), "{seen}");
    assert_eq!(images(&cache).len(), 4);
    let gc = run(&cache, &["gc", "--unused-for", "60h", "--yes"]).ok();
    assert!(gc.contains("Removed 2 images and 2 references, "), "{gc}");
    assert_eq!(
        (images(&cache), refs(&cache)),
        (vec!["sha256-aaaa1".into(), "sha256-aabb2".into()], 4)
    );
    let gc = run(&cache, &["gc", "--unused-for", "60h"]).ok();
    assert!(gc.starts_with("Nothing to remove"), "no question for nothing: {gc}");
}

#[test]
fn gc_removes_the_least_recently_used_until_the_cache_fits() {
    let cache = four_images();
    let (whole, orphan) = (du(&cache.dir()), du(&cache.path("sha256-dddd4")));
    let limit = |bytes: u64| format!("{bytes}B");
    let fits = run(&cache, &["gc", "-n", "--max-size", &limit(whole - orphan)]).ok();
    assert!(fits.contains("Would remove 1 image, "), "{fits}");
    let less = limit(whole - orphan - 1);
    let one = run(&cache, &["gc", "-n", "--max-size", &less]).ok();
    assert!(one.contains("over-max-size: example.com/cccc3:1") && !one.contains("aabb2"), "{one}");
    assert!(one.contains("freeing") && !one.contains("at least"), "everything was measured: {one}");
    let (_, seen) = at_terminal(&cache, &["gc", "--max-size", &less], "y\n");
    assert_eq!(images(&cache), ["sha256-aaaa1", "sha256-aabb2"], "{seen}");
    assert!(du(&cache.dir()) <= whole - orphan - (3 << 20));
    let gc = run(&cache, &["gc", "--max-size", "1KiB", "-y"]);
    assert_eq!((gc.code, images(&cache).len(), refs(&cache)), (0, 0, 0), "{}", gc.err);
    assert!(gc.err.contains(" (limit 1.0 KiB): "), "{}", gc.err);
}

/// The results on real file systems are tested elsewhere.
#[test]
fn a_target_for_the_free_space_removes_nothing_if_met_and_tells_what_is_missing() {
    let cache = four_images();
    let gc = |more: &[&str]| run(&cache, &[&["gc"], more].concat());
    let met = gc(&["-n", "--min-free", "1B"]).ok();
    assert!(met.contains("Would remove 1 image, ") && met.contains(" would be available"), "{met}");
    let short = gc(&["-n", "--min-free", "100%", "--format", "json"]);
    assert!(short.json()["totals"]["available_bytes"].is_u64(), "{}", short.out);
    let short = gc(&["-n", "--min-free", "100%"]);
    assert_eq!(short.out.matches("below-min-free: ").count(), 3, "{}", short.out);
    assert!(short.err.contains(" short of "), "{}", short.err);
    let both = gc(&["--min-free", "1B", "--max-size", "1B"]);
    assert!(both.code == 2 && both.err.contains("cannot be used with"), "{}", both.err);
    let (_, seen) = at_terminal(&cache, &["gc", "--min-free", "100%"], "n\n");
    assert!(
        seen.contains("3 images are referenced. Limits: until 100% of the disk is available."),
        "{seen}"
    );
    let safe = gc(&["--min-free", "100%"]);
    assert_eq!((safe.code, images(&cache).len()), (1, 3), "{}", safe.err);
    let all = gc(&["--min-free", "100%", "--yes"]);
    assert_eq!((all.code, images(&cache).len(), refs(&cache)), (0, 0, 0), "{}", all.err);
    assert!(
        all.out.contains("Removed 3 images and 6 references, ")
            && all.out.contains(" is available"),
        "{}",
        all.out
    );
}

/// Without a terminal, only unwanted images are removed.
#[test]
fn without_a_terminal_nothing_is_asked_and_wanted_images_are_kept() {
    for policy in [&["--unused-for", "60h"][..], &["--max-size", "1KB"]] {
        let cache = four_images();
        let gc = run(&cache, &[&["gc"], policy].concat());
        assert!(gc.out.contains("Removed 1 image, "), "{}", gc.out);
        assert_eq!((gc.code, images(&cache).len(), refs(&cache)), (1, 3, 6), "{}", gc.err);
        assert!(gc.err.contains("not removed without confirmation (no terminal)"), "{}", gc.err);
        assert!(gc.err.contains("--yes") && gc.err.contains("cccc3"), "{}", gc.err);
    }
}

/// Layers are spent for a limit before any image is.
#[test]
fn a_limit_spends_layers_before_images() {
    let cache = four_images();
    for name in ["eeee5", "ffff6"] {
        let layer = cache.layer(name);
        fs::write(layer.join("own"), vec![1; 1 << 20]).unwrap();
        age(&layer, 5 * DAY);
    }
    let limit = |bytes: u64| format!("{bytes}B");
    let (whole, orphan) = (du(&cache.dir()), du(&cache.path("sha256-dddd4")));
    let layer = du(&cache.path("layers/sha256-eeee5"));
    for (less, removed) in [(0, 0), (1, 1), (layer, 1), (layer + 1, 2), (2 * layer, 2)] {
        let dry = run(&cache, &["gc", "-n", "--max-size", &limit(whole - orphan - less)]).ok();
        let layers = dry.matches("Would remove layer ").count();
        assert_eq!((layers, dry.contains("over-max-size")), (removed, false), "{less}: {dry}");
    }
    let less = limit(whole - orphan - 2 * layer - 1);
    let gc = run(&cache, &["gc", "--max-size", &less, "--yes"]).ok();
    assert!(gc.contains("Removed 2 images, 2 layers and 2 references, "), "{gc}");
}

#[test]
fn policies_can_be_combined_and_each_says_why() {
    let cache = four_images();
    let size = format!("{}B", du(&cache.path("sha256-aaaa1")) + (100 << 10));
    let gc =
        run(&cache, &["gc", "-n", "--unused-for", "60h", "--max-size", &size, "--format", "json"]);
    let gc = gc.json();
    let reasons: Vec<_> = gc["decisions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|decision| decision["reason"].as_str().unwrap())
        .collect();
    assert_eq!(
        reasons,
        [
            "referenced",
            "over-max-size",
            "unused",
            "orphan",
            "over-max-size",
            "over-max-size",
            "unused",
            "unused"
        ]
    );
    let kept = run(&cache, &["gc", "-n", "--unused-for", "1h", "--keep-recent", "60h"]).ok();
    assert!(kept.contains("Would remove 1 image and 2 references, "), "{kept}");
}

//! `bbox cache list`.

use std::fs;
use std::time::Duration;

use crate::support::cache::age;
use crate::support::{TestCache, du, exactly, run};

/// Two live images, one of them with two refs, one image in the old form, one orphan; used 10, 20,
/// 30 and 40 minutes ago.
fn four_images() -> TestCache {
    let cache = TestCache::in_memory();
    cache.tag("example.com/b:1", "aaaaaaaaaaaaaaaa");
    cache.tag("example.com/a:1", "aaaaaaaaaaaaaaaa");
    cache.tag("example.com/c:1", "bbbbbbbbbbbbbbbb");
    cache.raw_ref("0".repeat(64).as_str(), "sha256:cccccccccccccccc\n");
    for (step, name) in ["a", "b", "c", "d"].map(|letter| letter.repeat(16)).iter().enumerate() {
        let path = cache.image(name);
        fs::write(path.join("own"), vec![0; 50_000 * (step + 1)]).unwrap();
        age(&path, Duration::from_secs(600 * (step as u64 + 1) + 5));
    }
    cache
}

#[test]
fn one_row_an_image_most_recently_used_first_and_totals() {
    let cache = four_images();
    let size = |name: &str| {
        let path = cache.path(&format!("sha256-{}", name.repeat(16)));
        bytesize::ByteSize::b(du(&path)).display().iec().to_string()
    };
    let [a, b, c, d] = ["a", "b", "c", "d"].map(size);
    let rootfs = ["a", "b", "c", "d"].map(|n| du(&cache.path(&format!("sha256-{}", n.repeat(16)))));
    let show = |bytes: u64| bytesize::ByteSize::b(bytes).display().iec().to_string();
    let (rootfs, total) = (show(rootfs.iter().sum()), show(du(&cache.dir())));
    assert_eq!(
        run(&cache, &["list"]).ok(),
        format!(
            "\
DIGEST                    SIZE  LAST USED   IMAGE
sha256:aaaaaaaaaaaa  {a:>9}  10 min ago  example.com/a:1 (+1 more)
sha256:bbbbbbbbbbbb  {b:>9}  20 min ago  example.com/c:1
sha256:cccccccccccc  {c:>9}  30 min ago  (unknown image)
sha256:dddddddddddd  {d:>9}  40 min ago  (orphan)

4 images (1 orphan) {rootfs}, layers 0 B, leftovers 0 B, total {total}
1 orphan holds {d}: `bbox cache --cache-dir {} gc` gives it back
",
            cache.dir().display()
        )
    );
}

#[test]
fn sizes_are_what_du_says_for_each_image_and_for_everything() {
    let cache = four_images();
    cache.layer("layer");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("notes.txt"), "a stranger takes space, too").unwrap();
    let list = run(&cache, &["list", "--format", "json"]).json();
    assert_eq!(list["totals"]["on_disk_bytes"], du(&cache.dir()));
    for kind in ["images", "layers", "leftovers"] {
        for entry in list[kind].as_array().unwrap() {
            let path = entry["path"].as_str().unwrap();
            assert_eq!(entry["usage"]["on_disk_bytes"], du(path.as_ref()), "{path}");
        }
    }
}

#[test]
fn an_inode_shared_by_two_images_counts_once_in_the_total_and_is_not_reclaimable() {
    let cache = TestCache::in_memory();
    let live = cache.live("live");
    let orphan = cache.image("orphan");
    fs::write(live.join("big"), vec![1; 1 << 20]).unwrap();
    fs::hard_link(live.join("big"), orphan.join("big")).unwrap();
    let list = run(&cache, &["list", "--format", "json"]).json();
    assert_eq!(list["totals"]["on_disk_bytes"], du(&cache.dir()));
    let own = exactly(du(&orphan) - (1 << 20));
    assert_eq!(list["totals"]["reclaimable_bytes"], own);
    assert_eq!(list["images"][0]["unique_bytes"], own);
}

#[test]
fn the_full_account_has_every_kind_of_entry_and_adds_up() {
    let cache = four_images();
    cache.layer("layer0123456789");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::create_dir(cache.path("tmp-gc-sha256-old")).unwrap();
    let text = run(&cache, &["list", "--sizes"]).ok();
    let row = |start: &str| {
        let line = text.lines().find(|line| line.starts_with(start));
        line.unwrap_or_else(|| panic!("no {start} in {text}"))
            .split_whitespace()
            .collect::<Vec<_>>()
    };
    assert_eq!(
        row("DIGEST")[1..],
        ["APPARENT", "ON", "DISK", "UNIQUE", "FILES", "DIRS", "LAST", "USED", "LAYERS", "IMAGE"]
    );
    // A small tree has eight names that are no directory; `own` and the config make ten.
    assert_eq!(row("sha256:aaaaaaaaaaaa")[7..9], ["10", "5"]);
    assert_eq!(
        row("sha256:layer0123456")[7..],
        ["8", "5", "30", "min", "ago", "unknown", "copied,", "or", "the", "clock", "was", "set"]
    );
    assert!(row("tmp-rootfs-1").ends_with(&["an", "extraction"]));
    assert!(row("sha256:old").ends_with(&["an", "interrupted", "gc"]));
    assert_eq!(row("images")[7..], ["40", "20"]);
    assert_eq!(row("index")[7..], ["4", "3"]);
    assert_eq!(row("everything")[7..], ["52", "30"]);
}

#[test]
fn order_choice_and_width_can_be_asked_for() {
    let cache = four_images();
    let digests = |arguments: &[&str]| {
        let text = run(&cache, &[&["list", "-q"], arguments].concat()).ok();
        text.lines().map(|line| line[7..8].to_owned()).collect::<String>()
    };
    assert_eq!(digests(&[]), "abcd");
    assert_eq!(digests(&["--sort", "size"]), "dcba");
    assert_eq!(digests(&["--sort", "name"]), "abcd");
    assert_eq!(digests(&["--orphans"]), "d");
    let whole = run(&cache, &["list", "--no-trunc"]).ok();
    assert!(whole.contains("sha256:aaaaaaaaaaaaaaaa "), "{whole}");
    assert!(whole.contains("example.com/a:1, example.com/b:1"), "{whole}");
}

#[test]
fn without_sizes_there_are_none_and_not_zeros() {
    let cache = four_images();
    let list = run(&cache, &["list", "--no-sizes", "--format", "json"]).json();
    assert!(list["images"][0]["usage"].is_null());
    assert!(list["totals"]["on_disk_bytes"].is_null());
    let text = run(&cache, &["list", "--no-sizes"]).ok();
    assert!(!text.contains("0 B") && text.contains("4 images (1 orphan)\n"), "{text}");
}

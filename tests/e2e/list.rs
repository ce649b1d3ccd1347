//! `bbox cache list`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use bbox_cache::cache::{Cache, Digest};
use serde_json::json;

use crate::support::cache::agents::Agent;
use crate::support::cache::{USED, age};
use crate::support::{TestCache, du, exactly, run};

/// Two live images, one of them with two refs, and one image with a ref in the old format, used 10,
/// 20 and 30 minutes ago, and an orphan last used eight days ago.
fn four_images() -> TestCache {
    let cache = TestCache::in_memory();
    cache.tag("example.com/b:1", "aaaaaaaaaaaaaaaa");
    cache.tag("example.com/a:1", "aaaaaaaaaaaaaaaa");
    cache.tag("example.com/c:1", "bbbbbbbbbbbbbbbb");
    cache.raw_ref("0".repeat(64).as_str(), "sha256:cccccccccccccccc\n");
    for (step, name) in ["a", "b", "c", "d"].map(|letter| letter.repeat(16)).iter().enumerate() {
        let path = cache.image(name);
        fs::write(path.join("own"), vec![0; 50_000 * (step + 1)]).unwrap();
        cache.configure(name, r#"{"Entrypoint":["/bin/agent"]}"#);
        let seconds = if step < 3 { 600 * (step as u64 + 1) + 5 } else { 8 * 86_400 };
        age(&path, Duration::from_secs(seconds));
    }
    cache
}

#[test]
fn one_row_per_image_most_recently_used_first_and_totals() {
    let cache = four_images();
    let size = |name: &str| {
        let path = cache.path(&format!("sha256-{}", name.repeat(16)));
        bytesize::ByteSize::b(du(&path)).display().iec().to_string()
    };
    let [a, b, c, d] = ["a", "b", "c", "d"].map(size);
    let rootfs = ["a", "b", "c", "d"].map(|n| du(&cache.path(&format!("sha256-{}", n.repeat(16)))));
    let show = |bytes: u64| bytesize::ByteSize::b(bytes).display().iec().to_string();
    let (rootfs, total) = (show(rootfs.iter().sum()), show(du(&cache.dir())));
    let list = run(&cache, &["list"]).ok();
    let (text, rest) = list.split_once(", disk ").unwrap();
    let (disk, rest) = rest.split_once('\n').unwrap();
    assert!(disk.ends_with("iB free"), "{disk}");
    assert_eq!(
        format!("{text}\n{rest}"),
        format!(
            "\
IMAGE                      ID                 SIZE  LAST USED   STATUS
example.com/a:1 (+1 more)  aaaaaaaaaaaa  {a:>9}  10 min ago  live
example.com/c:1            bbbbbbbbbbbb  {b:>9}  20 min ago  live
(unknown image)            cccccccccccc  {c:>9}  30 min ago  live
older a:1?                 dddddddddddd  {d:>9}  8 days ago  orphan

4 images (1 orphan) {rootfs}, layers 0 B, leftovers 0 B, total {total}
{d} reclaimable (1 orphan): run `bbox cache --cache-dir {} gc`
",
            cache.dir().display()
        )
    );
}

#[test]
fn sizes_match_du_for_each_image_and_the_whole_cache() {
    let cache = four_images();
    cache.layer("layer");
    fs::create_dir(cache.path("tmp-rootfs-1")).unwrap();
    fs::write(cache.path("notes.txt"), "a note takes space, too").unwrap();
    let list = run(&cache, &["list", "--format", "json"]).json();
    assert_eq!(list["totals"]["usage"]["on_disk_bytes"], du(&cache.dir()));
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
    age(&orphan, USED);
    let list = run(&cache, &["list", "--format", "json"]).json();
    assert_eq!(list["totals"]["usage"]["on_disk_bytes"], du(&cache.dir()));
    let own = exactly(du(&orphan) - (1 << 20));
    assert_eq!(list["totals"]["reclaimable_bytes"], own);
    assert_eq!(list["images"][0]["unique_bytes"], own);
}

#[test]
fn the_full_report_has_every_kind_of_entry_and_adds_up() {
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
        row("ID ")[1..],
        ["APPARENT", "ON", "DISK", "FILES", "DIRS", "LAST", "USED", "LAYERS", "IMAGE"]
    );
    // A small tree has eight names that are not directories; `own` and the config make ten.
    assert_eq!(row("aaaaaaaaaaaa")[5..7], ["10", "5"]);
    assert_eq!(
        row("layer0123456")[5..],
        ["8", "5", "30", "min", "ago", "unknown", "copied,", "or", "clock", "changed"]
    );
    assert!(row("tmp-rootfs-1").ends_with(&["an", "extraction"]));
    assert!(row("old").ends_with(&["an", "interrupted", "gc"]));
    assert_eq!(row("images")[5..], ["40", "20"]);
    assert_eq!(row("index")[5..], ["4", "3"]);
    assert_eq!(row("everything")[5..], ["52", "30"]);
}

#[test]
fn order_choice_and_width_are_options() {
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
fn without_sizes_there_are_none_instead_of_zeros() {
    let cache = four_images();
    let list = run(&cache, &["list", "--no-sizes", "--format", "json"]).json();
    assert!(list["images"][0]["usage"].is_null());
    assert!(list["totals"]["usage"]["on_disk_bytes"].is_null());
    let text = run(&cache, &["list", "--no-sizes"]).ok();
    assert!(!text.contains("0 B") && text.contains("4 images (1 orphan), disk "), "{text}");
}

/// An image with this config.
fn run_by(cache: &TestCache, name: &str, config: &str) -> PathBuf {
    let path = cache.image(name);
    cache.configure(name, config);
    path
}

#[test]
fn an_orphan_is_shown_with_a_guess_or_its_command() {
    let cache = TestCache::new();
    let agent = r#"{"Entrypoint":["/bin/agent"],"Env":["VERSION=1","HOME=/home"]}"#;
    cache.tag("example.com/agent:1", "live");
    run_by(&cache, "live", &agent.replace("=1", "=2"));
    cache.tag("example.com/another:1", "another");
    run_by(&cache, "another", r#"{"Entrypoint":["/bin/agent"],"Env":["OTHER=1"]}"#);
    run_by(&cache, "1", agent);
    run_by(&cache, "2", r#"{"Entrypoint":["/bin/\u001b[31m","-x"]}"#);
    run_by(&cache, "3", r#"{"Cmd":["sh"]}"#);
    run_by(&cache, "4", "nonsense");
    let said = |arguments: &[&str]| {
        let text =
            run(&cache, &[&["list", "--orphans", "--sort", "name"], arguments].concat()).ok();
        let rows = text.lines().filter_map(|line| {
            line.split_once("(unreplaced)").or_else(|| line.split_once("(orphan)"))
        });
        rows.map(|(_, said)| said.trim().to_owned()).collect::<Vec<_>>()
    };
    let expected = ["like agent:1", r"runs /bin/\u{1b}[31m -x", "runs sh", ""];
    let whole = ["like example.com/agent:1", expected[1], expected[2], ""];
    for (arguments, expected) in [(&["--sizes"][..], expected), (&["--sizes", "--no-trunc"], whole)]
    {
        assert_eq!(said(arguments), expected, "{arguments:?}");
    }
    let list = run(&cache, &["list", "--orphans", "--sort", "name", "--format", "json"]).json();
    let guesses: Vec<_> = (0..4).map(|number| list["images"][number]["guess"].clone()).collect();
    assert_eq!(
        guesses,
        [
            json!({"ref": "example.com/agent:1", "program": null, "runs": ["/bin/agent"]}),
            json!({"ref": null, "program": null, "runs": ["/bin/\u{1b}[31m", "-x"]}),
            json!({"ref": null, "program": null, "runs": ["sh"]}),
            json!(null),
        ]
    );
}

#[test]
fn an_orphan_of_a_real_image_is_called_by_its_newer_build_or_its_program() {
    let cache = TestCache::in_memory();
    for (agent, version) in [(Agent::ClaudeCode, 1), (Agent::Gemini, 1), (Agent::ClaudeCode, 2)] {
        cache.pull(agent, version);
    }
    cache.untag(&Agent::Gemini.reference());
    let text = run(&cache, &["list", "--no-sizes", "--sort", "name", "--no-trunc"]).ok();
    let rows = text.lines().filter(|line| line.ends_with("  orphan"));
    let said: Vec<_> = rows.filter_map(|row| Some(row.split_once("  ")?.0)).collect();
    let reference = Agent::ClaudeCode.reference();
    assert_eq!(said, [&format!("older {reference}?"), "@google/gemini-cli"], "{text}");
}

#[test]
fn the_full_report_knows_what_is_in_use_and_kept_for_that() {
    let cache = TestCache::in_memory();
    cache.live("idle");
    let images = [cache.live("live"), cache.image("run")];
    let orphan = du(&cache.image("orphan"));
    cache.image("leased");
    for image in ["idle", "live", "run", "orphan", "leased"] {
        cache.configure(image, r#"{"Entrypoint":["/bin/agent"]}"#);
    }
    let opened = Cache::open(cache.dir()).unwrap().unwrap();
    let _lease = opened.lease(&Digest::parse(b"sha256:leased").unwrap()).unwrap().unwrap();
    let mut users = images.map(|image| {
        let mut sleep = std::process::Command::new("sleep");
        // If the test fails, nothing waits for the sleeping process.
        sleep.arg("600").current_dir(image).stdout(Stdio::null()).stderr(Stdio::null());
        sleep.spawn().unwrap()
    });
    let text = run(&cache, &["list", "--sizes"]).ok();
    let list = run(&cache, &["list", "--sizes", "--format", "json"]).json();
    let plain = run(&cache, &["list"]).ok();
    let shown =
        ["run", "leased"].map(|image| run(&cache, &["show", &format!("sha256:{image}")]).ok());
    users.iter_mut().for_each(|user| {
        user.kill().unwrap();
        user.wait().unwrap();
    });
    for (digest, purpose, status) in [
        ("idle", "example.com/idle:latest", "live"),
        ("live", "(in use) example.com/live:latest", "in use"),
        ("run", "(orphan, in use) older live:latest?", "orphan, in use"),
        ("leased", "(orphan, in use) older live:latest?", "orphan, in use"),
        ("orphan", "(orphan) older live:latest?", "orphan"),
    ] {
        let row = text.lines().find(|line| line.split_whitespace().next() == Some(digest));
        assert!(row.unwrap().ends_with(&format!("  {purpose}")), "{text}");
        let row = plain.lines().find(|line| line.contains(&format!("  {digest}  ")));
        assert!(row.unwrap().ends_with(&format!("  {status}")), "{plain}");
        let digest = format!("sha256:{digest}");
        let images = list["images"].as_array().unwrap();
        let image = images.iter().find(|image| image["digest"] == digest.as_str()).unwrap();
        assert_eq!(image["in_use"], purpose.contains("in use"), "{digest}");
    }
    assert!(
        text.contains(" reclaimable (1 orphan): ") && plain.contains(" reclaimable (1 orphan): "),
        "{text}"
    );
    assert!(shown[0].contains("orphan, in use by sleep (pid "), "{}", shown[0]);
    // Not every system tells which process holds a lease.
    let is_leased =
        ["orphan, in use by ", "orphan, leased"].iter().any(|words| shown[1].contains(words));
    assert!(is_leased, "{}", shown[1]);
    assert_eq!(list["totals"]["reclaimable_bytes"], exactly(orphan));
}

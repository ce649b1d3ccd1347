//! Which orphans are removed, with images as Brood Box pulls them: one row of the rule after
//! another.

use std::fs::{self, File};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, flock};

use crate::support::cache::agents::Agent;
use crate::support::cache::{age, hash};
use crate::support::{TestCache, run};

const DAY: Duration = Duration::from_secs(86_400);
const WEEK: Duration = Duration::from_secs(7 * 86_400);
/// Everything was pulled just now.
const GC: [&str; 2] = ["gc", "--keep-recent=0s"];

fn reasons(cache: &TestCache, arguments: &[&str]) -> Vec<(String, String)> {
    let gc = run(cache, &[arguments, &["-n", "--format", "json"]].concat()).json();
    let images =
        gc["decisions"].as_array().unwrap().iter().filter(|found| found["kind"] == "image");
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let mut reasons: Vec<_> =
        images.map(|image| (text(&image["digest"]), text(&image["reason"]))).collect();
    reasons.sort();
    reasons
}

fn reason_of(cache: &TestCache, arguments: &[&str], digest: &str) -> String {
    let found = reasons(cache, arguments).into_iter().find(|(name, _)| name[7..] == *digest);
    found.unwrap_or_else(|| panic!("{digest}")).1
}

#[test]
fn an_older_build_is_removed_and_an_unreplaced_image_is_kept() {
    let cache = TestCache::new();
    cache.pull(Agent::Codex, 1);
    cache.pull(Agent::ClaudeCode, 1);
    cache.pull(Agent::Codex, 2);
    cache.untag(&Agent::ClaudeCode.reference());
    assert_eq!(reason_of(&cache, &["gc"], "codex-1"), "recent", "for ten minutes");
    let of = |digest| reason_of(&cache, &GC, digest);
    assert_eq!((of("codex-1"), of("codex-2")), ("orphan".into(), "referenced".into()));
    assert_eq!(of("claude-code-1"), "unreplaced");
    cache.unused_for("claude-code-1", Duration::from_secs(1800));
    let list = run(&cache, &["list"]).ok();
    let row = |name: &str| list.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("older codex:latest? ").ends_with("  orphan"), "{list}");
    assert!(row("claude ").ends_with("  unreplaced"), "{list}");
    for (digest, likely, status) in [
        ("codex-1", "older ghcr.io/stacklok/brood-box/codex:latest?", "orphan"),
        ("claude-code-1", "claude", "unreplaced"),
    ] {
        let show = run(&cache, &["show", &format!("sha256:{digest}")]).out;
        let lines = format!("\nmost likely  {likely}\nstatus       {status}\n");
        assert!(show.contains(&lines), "{show}");
    }
    let json = run(&cache, &["show", "sha256:claude-code-1", "--format", "json"]).json();
    let guess = (&json["status"], &json["guess"]["program"]);
    assert_eq!(guess, (&"unreplaced".into(), &"claude".into()));
    let gc = run(&cache, &GC).ok();
    assert!(gc.contains("Removed codex-1 "), "{gc}");
    assert!(gc.contains("1 unreplaced image (") && gc.contains(" gc --all` removes it; `"), "{gc}");
    assert!(!cache.path("sha256-codex-1").exists());
    assert!(cache.path("sha256-claude-code-1").exists());
    run(&cache, &["tag", "sha256:claude-code-1", "ghcr.io/a/claude:1"]).ok();
    assert_eq!(of("claude-code-1"), "referenced");
    run(&cache, &["untag", "ghcr.io/a/claude:1"]).ok();
    run(&cache, &["gc", "--all", "--keep-recent=0s"]).ok();
    assert!(!cache.path("sha256-claude-code-1").exists());
}

#[test]
fn a_successor_without_a_reference_still_replaces() {
    let cache = TestCache::new();
    cache.pull(Agent::Gemini, 1);
    cache.pull(Agent::Hermes, 1);
    cache.pull(Agent::Gemini, 2);
    cache.untag(&Agent::Gemini.reference());
    let of = |digest| reason_of(&cache, &GC, digest);
    assert_eq!((of("gemini-1"), of("gemini-2")), ("orphan".into(), "unreplaced".into()));
}

#[test]
fn orphans_that_the_owner_would_drop_or_without_a_clue_are_removed() {
    let cache = TestCache::new();
    cache.pull(Agent::OpenCode, 1);
    cache.untag(&Agent::OpenCode.reference());
    cache.image("bare");
    let of = |digest| reason_of(&cache, &GC, digest);
    assert_eq!((of("opencode-1"), of("bare")), ("unreplaced".into(), "orphan".into()));
    cache.unused_for("opencode-1", WEEK + Duration::from_secs(60));
    assert_eq!(of("opencode-1"), "orphan");
}

#[test]
fn limits_take_unreplaced_images_like_referenced_ones_and_ask_first() {
    let cache = TestCache::new();
    cache.pull(Agent::OpenCode, 1);
    cache.untag(&Agent::OpenCode.reference());
    cache.unused_for("opencode-1", 2 * DAY);
    for limit in [&["--unused-for", "1d"][..], &["--max-size", "1KB"]] {
        let gc = run(&cache, &[&["gc"], limit].concat());
        assert!(gc.code == 1 && gc.err.contains("--yes"), "{}", gc.err);
        assert!(cache.path("sha256-opencode-1").exists());
    }
    let gc = run(&cache, &["gc", "--unused-for", "1d", "--yes"]);
    assert!(gc.code == 0 && gc.err.contains("may have dropped its references"), "{}", gc.err);
    assert!(!cache.path("sha256-opencode-1").exists());
}

#[test]
fn a_cache_of_three_rebuilt_programs_gives_back_exactly_the_older_builds() {
    let cache = TestCache::new();
    let programs = [Agent::ClaudeCode, Agent::Codex, Agent::Gemini];
    for version in [1, 2] {
        programs.iter().for_each(|agent| drop(cache.pull(*agent, version)));
    }
    programs.iter().for_each(|agent| cache.unused_for(&agent.digest(1), 3 * DAY));
    // Even if the references of the newer builds have just been dropped.
    cache.untag(&Agent::Codex.reference());
    let gc = run(&cache, &["gc"]).out;
    assert!(gc.contains("Removed 3 images, "), "{gc}");
    let is_there =
        |agent: &Agent, version| cache.path(&format!("sha256-{}", agent.digest(version))).exists();
    assert!(programs.iter().all(|agent| is_there(agent, 2) && !is_there(agent, 1)));
}

#[test]
fn all_orphans_are_removed_unless_recent_used_or_leased() {
    let cache = TestCache::new();
    for agent in Agent::ALL {
        cache.pull(agent, 1);
        cache.untag(&agent.reference());
        cache.unused_for(&agent.digest(1), DAY);
    }
    // Used just now, or tomorrow according to a wrong clock.
    age(&cache.path("sha256-codex-1"), Duration::ZERO);
    let future = SystemTime::now() + DAY;
    File::open(cache.path("sha256-opencode-1")).unwrap().set_modified(future).unwrap();
    let leased = File::open(cache.path("sha256-gemini-1")).unwrap();
    flock(&leased, FlockOperation::LockShared).unwrap();
    let inside = cache.path("sha256-hermes-1");
    let mut user = Command::new("sleep").arg("60").current_dir(inside).spawn().unwrap();
    let found = reasons(&cache, &["gc", "--all"]);
    let text = run(&cache, &["gc", "-a", "-n"]).out;
    user.kill().unwrap();
    user.wait().unwrap();
    let expected = [
        ("claude-code-1", "orphan"),
        ("codex-1", "recent"),
        ("gemini-1", "leased"),
        ("hermes-1", "in-use"),
        ("opencode-1", "recent"),
    ];
    assert_eq!(found, expected.map(|(name, why)| (format!("sha256:{name}"), why.to_owned())));
    for used in ["just now", "in the future"] {
        let line = format!("recent: used {used}; `--keep-recent 0s` removes it");
        assert_eq!(text.matches(&line).count(), 1, "{text}");
    }
}

/// The owner renames an image into place, marks it and writes its config last.
#[test]
fn an_image_that_has_just_arrived_is_kept_whatever_the_options() {
    let cache = TestCache::new();
    let pull = cache.pull(Agent::Codex, 1);
    cache.untag(&Agent::Codex.reference());
    fs::remove_file(pull.join(".oci-config.json")).unwrap();
    cache.unused_for("codex-1", DAY);
    let all = ["gc", "--all", "--keep-recent=0s"];
    assert_eq!(reason_of(&cache, &all, "codex-1"), "recent");
    let dry = run(&cache, &[&all[..], &["-n"]].concat()).out;
    assert!(
        dry.contains("recent: it has no config yet, so a pull may still be writing it"),
        "{dry}"
    );
}

#[test]
fn an_unreplaced_image_keeps_its_layers() {
    let cache = TestCache::new();
    cache.pull(Agent::Codex, 1);
    cache.pull(Agent::ClaudeCode, 1);
    cache.untag(&Agent::ClaudeCode.reference());
    let layers = || fs::read_dir(cache.path("layers")).unwrap().count();
    run(&cache, &["gc", "--layers", "--keep-recent=0s"]).ok();
    assert_eq!(layers(), 3);
    run(&cache, &["gc", "--layers", "--keep-recent=0s", "--all"]).ok();
    assert_eq!((layers(), cache.path("layers/sha256-claude-code-1").exists()), (2, false));
}

/// The owner removes `refs` if it has not changed for a week, and a full disk leaves empty
/// references.
#[test]
fn images_whose_references_were_dropped_or_emptied_stay() {
    let cache = TestCache::new();
    Agent::ALL.iter().for_each(|agent| drop(cache.pull(*agent, 1)));
    let stay = |why: &str| {
        let gc = run(&cache, &[&GC[..], &["--format", "json"]].concat());
        let json: serde_json::Value = serde_json::from_str(&gc.out).unwrap();
        assert_eq!((gc.code, &json["totals"]["unreplaced"]), (0, &5.into()), "{}", gc.out);
        let warning = json["warnings"][0].as_str().unwrap();
        assert!(warning.contains(why) && gc.err.contains(why), "{warning}");
    };
    let files = Agent::ALL.map(|agent| cache.path("refs").join(hash(&agent.reference())));
    for file in &files {
        fs::write(file, "").unwrap();
        age(file, Duration::from_secs(120));
    }
    stay("does not protect any image: it is empty");
    assert!(files.iter().all(|file| file.exists()));
    files.iter().for_each(|file| age(file, DAY + Duration::from_secs(60)));
    stay("does not protect any image: it is empty");
    assert!(files.iter().all(|file| !file.exists()), "nothing will be written into them any more");
    fs::remove_dir_all(cache.path("refs")).unwrap();
    stay("so 5 images may still be wanted");
}

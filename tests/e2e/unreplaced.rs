//! Which orphans go, on images as Brood Box pulls them: the rows of the rule, one after the other.

use std::time::Duration;

use crate::support::cache::agents::Agent;
use crate::support::{TestCache, run};

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
fn an_older_build_goes_and_what_nothing_has_replaced_stays() {
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
    assert!(list.contains("(orphan) older ghcr.io/stacklok/brood-box/codex:latest?"), "{list}");
    assert!(list.contains("(unreplaced) claude"), "{list}");
    let gc = run(&cache, &GC).ok();
    assert!(gc.contains("Removed sha256:codex-1 "), "{gc}");
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
fn a_successor_that_has_lost_its_reference_replaces_all_the_same() {
    let cache = TestCache::new();
    cache.pull(Agent::Gemini, 1);
    cache.pull(Agent::Hermes, 1);
    cache.pull(Agent::Gemini, 2);
    cache.untag(&Agent::Gemini.reference());
    let of = |digest| reason_of(&cache, &GC, digest);
    assert_eq!((of("gemini-1"), of("gemini-2")), ("orphan".into(), "unreplaced".into()));
}

#[test]
fn what_the_owner_would_drop_itself_and_what_nothing_tells_goes() {
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
    cache.unused_for("opencode-1", Duration::from_secs(2 * 86_400));
    for limit in [&["--unused-for", "1d"][..], &["--max-size", "1KB"]] {
        let gc = run(&cache, &[&["gc"], limit].concat());
        assert!(gc.code == 2 && gc.err.contains("--yes"), "{}", gc.err);
        assert!(cache.path("sha256-opencode-1").exists());
    }
    let gc = run(&cache, &["gc", "--unused-for", "1d", "--yes"]);
    assert!(gc.code == 0 && gc.err.contains("may have dropped its references"), "{}", gc.err);
    assert!(!cache.path("sha256-opencode-1").exists());
}

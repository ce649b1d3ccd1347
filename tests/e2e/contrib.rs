//! The files shipped with the program match it.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::{TestCache, run};

fn contrib(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("contrib").join(name)
}

#[test]
fn timers_run_a_command_that_the_program_takes() {
    for name in ["systemd/bbox-cache-gc.service", "launchd/bbox-cache-gc.plist"] {
        let text = fs::read_to_string(contrib(name)).unwrap();
        let command = text.lines().find_map(|line| line.split_once(" bbox-cache gc ")).unwrap().1;
        let command = command.split('<').next().unwrap();
        let cache = TestCache::in_memory();
        cache.image("orphan");
        let words: Vec<_> = ["gc"].into_iter().chain(command.split_whitespace()).collect();
        assert_eq!(run(&cache, &words).ok(), "", "{name} is quiet");
        assert!(!cache.path("sha256-orphan").exists(), "{name}");
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped says why")]
fn the_metrics_count_every_image_and_layer() {
    let cache = TestCache::in_memory();
    cache.live("live");
    for name in ["one", "two"] {
        cache.image(name);
    }
    cache.layer("layer");
    let list = run(&cache, &["list", "--sizes", "--json"]).ok();
    let filter = contrib("prometheus/bbox-cache.jq");
    let jq = Command::new("jq")
        .arg("-rf")
        .arg(filter)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut jq) = jq else { return eprintln!("skipped: there is no jq") };
    jq.stdin.take().unwrap().write_all(list.as_bytes()).unwrap();
    let output = jq.wait_with_output().unwrap();
    assert!(output.status.success());
    let metrics = String::from_utf8(output.stdout).unwrap();
    let samples = || metrics.lines().filter(|line| !line.starts_with('#'));
    let sum = |metric: &str| {
        let values = samples()
            .filter(|line| line.starts_with(metric))
            .map(|line| line.rsplit_once(' ').unwrap().1);
        values.map(|value| value.parse::<u64>().unwrap()).sum::<u64>()
    };
    assert_eq!((sum("bbox_cache_images{"), sum("bbox_cache_layers{")), (3, 1), "{metrics}");
    for metric in ["bbox_cache_size_bytes ", "bbox_cache_reclaimable_bytes "] {
        assert!(sum(metric) > 0, "{metrics}");
    }
    let help = metrics.lines().filter(|line| line.starts_with("# HELP ")).count();
    assert_eq!(help, metrics.lines().filter(|line| line.starts_with("# TYPE ")).count());
}

//! A cache on an overlay, as in a container: files share data below it, and nothing reports that.

use crate::content;
use crate::support::{TestCache, run};
use crate::volume::{Overlay, SYSTEMS, Volume};

const MIB: u64 = content::MIB;

#[test]
fn unknown_sharing_on_an_overlay_is_a_range_with_the_word_of_the_file_system() {
    for system in SYSTEMS {
        let volume = match Volume::mount(system) {
            Ok(volume) => volume,
            Err(reason) => return crate::tell(&format!("skipped: {reason}\n")),
        };
        let overlay = Overlay::mount(&volume);
        let cache = TestCache::on(overlay.path());
        let live = cache.live_with("live", |top| content::file(&top.join("data"), 48 * MIB));
        for name in ["one", "two"] {
            cache.image_with(name, |top| content::clone(&live, top));
        }
        let list = run(&cache, &["list"]).ok();
        assert!(list.contains("up to 96.0 MiB reclaimable (2 orphans)"), "{list}");
        for (option, why) in
            [("--no-progress", "see --sizes"), ("--sizes", "the file system does not report it")]
        {
            let list = run(&cache, &["list", option]).ok();
            assert!(
                list.contains(&format!("total up to 144.0 MiB (some may be shared: {why})")),
                "{list}"
            );
        }
        let json = |arguments: &[&str]| {
            let found = run(&cache, &[arguments, &["--format", "json"]].concat());
            assert_eq!(found.code, 0, "{}{}", found.err, found.out);
            found.json()["totals"].clone()
        };
        assert_eq!(json(&["list"])["shared_counts_once"], false);
        let dry = json(&["rm", "-n", "sha256:one"]);
        let real = json(&["rm", "sha256:one"]);
        let bounds = &dry["freed_bytes"];
        assert_eq!(bounds["certain"], 0, "{dry}");
        let at_most = bounds["at_most"].as_u64().unwrap();
        assert!((48 * MIB..49 * MIB).contains(&at_most), "{dry}");
        assert_eq!(&real["freed_bytes"], bounds);
        let said = real["file_system_freed_bytes"].as_i64().unwrap();
        assert!(said < MIB.cast_signed(), "{}: {said}", system.name());
        let text = run(&cache, &["gc"]).ok();
        assert!(text.contains("by the file system") && !text.contains("48.0 MiB by"), "{text}");
    }
}

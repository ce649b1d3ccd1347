//! Reported sizes and deletions, compared with what file systems do.
//!
//! Each case builds a cache on a real btrfs or XFS, asks the program what a removal will free,
//! compares that with `btrfs filesystem du`, removes it, and checks how much the file system has
//! freed. The resulting table is in `docs/sizes.md`; `BBOX_WRITE_TABLE=1` rewrites it.
//!
//! The file systems are in files and are mounted through loop devices. This needs root, Linux and
//! the tools; without them the tests are skipped, and report that.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod findings;
#[cfg(target_os = "linux")]
mod law;
#[cfg(target_os = "linux")]
mod overlay;
#[cfg(target_os = "linux")]
mod scene;
#[path = "../support/mod.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod support;
#[cfg(target_os = "linux")]
mod table;
#[cfg(target_os = "linux")]
#[path = "../support/volume.rs"]
#[allow(dead_code, reason = "other tests use all of it")]
mod volume;

#[cfg(target_os = "linux")]
#[test]
fn reported_sizes_match_what_file_systems_free() {
    // They mostly wait, so some run in parallel, each on a file system of its own.
    let part = cases::CASES.len().div_ceil(VOLUMES);
    let parts = volume::SYSTEMS
        .into_iter()
        .flat_map(|system| cases::CASES.chunks(part).map(move |cases| (system, cases)));
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            parts.map(|(system, cases)| scope.spawn(move || on(system, cases))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined.map(|rows| rows.expect("it has not panicked")).collect()
    });
    let rows = match found.into_iter().collect::<Result<Vec<_>, _>>() {
        Ok(rows) => rows.concat(),
        Err(reason) => return tell(&format!("skipped: {reason}\n")),
    };
    let text = table::render(&rows);
    tell(&text);
    if std::env::var_os("BBOX_WRITE_TABLE").is_some() {
        table::write(&text);
    }
    let wrong: Vec<_> = rows.iter().filter_map(findings::Row::complaint).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_cache_fits_if_its_total_with_shared_data_counted_once_does() {
    for system in volume::SYSTEMS {
        let volume = match volume::Volume::mount(system) {
            Ok(volume) => volume,
            Err(reason) => return tell(&format!("skipped: {reason}\n")),
        };
        let cache = support::TestCache::on(&volume.path());
        let first = cache.image_with("first", |top| content::file(&top.join("file"), 16 << 20));
        let second = cache.image_with("second", |top| content::clone(&first, top));
        for (image, age) in [(&first, 7200), (&second, 3600)] {
            let name = image.file_name().unwrap().to_str().unwrap().replace("sha256-", "");
            cache.tag(&format!("example.com/{name}:1"), &name);
            support::cache::age(image, std::time::Duration::from_secs(age));
        }
        let evicted = |limit| {
            let dry = support::run(&cache, &["gc", "-n", "--max-size", limit, "--format", "json"]);
            let decisions = dry.json()["decisions"].as_array().unwrap().clone();
            let is_evicted = |found: &serde_json::Value| {
                found["kind"] == "image" && found["reason"] == "over-max-size"
            };
            decisions.into_iter().filter(is_evicted).count()
        };
        let found = ["24MiB", "17MiB", "15MiB"].map(evicted);
        assert_eq!(found, [0, 0, 2], "{}: to lose one gives nothing back", system.name());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_requested_space_is_available_and_hardly_more() {
    const MIB: u64 = 1 << 20;
    for system in [volume::System::Ext4, volume::System::Btrfs, volume::System::Xfs] {
        let volume = match volume::Volume::mount(system) {
            Ok(volume) => volume,
            Err(reason) => return tell(&format!("skipped: {reason}\n")),
        };
        let cache = support::TestCache::on(&volume.path());
        let shares = system != volume::System::Ext4;
        // Two images share all their data if possible. One of the others shares it with a file that
        // the program cannot know.
        let first = cache.image_with("first", |top| content::file(&top.join("file"), 16 * MIB));
        let fill = |top: &std::path::Path| content::file(&top.join("file"), 16 * MIB);
        let second = cache.image_with("second", |top| {
            if shares { content::clone(&first, top) } else { fill(top) }
        });
        let images = ["third", "fourth", "fifth"].map(|name| cache.image_with(name, fill));
        if shares {
            content::clone(&images[0], &volume.path().join("outside"));
        }
        for (hours, image) in (1..).zip([&images[2], &images[1], &images[0], &second, &first]) {
            let name = image.file_name().unwrap().to_str().unwrap().replace("sha256-", "");
            cache.tag(&format!("example.com/{name}:1"), &name);
            support::cache::age(image, std::time::Duration::from_secs(3600 * hours));
        }
        volume.free();
        let before = volume.available();
        let target = before + 20 * MIB;
        let gc = ["gc", "--min-free", &format!("{target}B")];
        let dry = support::run(&cache, &[&gc[..], &["-n"]].concat()).ok();
        assert!(dry.contains("below-min-free"), "{}: {dry}", system.name());
        let done = support::run(&cache, &[&gc[..], &["--yes"]].concat()).ok();
        volume.free();
        let after = volume.available();
        tell(&format!("{}: {before} + 20 MiB = {target}, {after} available\n", system.name()));
        assert!(after >= target, "{}: {after} of {target}: {done}", system.name());
        // The last image is needed, and the excess is less than one image.
        assert!(after - target < 16 * MIB, "{}: {after} of {target}: {done}", system.name());
        let left = std::fs::read_dir(cache.dir()).unwrap();
        let left = left.filter(|entry| entry.as_ref().unwrap().file_name() != "refs").count();
        assert_eq!(left, if shares { 1 } else { 3 }, "{}: {done}", system.name());
    }
}

/// Number of file systems of a kind in use at once.
#[cfg(target_os = "linux")]
const VOLUMES: usize = 3;

/// Runs these cases on one file system. `Err` with the reason if that is not possible.
#[cfg(target_os = "linux")]
fn on(system: volume::System, cases: &[cases::Case]) -> Result<Vec<findings::Row>, String> {
    let volume = volume::Volume::mount(system)?;
    let scenes = cases.iter().filter_map(|case| {
        let scene = scene::Scene::new(&volume);
        (case.build)(&scene).then(|| findings::find(case, &scene))
    });
    Ok(scenes.collect())
}

#[cfg(target_os = "linux")]
fn tell(text: &str) {
    use std::io::Write;
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

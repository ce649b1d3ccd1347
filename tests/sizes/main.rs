//! What sizes and deletions say, against what file systems do.
//!
//! Each case builds a cache on a real btrfs or XFS, asks the program what a removal will free, holds
//! that against `btrfs filesystem du`, removes it, and looks at what the file system has got back.
//! The table that comes of it stands in `docs/sizes.md`; `BBOX_WRITE_TABLE=1` writes it anew.
//!
//! The file systems lie in files and are mounted through loop devices, which takes root, Linux and
//! the tools; elsewhere these tests are skipped, and say so.

#[cfg(target_os = "linux")]
mod cases;
#[cfg(target_os = "linux")]
mod content;
#[cfg(target_os = "linux")]
mod findings;
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
fn what_is_told_is_what_file_systems_give_back() {
    // They mostly wait for the disk.
    let found: Vec<_> = std::thread::scope(|scope| {
        let threads = volume::SYSTEMS.map(|system| scope.spawn(move || on(system)));
        threads.map(|thread| thread.join().expect("it has not panicked")).into()
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

/// All cases on one file system; or why there can be none.
#[cfg(target_os = "linux")]
fn on(system: volume::System) -> Result<Vec<findings::Row>, String> {
    let volume = volume::Volume::mount(system)?;
    let scenes = cases::CASES.iter().filter_map(|case| {
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

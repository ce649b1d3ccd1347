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
mod volume;

#[cfg(target_os = "linux")]
#[test]
fn what_is_told_is_what_file_systems_give_back() {
    let mut rows = Vec::new();
    for system in volume::SYSTEMS {
        let volume = match volume::Volume::mount(system) {
            Ok(volume) => volume,
            Err(reason) => return tell(&format!("skipped: {reason}\n")),
        };
        for case in cases::CASES {
            let scene = scene::Scene::new(&volume);
            if (case.build)(&scene) {
                rows.push(findings::find(case, &scene));
            }
        }
    }
    let text = table::render(&rows);
    tell(&text);
    if std::env::var_os("BBOX_WRITE_TABLE").is_some() {
        table::write(&text);
    }
    let wrong: Vec<_> = rows.iter().filter_map(findings::Row::complaint).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(target_os = "linux")]
fn tell(text: &str) {
    use std::io::Write;
    std::io::stderr().write_all(text.as_bytes()).unwrap();
}

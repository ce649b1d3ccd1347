//! Removal in place, where nothing can be renamed: killed at every step, and with a fault in each
//! call.

use crate::faults::{check_ending, faults_among, has_run};
use crate::rounds;
use crate::scene::{COLLECT, NamedImages, Scene};
use crate::strace::{
    count_without_renames, fail_without_renames, is_available, kill_without_renames,
};
use crate::support::run;

const COLLECT_IN_PLACE: [&str; 7] =
    ["gc", "--layers", "--temp-age", "0s", "--keep-recent", "0s", "--in-place"];
const RM_IN_PLACE: [&str; 4] = ["rm", "--force", "--in-place", "sha256:chosen"];

/// The system calls that change something: marks and configs, unlinks and rmdirs, locks.
const STEPS: [&str; 3] = ["fchmod", "unlinkat", "flock"];

/// A scene in which nothing has to be renamed to be put back.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.bring_back();
    scene
}

#[test]
fn a_collection_that_may_not_rename_suggests_in_place() {
    if !is_available() {
        return;
    }
    let scene = scene();
    let fault = ("renameat2", "EXDEV", "1+");
    let output = crate::strace::fail_at(&scene.cache, &COLLECT, fault);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(err.contains("Invalid cross-device link; the file system cannot rename it"), "{err}");
    assert!(err.contains("use --in-place") && !err.contains("mounted"), "{err}");
    assert!(scene.has("dead1") && scene.has("dead2"));
    // Entries that the owner does not look for do not have to be hidden.
    let names = scene.names();
    assert!(!names.iter().any(|name| name.starts_with("tmp-rootfs-")), "{names:?}");
    scene.check("where nothing can be renamed");
}

#[test]
fn a_collection_in_place_killed_at_any_step_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let counts = count_without_renames(&scene().cache, &COLLECT_IN_PLACE);
    let steps = STEPS.into_iter().flat_map(|call| (1..=counts[call]).map(move |nth| (call, nth)));
    let steps: Vec<_> = steps.collect();
    let chosen = steps.iter().step_by(steps.len().div_ceil(rounds(10, steps.len())));
    let mut killed = 0;
    for (call, nth) in chosen.clone() {
        let scene = scene();
        let is_killed = kill_without_renames(&scene.cache, &COLLECT_IN_PLACE, call, *nth);
        killed += usize::from(is_killed);
        let when = format!("in place, killed at {call} {nth}");
        scene.check_in_place(&when);
        run(&scene.cache, &COLLECT).ok();
        scene.check_end(&when);
    }
    eprintln!("killed gc --in-place {killed} times at {} steps", steps.len());
    assert_eq!(killed, chosen.count());
}

#[test]
fn a_fault_in_any_call_of_a_collection_in_place_is_finished_by_the_next() {
    if !is_available() {
        return;
    }
    let counts = count_without_renames(&scene().cache, &COLLECT_IN_PLACE);
    let counts = counts.into_iter().filter(|(call, _)| call != "renameat2").collect();
    let faults = faults_among(counts, rounds(1, 12));
    for (call, error, nth) in &faults {
        let scene = scene();
        let output = fail_without_renames(&scene.cache, &COLLECT_IN_PLACE, (call, error, *nth));
        let when = format!("in place, {error} in {call} {nth}");
        if has_run(&output) {
            check_ending(&output, &when);
        }
        scene.check_in_place(&when);
        run(&scene.cache, &COLLECT).ok();
        scene.check_end(&when);
    }
    eprintln!("{} faults in gc --in-place", faults.len());
}

/// No reference may point to half an image, so all references are removed first.
#[test]
fn an_rm_in_place_killed_at_any_step_leaves_no_reference_to_half_an_image() {
    if !is_available() {
        return;
    }
    let counts = count_without_renames(&NamedImages::new().cache, &RM_IN_PLACE);
    let steps = STEPS.into_iter().flat_map(|call| (1..=counts[call]).map(move |nth| (call, nth)));
    let steps: Vec<_> = steps.collect();
    for (call, nth) in steps.iter().step_by(steps.len().div_ceil(rounds(10, steps.len()))) {
        let images = NamedImages::new();
        kill_without_renames(&images.cache, &RM_IN_PLACE, call, *nth);
        images.check_in_place(&format!("in place, killed at {call} {nth}"));
    }
}

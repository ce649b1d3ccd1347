//! Compares sizing with the lower bound: a bare loop of the same system calls on the same number of
//! threads. Runs the loop, the library and the whole program in turn: `cargo bench --bench floor`.
//!
//! With `BBOX_BENCH_CACHE=DIR`, it sizes the cache in that directory, without changing it.
#![allow(clippy::print_stdout, reason = "a bench is there to be read")]

#[cfg(target_os = "linux")]
mod bare;
#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;
#[cfg(target_os = "linux")]
#[allow(dead_code, reason = "the other benches use all of it")]
mod shapes;
#[cfg(target_os = "linux")]
mod sizing;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("This bench needs Linux.");
}

#[cfg(target_os = "linux")]
fn main() {
    match std::env::var_os("BBOX_BENCH_CACHE") {
        Some(directory) => compare::print(directory.as_ref()),
        None => compare::print(&shapes::build(8, cache::rootfs, 8_000).dir()),
    }
}

#[cfg(target_os = "linux")]
mod compare {
    use std::hint::black_box;
    use std::path::Path;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    use bbox_cache::Jobs;
    use bbox_cache::usage::Walker;

    use crate::{bare, sizing};

    const ROUNDS: usize = 15;

    pub fn print(directory: &Path) {
        let (jobs, parts) = (Jobs::default(), bare::parts(directory));
        let names = bare::walk(&parts, jobs.get());
        let usage = sizing::size(directory, Walker::Native, jobs);
        assert_eq!(names, usage.files + usage.directories, "both meet every name");
        println!("{names} names, {} threads, {ROUNDS} rounds", jobs.get());
        let rounds: Vec<_> = (0..ROUNDS)
            .map(|_| {
                [
                    seconds(|| bare::walk(&parts, jobs.get())),
                    seconds(|| sizing::size(directory, Walker::Native, jobs)),
                    seconds(|| program(directory)),
                ]
            })
            .collect();
        for (index, what) in ["bare loop", "library", "bbox list --sizes"].iter().enumerate() {
            let time = median(rounds.iter().map(|round| round[index]));
            let ratio = median(rounds.iter().map(|round| round[index] / round[0]));
            println!("{what:18} {time:.4} s  {ratio:.3} x the bare loop");
        }
    }

    fn program(directory: &Path) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bbox"));
        command.args(["cache", "list", "--sizes", "--cache-dir"]).arg(directory);
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
    }

    fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
        let begin = Instant::now();
        black_box(work());
        begin.elapsed().as_secs_f64()
    }

    fn median(values: impl Iterator<Item = f64>) -> f64 {
        let mut values: Vec<_> = values.collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    }
}

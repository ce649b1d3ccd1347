//! Large caches: `list --sizes` and a dry run of `gc --layers` on each of several shapes, and on a
//! tenth of each, with the time and the peak memory of the whole program: `cargo bench --bench
//! scale`. Both should grow with the number of items only.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench is there to be read")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

#[cfg(not(target_os = "linux"))]
fn main() {
    println!("Peak memory can only be read on Linux.");
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match std::env::var_os(run::DIRECTORY) {
        Some(directory) => run::one(directory),
        None => compare::print(),
    }
}

/// One run of the program, in its own process because peak memory is measured per process.
#[cfg(target_os = "linux")]
mod run {
    use std::ffi::OsString;
    use std::path::Path;
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Instant;

    /// Set in such a process, to the cache to run on.
    pub const DIRECTORY: &str = "BBOX_SCALE_DIRECTORY";
    const WORDS: &str = "BBOX_SCALE_WORDS";

    pub struct Cost {
        pub seconds: f64,
        pub mebibytes: f64,
    }

    /// Measures the cost of the command `words` on a cache.
    pub fn measure(directory: &Path, words: &str) -> Cost {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(DIRECTORY, directory).env(WORDS, words).stdout(Stdio::null());
        let begin = Instant::now();
        let output = command.stderr(Stdio::piped()).output().unwrap();
        let seconds = begin.elapsed().as_secs_f64();
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{words}: {told}");
        let kibibytes: f64 = told.lines().last().unwrap().parse().unwrap();
        Cost { seconds, mebibytes: kibibytes / 1024.0 }
    }

    /// Runs the command from the environment, and prints the peak memory in KiB to stderr.
    pub fn one(directory: OsString) -> ExitCode {
        let words = std::env::var(WORDS).unwrap();
        let words = words.split(' ').map(OsString::from);
        let program = ["bbox", "cache", "--cache-dir"].map(OsString::from);
        let ending = bbox_cache::cli::run(program.into_iter().chain([directory]).chain(words));
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        eprintln!("{}", peak.trim().trim_end_matches(" kB"));
        ending
    }
}

#[cfg(target_os = "linux")]
mod compare {
    use std::fs;
    use std::path::Path;
    use std::process::ExitCode;

    use crate::cache::TestCache;
    use crate::cache::pull::touch;
    use crate::run::measure;

    const COMMANDS: [&str; 2] = ["list --sizes", "gc --dry-run --layers"];
    const ROUNDS: usize = 3;

    /// The size of a cache.
    #[derive(Clone, Copy)]
    struct Shape {
        images: u32,
        /// Files and directories per image.
        inodes: u32,
        /// Layers, each of which every image may use.
        layers: u32,
        dangling: u32,
    }

    const SHAPES: [Shape; 5] = [
        Shape { images: 1_000, inodes: 50, layers: 0, dangling: 0 },
        Shape { images: 100, inodes: 5_000, layers: 0, dangling: 0 },
        Shape { images: 10, inodes: 50_000, layers: 0, dangling: 0 },
        Shape { images: 500, inodes: 10, layers: 4_000, dangling: 0 },
        Shape { images: 10, inodes: 10, layers: 0, dangling: 20_000 },
    ];

    pub fn print() -> ExitCode {
        println!("images  inodes  layers  dangling  command                seconds    MiB");
        for shape in SHAPES {
            let tenth = Shape {
                images: shape.images / 10,
                layers: shape.layers / 10,
                dangling: shape.dangling / 10,
                ..shape
            };
            for shape in [tenth, shape] {
                let cache = build(shape);
                COMMANDS.iter().for_each(|words| print_row(shape, &cache.dir(), words));
            }
        }
        ExitCode::SUCCESS
    }

    /// Prints the fastest of some runs, and its memory.
    fn print_row(shape: Shape, directory: &Path, words: &str) {
        let costs = (0..ROUNDS).map(|_| measure(directory, words));
        let cost = costs.min_by(|a, b| a.seconds.total_cmp(&b.seconds)).unwrap();
        let Shape { images, inodes, layers, dangling } = shape;
        let (seconds, mebibytes) = (cost.seconds, cost.mebibytes);
        println!(
            "{images:6}  {inodes:6}  {layers:6}  {dangling:8}  {words:22} {seconds:7.3} {mebibytes:6.1}"
        );
    }

    fn build(shape: Shape) -> TestCache {
        let cache = TestCache::in_memory();
        for number in 0..shape.layers {
            cache.layer_with(&format!("{number:064x}"), |top| fill(top, 2));
        }
        for number in 0..shape.images {
            cache.live_with(&format!("{number:064x}"), |top| fill(top, shape.inodes));
        }
        for number in 0..shape.dangling {
            let reference = format!("ghcr.io/scale/gone-{number}:latest");
            cache.dangling(&reference, &format!("{:064x}", u64::from(number) + (1 << 40)));
        }
        // Used after all images were made.
        for number in 0..shape.layers {
            touch(&cache.path(&format!("layers/sha256-{number:064x}")));
        }
        cache
    }

    /// Fills a tree with a hundred files per directory.
    fn fill(top: &Path, inodes: u32) {
        for number in 1..inodes {
            let directory = top.join(format!("d{}", number / 100));
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join(format!("f{number}")), "x").unwrap();
        }
    }
}

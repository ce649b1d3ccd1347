//! Sizing a cache: both walkers, several shapes of trees, several numbers of threads.
//!
//! With `BBOX_BENCH_CACHE=DIR`, it sizes the cache in that directory, without changing it.

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;
mod shapes;
mod sizing;

use std::path::Path;
use std::time::Duration;

use bbox_cache::Jobs;
use bbox_cache::usage::Walker;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use shapes::{SHAPES, build};
use sizing::size;

const IMAGES: u32 = 4;
const FILES: u32 = 4_000;
const WALKERS: [Walker; 2] = [Walker::Native, Walker::Portable];

/// Benchmarks both walkers on a cache with these numbers of threads, as `group/name/walker/jobs`.
fn bench(criterion: &mut Criterion, name: &str, directory: &Path, jobs: &[usize]) {
    let mut group = criterion.benchmark_group(format!("scan/{name}"));
    let inodes = size(directory, Walker::default(), Jobs::default());
    group.throughput(Throughput::Elements(inodes.files + inodes.directories));
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(2));
    for walker in WALKERS {
        for &jobs in jobs {
            let id = BenchmarkId::new(format!("{walker:?}"), jobs);
            let jobs = Jobs::new(jobs).unwrap();
            group.bench_function(id, |bench| bench.iter(|| size(directory, walker, jobs)));
        }
    }
    group.finish();
}

fn scan(criterion: &mut Criterion) {
    const JOBS: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];
    if let Some(directory) = std::env::var_os("BBOX_BENCH_CACHE") {
        return bench(criterion, "given", Path::new(&directory), &JOBS);
    }
    for (name, fill) in SHAPES {
        let built = build(IMAGES, fill, FILES);
        let jobs = if name == "rootfs" { &JOBS[..] } else { &[2, 32] };
        bench(criterion, name, &built.dir(), jobs);
    }
}

criterion_group!(benches, scan);
criterion_main!(benches);

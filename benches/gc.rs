//! Removing dead images: several numbers of threads, and `std::fs::remove_dir_all` to compare.

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::time::Duration;

use bbox_cache::StopFlag;
use bbox_cache::cache::{Cache, Patience};
use bbox_cache::plan::{Conditions, collect};
use bbox_cache::sweep::{Outcome, sweep};
use bbox_cache::usage::{Jobs, Progress};
use cache::{TestCache, rootfs};
use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use jiff::Timestamp;

const IMAGES: u32 = 2;
const FILES: u32 = 2_000;

fn build() -> TestCache {
    let cache = TestCache::new();
    (0..IMAGES).for_each(|n| drop(cache.image_with(&n.to_string(), |top| rootfs(top, FILES))));
    cache
}

fn remove(built: &TestCache, jobs: Jobs) -> Outcome {
    let cache = Cache::open(built.dir()).unwrap().unwrap();
    let lock = cache.lock(&StopFlag::new(), |_| Patience::Wait).unwrap();
    let plan = collect(&cache.inventory().unwrap(), &Conditions::at(Timestamp::now()));
    let progress = Progress::new(plan.decisions.len(), StopFlag::new());
    let (sender, _events) = crossbeam_channel::unbounded();
    sweep(&cache, &lock, &plan, jobs, &progress, &sender).unwrap()
}

fn remove_with_std(built: &TestCache) {
    for entry in std::fs::read_dir(built.dir()).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
}

fn gc(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("gc");
    // Building the trees takes longer than removing them: one removal a sample is enough.
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_secs(1));
    group.throughput(Throughput::Elements(u64::from(IMAGES * FILES)));
    group.bench_function("remove_dir_all", |bench| {
        bench.iter_batched_ref(build, |cache| remove_with_std(cache), BatchSize::PerIteration);
    });
    for jobs in [1, 2, 8, 32] {
        let jobs = Jobs::new(jobs).unwrap();
        group.bench_function(BenchmarkId::new("sweep", jobs.get()), |bench| {
            bench.iter_batched_ref(build, |cache| remove(cache, jobs), BatchSize::PerIteration);
        });
    }
    group.finish();
}

criterion_group!(benches, gc);
criterion_main!(benches);

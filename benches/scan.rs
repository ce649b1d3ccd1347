//! Sizing a cache: both walkers, several numbers of threads.

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;

use std::time::Duration;

use bbox_cache::StopFlag;
use bbox_cache::cache::Cache;
use bbox_cache::usage::{Census, Jobs, Meter, Progress, Walker};
use cache::{TestCache, rootfs};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const IMAGES: u32 = 4;
const FILES: u32 = 5_000;

fn scan(criterion: &mut Criterion) {
    let built = TestCache::new();
    (0..IMAGES).for_each(|n| drop(built.image_with(&n.to_string(), |top| rootfs(top, FILES))));
    let cache = Cache::open(built.dir()).unwrap().unwrap();
    let mut group = criterion.benchmark_group("scan");
    group.throughput(Throughput::Elements(u64::from(IMAGES * FILES)));
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    for walker in [Walker::Native, Walker::Portable] {
        for jobs in [1, 2, 4, 16, 64] {
            let meter = Meter::new(Jobs::new(jobs).unwrap()).with_walker(walker);
            group.bench_function(BenchmarkId::new(format!("{walker:?}"), jobs), |bench| {
                bench.iter(|| {
                    let inventory = cache.inventory().unwrap();
                    let trees = Census::locations(&inventory).len();
                    let progress = Progress::new(trees, StopFlag::new());
                    Census::take(&cache, &inventory, &meter, &progress).unwrap().total()
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scan);
criterion_main!(benches);

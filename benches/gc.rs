//! Removing orphans: several shapes of trees and file systems, several thread limits, and
//! `std::fs::remove_dir_all` for comparison. Removes only what it has built itself.

#![allow(clippy::print_stderr, reason = "a bench that cannot run here says why")]

#[path = "../tests/support/cache.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod cache;
mod shapes;
#[path = "../tests/support/volume.rs"]
#[allow(dead_code, reason = "the tests use all of it")]
mod volume;

use std::path::Path;
use std::time::Duration;

use bbox_cache::cache::{Cache, Patience};
use bbox_cache::gc::gather;
use bbox_cache::plan::{self, Activity, GcOptions};
use bbox_cache::sweep::{Outcome, sweep};
use bbox_cache::usage::Progress;
use bbox_cache::{Jobs, StopFlag};
use cache::TestCache;
use criterion::{
    BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput, criterion_group, criterion_main,
};
use jiff::Timestamp;
use shapes::{SHAPES, build, build_in};
use volume::{SYSTEMS, Volume};

const IMAGES: u32 = 2;
const FILES: u32 = 400;

fn remove(built: &TestCache, jobs: Jobs) -> Outcome {
    let cache = Cache::open(built.dir()).unwrap().unwrap();
    let cache = cache.lock(&StopFlag::new(), |_| Patience::Wait).unwrap();
    let inventory = cache.inventory().unwrap();
    let evidence = gather(&cache, &inventory, Timestamp::now(), Activity::default());
    let plan = plan::gc(&inventory, &GcOptions::default(), &evidence);
    let progress = Progress::for_items(plan.locations(), StopFlag::new());
    let (sender, _events) = crossbeam_channel::unbounded();
    sweep(&cache, &plan, jobs, &progress, &sender).unwrap()
}

fn remove_with_std(built: &TestCache) {
    for entry in std::fs::read_dir(built.dir()).unwrap() {
        std::fs::remove_dir_all(entry.unwrap().path()).unwrap();
    }
}

fn bench(criterion: &mut Criterion, name: &str, built: impl Fn() -> TestCache, jobs: &[usize]) {
    let mut group = criterion.benchmark_group(format!("gc/{name}"));
    // Building the trees takes longer than removing them, so one removal per sample is enough.
    group.sampling_mode(SamplingMode::Flat).sample_size(10);
    group.warm_up_time(Duration::from_millis(1)).measurement_time(Duration::from_millis(500));
    group.throughput(Throughput::Elements(u64::from(IMAGES * FILES)));
    group.bench_function("remove_dir_all", |bench| {
        bench.iter_batched_ref(&built, |cache| remove_with_std(cache), BatchSize::PerIteration);
    });
    for &jobs in jobs {
        let jobs = Jobs::new(jobs).unwrap();
        group.bench_function(BenchmarkId::new("sweep", jobs.get()), |bench| {
            bench.iter_batched_ref(&built, |cache| remove(cache, jobs), BatchSize::PerIteration);
        });
    }
    group.finish();
}

fn gc(criterion: &mut Criterion) {
    for (name, fill) in SHAPES {
        let jobs = if name == "rootfs" { &[1, 2, 4, 8, 16, 32, 64][..] } else { &[2, 32] };
        bench(criterion, name, || build(IMAGES, fill, FILES), jobs);
    }
}

/// File systems on which more threads pay off differently. The temporary directory above is usually
/// on ext4.
fn file_systems(criterion: &mut Criterion) {
    let bench_on = |criterion: &mut Criterion, name: &str, place: &Path| {
        let built = || build_in(TestCache::on(place), IMAGES, cache::rootfs, 10 * FILES);
        bench(criterion, name, built, &[1, 2, 4, 32]);
    };
    bench_on(criterion, "disk", &std::env::temp_dir());
    if let Some(memory) = Some(Path::new("/dev/shm")).filter(|memory| memory.is_dir()) {
        bench_on(criterion, "tmpfs", memory);
    }
    for system in SYSTEMS {
        match Volume::mount(system) {
            Ok(volume) => bench_on(criterion, system.name(), &volume.path()),
            Err(why) => eprintln!("skipped {}: {why}", system.name()),
        }
    }
}

criterion_group!(benches, gc, file_systems);
criterion_main!(benches);

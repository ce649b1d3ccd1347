//! Sizing a whole cache with the library.

use std::path::Path;

use bbox_cache::cache::Cache;
use bbox_cache::usage::{CacheUsage, Meter, Progress, Usage, Walker};
use bbox_cache::{Jobs, StopFlag};

pub fn size(directory: &Path, walker: Walker, jobs: Jobs) -> Usage {
    let cache = Cache::open(directory).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    let progress = Progress::new(CacheUsage::locations(&inventory).len(), StopFlag::new());
    let meter = Meter::new(jobs).with_walker(walker);
    CacheUsage::measure(&cache, &inventory, &meter, None, &progress).unwrap().total()
}

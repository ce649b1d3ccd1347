//! Sizing a whole cache with the library.

use std::path::Path;

use bbox_cache::StopFlag;
use bbox_cache::cache::Cache;
use bbox_cache::usage::{Census, Jobs, Meter, Progress, Usage, Walker};

pub fn size(directory: &Path, walker: Walker, jobs: Jobs) -> Usage {
    let cache = Cache::open(directory).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    let progress = Progress::new(Census::locations(&inventory).len(), StopFlag::new());
    let meter = Meter::new(jobs).with_walker(walker);
    Census::take(&cache, &inventory, &meter, None, &progress).unwrap().total()
}

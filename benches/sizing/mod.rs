//! Sizing a whole cache with the library.

use std::path::Path;

use bbox_cache::cache::Cache;
use bbox_cache::usage::{CacheUsage, Meter, Usage, Walker};
use bbox_cache::{Jobs, StopFlag};

pub fn size(directory: &Path, walker: Walker, jobs: Jobs) -> Usage {
    let cache = Cache::open(directory).unwrap().unwrap();
    let inventory = cache.inventory().unwrap();
    let meter = Meter::new(jobs).with_walker(walker);
    let stop = StopFlag::new();
    let found = CacheUsage::measure(&cache, &inventory, &meter, &stop, &mut |_| {});
    found.unwrap().total()
}

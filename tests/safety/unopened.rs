//! The program opens no files in the cache if there is nothing to learn from them.

use crate::strace;
use crate::support::TestCache;

#[test]
fn files_are_opened_only_if_they_can_share_data() {
    if !strace::is_available() {
        return;
    }
    let cache = TestCache::in_memory();
    cache.live("live");
    cache.image("dead");
    for arguments in [&["list", "--sizes"][..], &["gc", "-n"], &["gc"]] {
        let calls = strace::count(&cache, arguments);
        assert!(calls["statx"] > 10, "{arguments:?}: {calls:?}");
        // Only the inspection of files opens them with this call.
        assert_eq!(calls.get("openat2"), None, "{arguments:?}");
    }
}

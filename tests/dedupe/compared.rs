//! `diff` of images that share data: what shares its data is equal, and need not be read.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use crate::content::{MIB, clone, file};
use crate::scene::on_each;
use crate::support::{TestCache, run};

#[test]
fn shared_data_proves_files_equal_until_one_is_written_to() {
    on_each(|volume| {
        let cache = TestCache::on(&volume.path());
        let old = cache.image_with("aaaa", |top| {
            for name in ["usr/shared", "usr/written", "usr/copied"] {
                file(&top.join(name), MIB);
            }
        });
        let new = cache.image_with("bbbb", |top| {
            fs::create_dir(top.join("usr")).unwrap();
            clone(&old.join("usr/shared"), &top.join("usr/shared"));
            clone(&old.join("usr/written"), &top.join("usr/written"));
            fs::write(top.join("usr/copied"), fs::read(old.join("usr/copied")).unwrap()).unwrap();
        });
        let written = File::options().write(true).open(new.join("usr/written")).unwrap();
        written.write_all_at(b"other", MIB / 2).unwrap();
        written.sync_all().unwrap();
        let diff = |more: &[&str]| {
            let arguments = [&["diff", "sha256:aaaa", "sha256:bbbb", "--json"], more].concat();
            run(&cache, &arguments).json()["equal_size"].clone()
        };
        let unread = diff(&[]);
        // The configs are of equal size, too.
        assert_eq!((&unread["proven"], &unread["unproven"]), (&1.into(), &3.into()), "{unread}");
        let read = diff(&["--content"]);
        assert_eq!(read["read"]["equal"], 2, "{read}");
        assert_eq!(read["read"]["different"][0], "/usr/written", "{read}");
    });
}

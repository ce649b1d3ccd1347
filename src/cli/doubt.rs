//! What to say where the ref index may be incomplete.

use std::path::Path;

use crate::cache::{Folder, Inventory};
use crate::cli::ui::units::plural;
use crate::escape::Escaped;
use crate::plan::IndexDoubt;

/// One line for whoever is about to trust the refs of a cache that lies at `cache_dir`.
pub fn warning(inventory: &Inventory, cache_dir: &Path) -> Option<String> {
    let path = Folder::Refs.path_in(cache_dir);
    let path = Escaped::new(&path);
    let (what, who) = match IndexDoubt::of(inventory)? {
        IndexDoubt::Missing { images } => (format!("there is no {path}"), plural(images, "image")),
        IndexDoubt::Younger { orphans, .. } => {
            let orphans = plural(orphans, "orphan");
            (format!("{path} is younger than the last use of {orphans}"), "they".to_owned())
        }
    };
    Some(format!(
        "{what}: Brood Box may have dropped its references, as it does after 7 idle days, so {who} \
         may be wanted. Running an image names it again"
    ))
}

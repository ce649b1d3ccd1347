//! Which of the images are in use.

use crate::cache::{Cache, Entry, Inventory, Leases, Users};

/// Who was seen at work in the images, if anybody looked.
#[derive(Default)]
pub struct Occupation {
    /// `None` if nobody looked, or the system does not tell.
    pub users: Option<Users>,
    pub leases: Leases,
}

impl Occupation {
    /// Looks at all processes and leases.
    pub fn new(cache: &Cache, inventory: &Inventory) -> Self {
        let images = inventory.images().map(|(image, _)| &image.location.name);
        // A list is of use without that: where processes cannot be listed, `gc` is what stops.
        Self { users: cache.users().ok().flatten(), leases: cache.leases(images) }
    }

    /// Whether a process uses an image, or holds a lease on it; `None` if nobody can tell.
    pub fn of(&self, image: &Entry) -> Option<bool> {
        if self.leases.contains(&image.location.name) {
            return Some(true);
        }
        self.users.as_ref().map(|users| !users.of(&image.location).is_empty())
    }
}

//! Which image somebody means.

use super::digest::Digest;
use super::entry::{EntryKind, Leftover};
use super::inventory::Inventory;

/// What a text may stand for: the answer of [`Inventory::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// No image.
    None,
    /// This one.
    One(Digest),
    /// One of these, two or more.
    Many(Vec<Digest>),
    /// This one, which a collection has hidden: it may bring it back, or be about to remove it.
    Hidden(Digest),
    /// This one, which is not there: only a ref names it.
    Dangling(Digest),
}

impl Inventory {
    /// Finds the image that `text` stands for: the reference of a ref, a digest, or the beginning
    /// of one, with or without its algorithm. What is meant exactly goes before what only begins so.
    ///
    /// ```
    /// # use bbox_cache::cache::{Cache, Lookup, Digest};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let home = tempfile::tempdir()?;
    /// # for name in ["sha256-8432e34e7c77", "sha256-8432ffffffff", "refs"] {
    /// #     std::fs::create_dir(home.path().join(name))?;
    /// # }
    /// # let text = "ghcr.io/a/b:latest\tsha256:8432e34e7c77\n";
    /// # std::fs::write(home.path().join("refs/0"), text)?;
    /// # let cache = Cache::open(home.path())?.unwrap();
    /// let inventory = cache.inventory()?;
    /// let image = Digest::parse(b"sha256:8432e34e7c77").ok_or("no digest")?;
    /// assert_eq!(inventory.find("ghcr.io/a/b:latest"), Lookup::One(image.clone()));
    /// assert_eq!(inventory.find("8432e3"), Lookup::One(image));
    /// assert!(matches!(inventory.find("8432"), Lookup::Many(images) if images.len() == 2));
    /// assert_eq!(inventory.find("ghcr.io/a/c:latest"), Lookup::None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(&self, text: &str) -> Lookup {
        let by_ref = self.refs.refs.iter().filter(|found| found.image.as_deref() == Some(text));
        let named: Vec<_> = by_ref.map(|found| &found.digest).collect();
        let matching = |is_meant: &dyn Fn(&Digest) -> bool| {
            let images = self.images().map(|(_, digest)| digest);
            images.filter(|digest| is_meant(digest)).cloned().collect::<Vec<_>>()
        };
        let exact = matching(&|digest| named.contains(&digest) || digest.to_text() == text);
        // A reference whose image is gone does not stand for some other one.
        let mut found = if exact.is_empty() && named.is_empty() {
            matching(&|digest| begins_with(digest, text))
        } else {
            exact
        };
        match found.len() {
            0 => self.find_hidden(text, &named),
            1 => Lookup::One(found.remove(0)),
            _ => Lookup::Many(found),
        }
    }
}

impl Inventory {
    /// What `text` stands for if that is no image in its place; `named` is what refs of that name
    /// name.
    fn find_hidden(&self, text: &str, named: &[&Digest]) -> Lookup {
        let mut hidden = self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Leftover(Leftover::Hidden(digest)) => Some(digest),
            _ => None,
        });
        let is_meant = |digest: &&Digest| {
            if named.is_empty() { begins_with(digest, text) } else { named.contains(digest) }
        };
        match (hidden.find(is_meant), named.first()) {
            (Some(digest), _) => Lookup::Hidden(digest.clone()),
            (None, Some(digest)) => Lookup::Dangling((*digest).clone()),
            (None, None) => Lookup::None,
        }
    }
}

fn begins_with(digest: &Digest, text: &str) -> bool {
    let whole = digest.to_text();
    let digits = whole.split_once(':').map_or(whole.as_str(), |(_, digits)| digits);
    !text.is_empty() && (whole.starts_with(text) || digits.starts_with(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::test_cache::TestCache;

    #[test]
    fn an_image_is_found_by_reference_digest_and_beginning() {
        let cache = TestCache::new();
        for name in ["abc", "abd", "ab"] {
            cache.image(name);
        }
        cache.tag("example.com/a:1", "abc");
        cache.tag("abd", "abc");
        cache.tag("example.com/gone:1", "gone");
        cache.tag("sha256:abd", "gone");
        cache.tag("ab", "gone");
        std::fs::create_dir(cache.path("tmp-gc-sha256-hidden")).unwrap();
        cache.tag("example.com/hidden:1", "hidden");
        let inventory = Cache::open(cache.dir()).unwrap().unwrap().inventory().unwrap();
        let names = |text: &str| match inventory.find(text) {
            Lookup::None => vec![],
            Lookup::One(digest) => vec![digest.to_text()],
            Lookup::Many(digests) => digests.iter().map(Digest::to_text).collect(),
            Lookup::Hidden(digest) => vec![format!("hidden {}", digest.to_text())],
            Lookup::Dangling(digest) => vec![format!("no {}", digest.to_text())],
        };
        for (text, found) in [
            ("example.com/a:1", &["sha256:abc"][..]),
            ("sha256:abc", &["sha256:abc"]),
            ("sha256:ab", &["sha256:ab"]),
            ("sha256:a", &["sha256:ab", "sha256:abc", "sha256:abd"]),
            ("abd", &["sha256:abc"]),
            ("example.com/gone:1", &["no sha256:gone"]),
            ("example.com/hidden:1", &["hidden sha256:hidden"]),
            ("sha256:abd", &["sha256:abd"]),
            ("ab", &["no sha256:gone"]),
            ("sha256:hid", &["hidden sha256:hidden"]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(text), found, "{text:?}");
        }
    }
}

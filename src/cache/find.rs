//! Looking up an image by name.

use super::digest::Digest;
use super::entry::{EntryKind, Leftover};
use super::inventory::Inventory;
use super::ref_file::Ref;

/// The image that a text refers to. Returned by [`Inventory::find`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lookup {
    /// No image.
    None,
    /// Exactly this image.
    One(Digest),
    /// Any of these images, two or more.
    Many(Vec<Digest>),
    /// This image, hidden by a gc. The gc may put it back or be about to remove it.
    Hidden(Digest),
    /// This image, which is missing: only a dangling reference points to it.
    Dangling(Digest),
    /// No image, but this layer.
    Layer(Digest),
}

impl Inventory {
    /// Finds the image that `text` refers to. The first of these rules that matches anything
    /// applies:
    ///
    /// 1. a whole digest, or the name of its entry, `sha256-…`;
    /// 2. a whole reference;
    /// 3. the end of a reference in whole components: `b` or `a/b` for `ghcr.io/a/b:latest`.
    ///    Without a tag, `latest` is meant. A tag alone matches nothing;
    /// 4. a prefix of a digest of at least four hex digits, with or without `sha256:`.
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
    /// assert_eq!(inventory.find("b"), Lookup::One(image.clone()));
    /// assert_eq!(inventory.find("8432e3"), Lookup::One(image));
    /// assert!(matches!(inventory.find("8432"), Lookup::Many(images) if images.len() == 2));
    /// assert_eq!(inventory.find("ghcr.io/a/c:latest"), Lookup::None);
    /// # Ok(())
    /// # }
    /// ```
    pub fn find(&self, text: &str) -> Lookup {
        let digests = |is_meant: fn(&Digest, &str) -> bool| {
            let known = self.known().filter(|digest| is_meant(digest, text));
            known.cloned().collect::<Vec<_>>()
        };
        let named = |is_meant: fn(&str, &str) -> bool| {
            let is_meant =
                |found: &&Ref| found.image.as_deref().is_some_and(|image| is_meant(image, text));
            let refs = self.refs.refs.iter().filter(is_meant);
            refs.map(|found| found.digest.clone()).collect::<Vec<_>>()
        };
        let mut found = digests(is_whole);
        if found.is_empty() {
            found = named(|image, text| image == text);
        }
        if found.is_empty() {
            found = named(ends_with);
        }
        if found.is_empty() {
            found = digests(begins_with);
        }
        found.sort();
        found.dedup();
        if found.is_empty() {
            return self.layer(text).map_or(Lookup::None, Lookup::Layer);
        }
        self.lookup(found)
    }

    /// The layer with this digest or a digest that starts with this text.
    fn layer(&self, text: &str) -> Option<Digest> {
        let mut layers = self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Layer(digest) => Some(digest),
            _ => None,
        });
        layers.find(|layer| is_whole(layer, text) || begins_with(layer, text)).cloned()
    }

    /// The digests of all images, including hidden ones.
    fn known(&self) -> impl Iterator<Item = &Digest> {
        self.entries.iter().filter_map(|entry| match &entry.kind {
            EntryKind::Image(digest) | EntryKind::Leftover(Leftover::Hidden(digest)) => {
                Some(digest)
            }
            _ => None,
        })
    }

    /// The result for these digests. Images in place take precedence over the others.
    fn lookup(&self, digests: Vec<Digest>) -> Lookup {
        let is_there = |digest: &Digest| self.images().any(|(_, image)| image == digest);
        let is_hidden = |digest: &&Digest| self.known().any(|known| known == *digest);
        let mut there: Vec<_> = digests.iter().filter(|digest| is_there(digest)).cloned().collect();
        match (there.len(), digests.iter().find(is_hidden), digests.first()) {
            (1, ..) => Lookup::One(there.remove(0)),
            (2.., ..) => Lookup::Many(there),
            (0, Some(hidden), _) => Lookup::Hidden(hidden.clone()),
            (0, None, Some(gone)) => Lookup::Dangling(gone.clone()),
            (0, None, None) => Lookup::None,
        }
    }
}

/// Whether a text is a whole digest or the name of its entry.
fn is_whole(digest: &Digest, text: &str) -> bool {
    let whole = digest.to_text();
    text.replacen('-', ":", 1) == whole || text == whole
}

/// Whether a text is the end of a reference: whole components and the same tag.
fn ends_with(reference: &str, text: &str) -> bool {
    let ((path, tag), (asked, asked_tag)) = (parts(reference), parts(text));
    let rest = path.strip_suffix(asked).filter(|_| !asked.is_empty());
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/')) && tag == asked_tag
}

/// The path of a reference, and its tag or digest. The tag defaults to `latest`.
pub(super) fn parts(reference: &str) -> (&str, &str) {
    if let Some((path, digest)) = reference.split_once('@') {
        return (path, digest);
    }
    match reference.rsplit_once(':') {
        // Otherwise the colon precedes a port number.
        Some((path, tag)) if !tag.contains('/') => (path, tag),
        _ => (reference, "latest"),
    }
}

/// The shortest prefix of a digest that is accepted.
const FEWEST_DIGITS: usize = 4;

/// Whether a text is a prefix of a digest. The algorithm alone does not count.
fn begins_with(digest: &Digest, text: &str) -> bool {
    let (whole, text) = (digest.to_text(), text.to_ascii_lowercase());
    let text = text.strip_prefix("sha256:").or(text.strip_prefix("sha256-")).unwrap_or(&text);
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digits = whole.split_once(':').map_or(whole.as_str(), |(_, digits)| digits);
    text.len() >= FEWEST_DIGITS && is_hex && digits.to_ascii_lowercase().starts_with(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Cache;
    use crate::test_cache::TestCache;

    #[test]
    fn an_image_is_found_by_digest_reference_suffix_and_prefix() {
        let cache = TestCache::new();
        for name in ["abcd1", "abcd2", "abcd", "live"] {
            cache.image(name);
        }
        cache.tag("ghcr.io/brood-box/agent-1:latest", "abcd1");
        cache.tag("localhost:5000/agent-2", "abcd2");
        cache.tag("ghcr.io/other/agent-2:v1", "live");
        cache.tag("docker.io/library/busybox:1", "abcd1");
        cache.tag("ghcr.io/a/pinned@sha256:abcd2", "abcd2");
        cache.tag("example.com/gone:1", "gone");
        cache.tag("abcd2", "abcd1");
        cache.layer("beef1");
        std::fs::create_dir(cache.path("tmp-gc-sha256-faced")).unwrap();
        cache.tag("example.com/hidden:1", "faced");
        let inventory = Cache::open(cache.dir()).unwrap().unwrap().inventory().unwrap();
        let names = |text: &str| match inventory.find(text) {
            Lookup::None => vec![],
            Lookup::One(digest) => vec![digest.to_text()],
            Lookup::Many(digests) => digests.iter().map(Digest::to_text).collect(),
            Lookup::Hidden(digest) => vec![format!("hidden {}", digest.to_text())],
            Lookup::Dangling(digest) => vec![format!("no {}", digest.to_text())],
            Lookup::Layer(digest) => vec![format!("layer {}", digest.to_text())],
        };
        for (text, found) in [
            ("sha256:abcd", &["sha256:abcd"][..]),
            ("sha256-live", &["sha256:live"]),
            ("ghcr.io/brood-box/agent-1:latest", &["sha256:abcd1"]),
            ("ghcr.io/brood-box/agent-1", &["sha256:abcd1"]),
            ("brood-box/agent-1", &["sha256:abcd1"]),
            ("agent-1", &["sha256:abcd1"]),
            ("agent-1:latest", &["sha256:abcd1"]),
            ("agent-1:v1", &[]),
            ("gent-1", &[]),
            ("agent-2", &["sha256:abcd2"]),
            ("agent-2:v1", &["sha256:live"]),
            ("busybox", &[]),
            ("busybox:1", &["sha256:abcd1"]),
            ("pinned", &[]),
            ("pinned@sha256:abcd2", &["sha256:abcd2"]),
            (":latest", &[]),
            ("latest", &[]),
            ("1", &[]),
            // A whole reference takes precedence over the beginning of a digest.
            ("abcd2", &["sha256:abcd1"]),
            ("ABCD", &["sha256:abcd", "sha256:abcd1", "sha256:abcd2"]),
            ("sha256:ABCD1", &["sha256:abcd1"]),
            ("abc", &[]),
            ("sha256:abc", &[]),
            ("sha256:", &[]),
            ("sha256", &[]),
            ("sha256-", &[]),
            ("s", &[]),
            ("live", &[]),
            ("example.com/gone:1", &["no sha256:gone"]),
            ("gone:1", &["no sha256:gone"]),
            ("hidden:1", &["hidden sha256:faced"]),
            ("face", &["hidden sha256:faced"]),
            ("sha256:beef1", &["layer sha256:beef1"]),
            ("beef", &["layer sha256:beef1"]),
            ("x", &[]),
            ("", &[]),
        ] {
            assert_eq!(names(text), found, "{text:?}");
        }
    }
}

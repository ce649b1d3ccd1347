//! Names of entries that are being removed.
//!
//! There are two kinds of names, because a gc may be killed between any two of its steps, and the
//! next one has to know how far it got:
//!
//! - `tmp-gc-<name>`: an image that is hidden from its readers but whole. If a reference to it
//!   turns up, it is put back.
//! - `tmp-gc-dead-<name>`: an entry whose removal has begun. It is never put back.
//!
//! A number between prefix and name distinguishes copies left by several interrupted runs.

use super::digest::Digest;
use super::entry_name::EntryName;

/// The prefix of all these names.
pub(crate) const TRASH_PREFIX: &str = "tmp-gc-";
const DEAD_PREFIX: &str = "tmp-gc-dead-";
/// The longest name that is kept whole. File systems allow 255 bytes including prefix and number.
const KEPT_BYTES: usize = 200;

/// How far the removal of an entry got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrashStage {
    /// Hidden, but whole.
    Hidden,
    /// Possibly no longer whole.
    Dead,
}

impl TrashStage {
    /// The name of entry `own` at this stage. A later run can only put an entry back if its whole
    /// name is kept, so an entry with a longer name counts as dead at once.
    pub fn name_of(self, own: &EntryName, number: u32) -> EntryName {
        let kept = &own.as_bytes()[..own.as_bytes().len().min(KEPT_BYTES)];
        let is_whole = kept.len() == own.as_bytes().len();
        let prefix = match self {
            Self::Hidden if is_whole => TRASH_PREFIX,
            _ => DEAD_PREFIX,
        };
        let number = if number == 0 { String::new() } else { format!("{number}-") };
        let bytes = [prefix.as_bytes(), number.as_bytes(), kept].concat();
        EntryName::new(bytes).expect("a prefix and a part of a plain name are a plain name")
    }
}

/// The stage in a name, and the digest that the entry had before. `None` for other names. Only
/// images are ever hidden, so any other entry with such a name is dead.
pub(crate) fn former_name(name: &EntryName) -> Option<(TrashStage, Option<Digest>)> {
    let (stage, own) = split(name)?;
    let digest = EntryName::new(own).and_then(|own| Digest::of_entry(&own));
    let stage = if digest.is_some() { stage } else { TrashStage::Dead };
    Some((stage, digest))
}

/// The original name of a ref file that a gc has hidden.
pub(crate) fn former_ref_file(name: &EntryName) -> Option<EntryName> {
    let (_, own) = split(name)?;
    EntryName::new(own).filter(EntryName::is_hash)
}

fn split(name: &EntryName) -> Option<(TrashStage, &[u8])> {
    let rest = name.as_bytes().strip_prefix(TRASH_PREFIX.as_bytes())?;
    let (stage, rest) = match name.as_bytes().strip_prefix(DEAD_PREFIX.as_bytes()) {
        Some(rest) => (TrashStage::Dead, rest),
        None => (TrashStage::Hidden, rest),
    };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match rest.get(digits) {
        Some(b'-') if digits > 0 => Some((stage, &rest[digits + 1..])),
        _ => Some((stage, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName::new(text).unwrap()
    }

    #[test]
    fn a_trash_name_has_the_former_name_and_the_stage() {
        use TrashStage::{Dead, Hidden};
        for (stage, number, trash) in [
            (Hidden, 0, "tmp-gc-sha256-a"),
            (Hidden, 2, "tmp-gc-2-sha256-a"),
            (Dead, 0, "tmp-gc-dead-sha256-a"),
            (Dead, 1000, "tmp-gc-dead-1000-sha256-a"),
        ] {
            assert_eq!(stage.name_of(&name("sha256-a"), number), name(trash));
            let digest = Digest::of_entry(&name("sha256-a"));
            assert_eq!(former_name(&name(trash)), Some((stage, digest)), "{trash}");
        }
    }

    #[test]
    fn only_a_name_like_the_owners_refs_was_a_ref() {
        let hash = "0123456789abcdef".repeat(4);
        for (trash, file) in [
            (format!("tmp-gc-{hash}"), Some(&hash)),
            (format!("tmp-gc-7-{hash}"), Some(&hash)),
            (hash.clone(), None),
            ("tmp-gc-notes".to_owned(), None),
        ] {
            assert_eq!(former_ref_file(&name(&trash)), file.map(|file| name(file)), "{trash}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_put_back_is_dead() {
        for other in ["tmp-gc-", "tmp-gc-notes", "tmp-gc-2-", "tmp-gc-dead-", "tmp-gc-dead-x"] {
            assert_eq!(former_name(&name(other)), Some((TrashStage::Dead, None)), "{other}");
        }
        let long = name(&format!("sha256-{}", "x".repeat(248)));
        let trash = TrashStage::Hidden.name_of(&long, u32::MAX);
        assert_eq!(former_name(&trash).unwrap().0, TrashStage::Dead);
        assert!(trash.as_bytes().len() <= 255);
        assert_eq!(former_name(&name("tmp-rootfs-1")), None);
    }
}

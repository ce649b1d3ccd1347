//! What an entry is called while it is being removed.
//!
//! There are two such names, because a collector may be killed between any two of its steps, and
//! the next one has to know how far it had come:
//!
//! - `tmp-gc-<name>`: an image that is hidden from its readers, and whole. If a ref turns up that
//!   names it, it goes back to its place.
//! - `tmp-gc-dead-<name>`: its removal has begun, nothing brings it back.
//!
//! A number between prefix and name sets copies apart that several interrupted runs have left.

use super::digest::Digest;
use super::entry_name::EntryName;

/// What every such name begins with.
pub(crate) const TRASH_PREFIX: &str = "tmp-gc-";
const DEAD_PREFIX: &str = "tmp-gc-dead-";
/// The longest name that is kept whole; file systems allow 255 bytes with prefix and number.
const KEPT_BYTES: usize = 200;

/// How far the removal of an entry has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TrashStage {
    /// Out of the way, and whole.
    Hidden,
    /// Perhaps no longer whole.
    Dead,
}

impl TrashStage {
    /// What `own` is called at this stage. Only a whole name can be found back by a later run, so
    /// an entry whose name is too long for that is called dead at once.
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

/// What an entry was called before it got this name, and how far its removal has come. `None` for
/// a name that is none of these. Only images are ever hidden; whatever else is called so is dead.
pub(crate) fn former_name(name: &EntryName) -> Option<(TrashStage, Option<Digest>)> {
    let (stage, own) = split(name)?;
    let digest = EntryName::new(own).and_then(|own| Digest::of_entry(&own));
    let stage = if digest.is_some() { stage } else { TrashStage::Dead };
    Some((stage, digest))
}

/// What a ref file was called before a collection hid it.
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
    fn a_name_tells_what_it_was_and_how_far_its_removal_has_come() {
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
    fn only_what_is_called_like_a_ref_of_the_owner_was_one() {
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
    fn what_cannot_be_found_back_is_dead() {
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

//! What a run of this program tells other runs about itself.

/// What a run of this program does, for other runs to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    any(not(target_os = "linux"), bbox_portable),
    allow(dead_code, reason = "nothing shows it there")
)]
pub(crate) enum Role {
    /// It only walks the cache, as this process may.
    Walker,
    /// It keeps an image.
    Leaseholder,
}

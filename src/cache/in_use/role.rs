//! The role of a run of this program, for other runs to see.

/// What a run of this program does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(
    any(not(target_os = "linux"), bbox_portable),
    allow(dead_code, reason = "nothing shows it there")
)]
pub(crate) enum Role {
    /// It only walks the cache.
    Walker,
    /// It protects an image.
    Leaseholder,
}

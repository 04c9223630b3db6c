//! One file: three layers and the damage on top of them.

use super::change::Pending;
use super::layer::Layer;
use super::overlay::Overlay;

/// A file in all its layers.
///
/// Invariant: `cache` is `durable` with `pending` applied in order, unless a sync failed: what that covered is
/// in `cache` alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct File {
    /// What reads see.
    pub(crate) cache: Layer,
    /// What a power cut leaves for sure.
    pub(crate) durable: Layer,
    /// Changes that no sync covered yet, in the order in which they took effect.
    pub(crate) pending: Vec<Pending>,
    /// Damage to what is read.
    pub(crate) overlay: Overlay,
    /// The next write lands elsewhere.
    pub(crate) misdirect: bool,
    /// Descriptors and operations in flight.
    pub(crate) holders: u32,
    /// Names in the cached view.
    pub(crate) names: u32,
    /// The descriptor that has the lock.
    pub(crate) locked_by: Option<u32>,
}

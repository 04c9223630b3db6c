//! Planted bugs: `mutant!(S04)` is `false`, and gone, unless the feature `mutants` is on; then it is true for
//! the one bug that `choose` named. They measure what the checks can see; nothing else may turn them on.

#[cfg(feature = "mutants")]
use std::sync::OnceLock;

#[cfg(feature = "mutants")]
static CHOSEN: OnceLock<String> = OnceLock::new();

/// Plants the bug called `id` for the rest of the process. Once: a second call is ignored.
#[cfg(feature = "mutants")]
pub fn choose(id: &str) {
    CHOSEN.get_or_init(|| id.to_owned());
}

/// Whether the bug called `id` is planted.
#[cfg(feature = "mutants")]
pub fn is_planted(id: &str) -> bool {
    CHOSEN.get().is_some_and(|chosen| chosen == id)
}

/// Whether the bug called `id` is planted: never in a build without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "the branch must vanish from the shipped binary"
)]
pub const fn is_planted(_id: &str) -> bool {
    false
}

/// Whether the planted bug of this name is on.
#[macro_export]
macro_rules! mutant {
    ($id:ident) => {
        $crate::mutant::is_planted(::core::stringify!($id))
    };
}

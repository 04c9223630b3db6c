//! What a lane is.

use super::step::Step;

/// One row of the table: a question about the tree, what answering it may cost, and the commands that answer it.
#[derive(Debug)]
pub(super) struct Lane {
    /// What it is called on the command line.
    pub(super) name: &'static str,
    /// What it shows, in a few words.
    pub(super) about: &'static str,
    /// How many minutes it may take on a new machine with two cores, everything it builds and installs included.
    pub(super) minutes: u64,
    /// Programs that must be there, beside cargo. A lane installs everything else that it needs by itself.
    pub(super) needs: &'static [&'static str],
    /// What continuous integration runs.
    pub(super) short: &'static [Step],
    /// What `--full` runs, for those with more time.
    pub(super) full: &'static [Step],
}

impl Lane {
    /// Whether `--full` makes a difference.
    pub(super) fn has_full_form(&self) -> bool {
        self.short != self.full
    }
}

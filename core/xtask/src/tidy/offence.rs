//! One thing that is not as it should be.

use std::fmt;

/// Where, what, and how to mend it, in one line: `file:line: what; the fix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offence {
    path: String,
    line: usize,
    what: String,
    fix: String,
}

impl Offence {
    /// An offence at a line, counted from 1.
    pub(crate) fn new(
        path: &str,
        line: usize,
        what: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            path: path.to_owned(),
            line,
            what: what.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Offence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            what,
            fix,
        } = self;
        write!(formatter, "{path}:{line}: {what}; {fix}")
    }
}

/// The line of a manifest on which `key` is set; the first when it is nowhere, as for an inherited thing.
pub(crate) fn line_of_key(manifest: &str, key: &str) -> usize {
    let sets = |line: &str| {
        let behind = line.trim_start().trim_start_matches('"').strip_prefix(key);
        behind.is_some_and(|rest| rest.starts_with(['.', ' ', '=', '"']))
    };
    manifest.lines().position(sets).map_or(1, |index| index + 1)
}

/// No line at all, for a test that expects no offence.
#[cfg(test)]
pub(crate) const NOWHERE: [usize; 0] = [];

/// Where the offences are.
#[cfg(test)]
pub(crate) fn places(offences: &[Offence]) -> Vec<(&str, usize)> {
    offences
        .iter()
        .map(|offence| (offence.path.as_str(), offence.line))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offence_reads_as_one_line() {
        let offence = Offence::new("core/log/src/a.rs", 3, "a tab", "use spaces");
        assert_eq!(
            offence.to_string(),
            "core/log/src/a.rs:3: a tab; use spaces"
        );
    }

    #[test]
    fn the_line_of_a_key_is_not_that_of_its_longer_neighbour() {
        let manifest =
            "[dependencies]\nserde_json.workspace = true\nserde = { workspace = true }\n";
        assert_eq!(line_of_key(manifest, "serde"), 3);
        assert_eq!(line_of_key(manifest, "serde_json"), 2);
        assert_eq!(line_of_key(manifest, "tokio"), 1);
    }
}

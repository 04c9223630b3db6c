//! A replica in words.

use core::fmt;

use crate::group::Group;

impl Group {
    /// Everything that its next steps depend on but chance, in words: for those who look at all states that there are.
    pub fn state(&self) -> String {
        let Self {
            me,
            settings: _,
            prng: _,
            now,
            hard,
            log,
            commit,
            visible,
            unflushed,
            role,
            leader,
            contact,
            election_at,
            patience_ms: _,
            busy: _,
            lacks: _,
            noted: _,
            left: _,
            trusted: _,
            held,
            proposals,
            deferred,
            broken,
            #[cfg(feature = "trace")]
                lines: _,
        } = self;
        format!(
            "{me} {now:?} {hard:?} {log:?} {commit} {visible} {unflushed:?} {role:?} {leader:?} {contact:?} {election_at:?} {held:?} \
             {proposals:?} {deferred:?} {broken}"
        )
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { me, commit, .. } = self;
        write!(
            f,
            "{me} {} term {} last {} flushed {} commit {commit}",
            self.role.name(),
            self.term(),
            self.log.last(),
            self.log.flushed(),
        )
    }
}

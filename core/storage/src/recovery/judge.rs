//! What to believe of a log that ends badly. Pure: evidence in, verdict out.
//!
//! | first bad frame `b` | verdict | what is done |
//! |---|---|---|
//! | there is none | whole | nothing |
//! | `b <= c*` | lost committed | never cut: fenced, the file kept, what is below is served |
//! | `c* < b <= F` | durable and unreadable | never cut: fenced likewise |
//! | behind both, and all that follows was searched | torn tail | cut: it was never acknowledged |
//! | behind both, and not all could be searched | cannot tell | never cut: fenced likewise |
//!
//! `c*` is the largest commit that any readable frame names, those behind the bad one included: writes that were
//! not synced reach the disk in any order, so a readable frame behind a bad one proves nothing by itself, but its
//! commit does. `F` is what is known to have been durable: a segment is begun only behind durable ones. A footer says as much
//! of its own segment, and where it is believed no frame is read and none is bad.

use model::LogIndex;
use stdx::mutant;

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The first frame that is missing or bad; the next one to come, where the log ends well.
    pub first_bad: LogIndex,
    /// The file ends exactly behind the last good frame.
    pub ends_well: bool,
    /// `c*`: the largest commit of all readable frames.
    pub commit_seen: LogIndex,
    /// `F`: the last frame that is known to have been durable.
    pub claimed: LogIndex,
    /// Everything behind the bad frame could be searched.
    pub searched_all: bool,
}

/// What to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is missing.
    Whole,
    /// What is bad was never acknowledged.
    TornTail,
    /// A committed frame is bad.
    LostCommitted,
    /// A frame that was durable is bad.
    ClaimedUnreadable,
    /// A committed frame may be bad.
    CannotTell,
}

/// Decides.
pub fn judge(evidence: &Evidence) -> Verdict {
    let Evidence {
        first_bad,
        ends_well,
        commit_seen,
        claimed,
        searched_all,
    } = *evidence;
    if mutant!(S02) && first_bad <= commit_seen.max(claimed) {
        Verdict::TornTail
    } else if first_bad <= commit_seen {
        Verdict::LostCommitted
    } else if first_bad <= claimed {
        Verdict::ClaimedUnreadable
    } else if ends_well {
        Verdict::Whole
    } else if searched_all {
        Verdict::TornTail
    } else {
        Verdict::CannotTell
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_row_of_the_table() {
        let check = |(first_bad, commit_seen, claimed), ends_well, searched_all| {
            judge(&Evidence {
                first_bad: LogIndex(first_bad),
                ends_well,
                commit_seen: LogIndex(commit_seen),
                claimed: LogIndex(claimed),
                searched_all,
            })
        };
        assert_eq!(check((8, 7, 0), true, true), Verdict::Whole);
        assert_eq!(check((8, 7, 7), false, true), Verdict::TornTail);
        assert_eq!(check((8, 8, 0), false, true), Verdict::LostCommitted);
        assert_eq!(check((8, 7, 8), false, true), Verdict::ClaimedUnreadable);
        assert_eq!(check((8, 7, 8), true, true), Verdict::ClaimedUnreadable);
        assert_eq!(check((8, 7, 0), false, false), Verdict::CannotTell);
    }

    proptest! {
        #[test]
        fn nothing_committed_or_durable_is_ever_cut(
            first_bad in 1_u64..20, commit_seen in 0_u64..20, claimed in 0_u64..20, ends_well: bool, searched_all: bool,
        ) {
            let evidence = Evidence {
                first_bad: LogIndex(first_bad), ends_well, commit_seen: LogIndex(commit_seen),
                claimed: LogIndex(claimed), searched_all,
            };
            if judge(&evidence) == Verdict::TornTail {
                prop_assert!(first_bad > commit_seen && first_bad > claimed && searched_all);
            }
        }
    }
}

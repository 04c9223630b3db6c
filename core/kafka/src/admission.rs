//! What a frame may cost, decided by its first eight bytes: before any memory is given to it.

use protocol::messages::request_memory_bound;
use protocol::{ApiKey, frame_bytes_max};
use runtime::PAGE_BYTES;

use crate::closed::Closed;
use crate::config::SHORT_QUESTION_BYTES_MAX;
use crate::frame::Head;
use crate::memory::{Budgets, Memory};

/// A frame that may be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// What it asks.
    pub(crate) api: ApiKey,
    /// In which version; one that is not served only where [`ApiKey::ApiVersions`] is asked.
    pub(crate) version: i16,
    /// The kind of memory that it takes.
    pub(crate) memory: Memory,
    /// Bytes of memory of the frame itself.
    pub(crate) frame_bytes: usize,
    /// Bytes of memory to lease for it: the frame, what decoding it may allocate, and as much again for what its
    /// answer says about each thing that it names.
    pub(crate) lease_bytes: usize,
}

/// Checks a frame against what is served and what there is memory for.
pub(crate) fn admit(head: &Head, budgets: &Budgets) -> Result<Admission, Closed> {
    admit_within(head, |memory| budgets.of(memory).limit())
}

fn admit_within(head: &Head, limit: impl Fn(Memory) -> usize) -> Result<Admission, Closed> {
    let unknown = |_unknown| Closed::UnknownApi(head.api_key);
    let api = ApiKey::try_from(head.api_key).map_err(unknown)?;
    let version = head.version;
    let memory_bound = match (api, request_memory_bound(api, version)) {
        // Records are sliced and everything else is read in place.
        (ApiKey::Produce, Some(_owned)) => 0,
        // Answered in the layout of version 0, whatever it says.
        (ApiKey::ApiVersions, None) => 0,
        (_, Some(bound)) => bound,
        (_, None) if is_served(api) => return Err(Closed::UnsupportedVersion { api, version }),
        (_, None) => return Err(Closed::UnknownApi(head.api_key)),
    };
    let per_byte = 1 + 2 * memory_bound;
    let frame_bytes = head.bytes.next_multiple_of(PAGE_BYTES);
    let lease_bytes = frame_bytes + head.bytes * (per_byte - 1);
    let memory = match api {
        ApiKey::Produce => Memory::Writes,
        _ if lease_bytes <= SHORT_QUESTION_BYTES_MAX => Memory::ShortQuestions,
        _ => Memory::LongQuestions,
    };
    let room = limit(memory).saturating_sub(PAGE_BYTES) / per_byte;
    let bytes_max = frame_bytes_max(api).min(room);
    if head.bytes > bytes_max {
        return Err(Closed::FrameTooLarge {
            api,
            bytes: head.bytes,
            bytes_max,
        });
    }
    Ok(Admission {
        api,
        version,
        memory,
        frame_bytes,
        lease_bytes,
    })
}

fn is_served(api: ApiKey) -> bool {
    protocol::SERVED.iter().any(|&(served, _, _)| served == api)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: usize = 64 << 20;

    fn check(api_key: i16, version: i16, bytes: usize) -> Result<Admission, Closed> {
        admit_within(&Head::of(api_key, version, bytes), |_| BUDGET)
    }

    #[test]
    fn a_lease_covers_the_frame_and_stays_within_the_budget() {
        for &(api, min, max) in &protocol::SERVED {
            for version in min..=max {
                for bytes in [10, PAGE_BYTES, 1 << 20] {
                    let Ok(admission) = check(api.number(), version, bytes) else {
                        continue;
                    };
                    assert!(admission.lease_bytes >= bytes);
                    assert!(admission.lease_bytes <= BUDGET, "{api} {version} {bytes}");
                }
                assert!(check(api.number(), version, BUDGET + 1).is_err());
            }
        }
    }

    #[test]
    fn only_a_question_for_versions_may_be_of_any_version() {
        assert!(check(18, 99, 100).is_ok());
        assert!(check(18, -1, 100).is_ok());
        let unsupported = Closed::UnsupportedVersion {
            api: ApiKey::Produce,
            version: 2,
        };
        assert_eq!(check(0, 2, 100), Err(unsupported));
        assert_eq!(check(4, 0, 100), Err(Closed::UnknownApi(4)));
        assert_eq!(check(-7, 0, 100), Err(Closed::UnknownApi(-7)));
    }

    #[test]
    fn small_questions_have_small_frames() {
        assert!(check(18, 0, 17 << 10).is_err());
        assert!(check(3, 0, 3 << 20).is_err());
        assert!(check(0, 9, 3 << 20).is_ok());
    }
}

//! What both sides speak.

use std::collections::BTreeMap;

use protocol::{ApiKey, ApiVersionsResponse, Message};

use crate::error::ClientError;

/// The versions of each API that a broker speaks, cut to those that this client is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Versions {
    ranges: BTreeMap<i16, (i16, i16)>,
}

impl Versions {
    /// What a broker listed, with the newest versions that the client is allowed.
    pub fn new(listed: &ApiVersionsResponse, caps: &[(ApiKey, i16)]) -> Self {
        let ranges = listed.api_keys.iter();
        let mut ranges: BTreeMap<i16, (i16, i16)> = ranges
            .map(|api| (api.api_key, (api.min_version, api.max_version)))
            .collect();
        for (api, cap) in caps {
            if let Some((_, max)) = ranges.get_mut(&api.number()) {
                *max = (*max).min(*cap);
            }
        }
        Self { ranges }
    }

    /// What the broker listed of `api`.
    pub fn range(&self, api: ApiKey) -> Option<(i16, i16)> {
        self.ranges.get(&api.number()).copied()
    }

    /// The newest version of `M` that both sides speak, none above `version_max`.
    pub fn choose<M: Message>(&self, version_max: i16) -> Result<i16, ClientError> {
        let none = ClientError::NoCommonVersion(M::KEY);
        let (min, max) = self.range(M::KEY).ok_or_else(|| none.clone())?;
        let version = max.min(M::MAX_VERSION).min(version_max);
        if version < min.max(M::MIN_VERSION) {
            return Err(none);
        }
        Ok(version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::api_versions::ApiVersion;
    use protocol::{MetadataRequest, ProduceRequest};

    #[test]
    fn the_newest_common_version_is_chosen_or_none() {
        let listed = |min_version, max_version| ApiVersionsResponse {
            api_keys: vec![ApiVersion {
                api_key: 0,
                min_version,
                max_version,
            }],
            ..ApiVersionsResponse::default()
        };
        let choose = |min, max, caps: &[_], most| {
            Versions::new(&listed(min, max), caps).choose::<ProduceRequest>(most)
        };
        let none = Err(ClientError::NoCommonVersion(ApiKey::Produce));
        assert_eq!(choose(0, 99, &[], i16::MAX), Ok(13));
        assert_eq!(choose(0, 9, &[], i16::MAX), Ok(9));
        assert_eq!(choose(0, 99, &[(ApiKey::Produce, 7)], i16::MAX), Ok(7));
        assert_eq!(choose(0, 99, &[], 12), Ok(12));
        assert_eq!(choose(0, 2, &[], i16::MAX), none);
        let metadata = Versions::default().choose::<MetadataRequest>(1);
        assert_eq!(
            metadata,
            Err(ClientError::NoCommonVersion(ApiKey::Metadata))
        );
    }
}

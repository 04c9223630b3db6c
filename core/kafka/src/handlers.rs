//! One file per API key. Each opens with the same headings, from which the compatibility table is made:
//! `# Versions`, `# Behaviour`, `# Not done`, `# Version notes`, `# Errors`.

pub(crate) mod api_versions;
pub(crate) mod create_topics;
pub(crate) mod fetch;
pub(crate) mod list_offsets;
pub(crate) mod metadata;
pub(crate) mod offset_for_leader_epoch;
pub(crate) mod produce;
pub(crate) mod topics;

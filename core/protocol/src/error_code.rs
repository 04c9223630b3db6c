//! Kafka's error codes.
//!
//! The numbers, the names and which of them a client may try again are Kafka's 4.4; the words are ours. A handler
//! that knows more says so in the message field of its answer, where there is one.

use core::fmt;

macro_rules! error_codes {
    ($($(#[$attribute:meta])* $name:ident = $code:literal $kafka:literal $retriable:literal $text:literal;)*) => {
        /// What a broker tells a client that it did not do, and why.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        pub enum ErrorCode {
            $(#[doc = concat!("`", $kafka, "`: ", $text, ".")] $(#[$attribute])* $name = $code,)*
        }

        impl ErrorCode {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its number on the wire.
            pub const fn code(self) -> i16 {
                match self { $(Self::$name => $code,)* }
            }

            /// Its name as Kafka spells it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $kafka,)* }
            }

            /// Whether the same request may succeed later, as Kafka's own clients see it.
            pub const fn is_retriable(self) -> bool {
                match self { $(Self::$name => $retriable,)* }
            }

            /// What it means, in one phrase.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl TryFrom<i16> for ErrorCode {
            type Error = UnknownErrorCode;

            fn try_from(code: i16) -> Result<Self, UnknownErrorCode> {
                match code {
                    $($code => Ok(Self::$name),)*
                    _ => Err(UnknownErrorCode(code)),
                }
            }
        }
    };
}

error_codes! {
    UnknownServerError = -1 "UNKNOWN_SERVER_ERROR" false
        "the broker failed in a way it did not foresee";
    #[default]
    None = 0 "NONE" false
        "no error";
    OffsetOutOfRange = 1 "OFFSET_OUT_OF_RANGE" false
        "the offset lies outside of the log";
    CorruptMessage = 2 "CORRUPT_MESSAGE" true
        "the records are damaged, malformed, or lack a key that the topic needs";
    UnknownTopicOrPartition = 3 "UNKNOWN_TOPIC_OR_PARTITION" true
        "the topic or partition is not known here";
    InvalidFetchSize = 4 "INVALID_FETCH_SIZE" false
        "the size asked for is not possible";
    LeaderNotAvailable = 5 "LEADER_NOT_AVAILABLE" true
        "the partition has no leader at the moment";
    NotLeaderOrFollower = 6 "NOT_LEADER_OR_FOLLOWER" true
        "this broker does not lead the partition, or has no replica of it";
    RequestTimedOut = 7 "REQUEST_TIMED_OUT" true
        "the time given to the request ran out";
    BrokerNotAvailable = 8 "BROKER_NOT_AVAILABLE" false
        "the broker is not there";
    ReplicaNotAvailable = 9 "REPLICA_NOT_AVAILABLE" true
        "the replica is not there";
    MessageTooLarge = 10 "MESSAGE_TOO_LARGE" false
        "the record batch is larger than the topic allows";
    StaleControllerEpoch = 11 "STALE_CONTROLLER_EPOCH" false
        "another controller has taken over";
    OffsetMetadataTooLarge = 12 "OFFSET_METADATA_TOO_LARGE" false
        "the metadata beside the offset is too long";
    NetworkException = 13 "NETWORK_EXCEPTION" true
        "the connection ended before an answer came";
    CoordinatorLoadInProgress = 14 "COORDINATOR_LOAD_IN_PROGRESS" true
        "the coordinator is still reading its state";
    CoordinatorNotAvailable = 15 "COORDINATOR_NOT_AVAILABLE" true
        "the coordinator is not there";
    NotCoordinator = 16 "NOT_COORDINATOR" true
        "this broker is not the coordinator";
    InvalidTopicException = 17 "INVALID_TOPIC_EXCEPTION" false
        "the name of the topic is not allowed, or the operation not on this topic";
    RecordListTooLarge = 18 "RECORD_LIST_TOO_LARGE" false
        "the record batch is larger than a segment";
    NotEnoughReplicas = 19 "NOT_ENOUGH_REPLICAS" true
        "too few replicas are in sync to take the write";
    NotEnoughReplicasAfterAppend = 20 "NOT_ENOUGH_REPLICAS_AFTER_APPEND" true
        "the write was taken, but too few replicas were in sync to keep it safe";
    InvalidRequiredAcks = 21 "INVALID_REQUIRED_ACKS" false
        "acks must be -1, 0 or 1";
    IllegalGeneration = 22 "ILLEGAL_GENERATION" false
        "the generation of the group is another";
    InconsistentGroupProtocol = 23 "INCONSISTENT_GROUP_PROTOCOL" false
        "the member's protocols do not agree with the group's";
    InvalidGroupId = 24 "INVALID_GROUP_ID" false
        "the name of the group is not allowed";
    UnknownMemberId = 25 "UNKNOWN_MEMBER_ID" false
        "the coordinator does not know the member";
    InvalidSessionTimeout = 26 "INVALID_SESSION_TIMEOUT" false
        "the session timeout is outside of what the broker allows";
    RebalanceInProgress = 27 "REBALANCE_IN_PROGRESS" false
        "the group is rebalancing, join again";
    InvalidCommitOffsetSize = 28 "INVALID_COMMIT_OFFSET_SIZE" false
        "the offsets to be committed are too large";
    TopicAuthorizationFailed = 29 "TOPIC_AUTHORIZATION_FAILED" false
        "the caller may not do this with the topic";
    GroupAuthorizationFailed = 30 "GROUP_AUTHORIZATION_FAILED" false
        "the caller may not do this with the group";
    ClusterAuthorizationFailed = 31 "CLUSTER_AUTHORIZATION_FAILED" false
        "the caller may not do this with the cluster";
    InvalidTimestamp = 32 "INVALID_TIMESTAMP" false
        "the timestamp of a record is outside of what the topic allows, or of the wrong type";
    UnsupportedSaslMechanism = 33 "UNSUPPORTED_SASL_MECHANISM" false
        "the SASL mechanism is not offered here";
    IllegalSaslState = 34 "ILLEGAL_SASL_STATE" false
        "the request does not fit this step of the SASL exchange";
    UnsupportedVersion = 35 "UNSUPPORTED_VERSION" false
        "the version of the request is not served";
    TopicAlreadyExists = 36 "TOPIC_ALREADY_EXISTS" false
        "a topic of this name exists";
    InvalidPartitions = 37 "INVALID_PARTITIONS" false
        "the number of partitions is not possible";
    InvalidReplicationFactor = 38 "INVALID_REPLICATION_FACTOR" false
        "the replication factor is not possible with the brokers there are";
    InvalidReplicaAssignment = 39 "INVALID_REPLICA_ASSIGNMENT" false
        "the assignment of replicas is not possible";
    InvalidConfig = 40 "INVALID_CONFIG" false
        "a configuration value is not possible";
    NotController = 41 "NOT_CONTROLLER" true
        "this broker is not the controller";
    InvalidRequest = 42 "INVALID_REQUEST" false
        "the request contradicts itself or the protocol";
    UnsupportedForMessageFormat = 43 "UNSUPPORTED_FOR_MESSAGE_FORMAT" false
        "the format of the stored records cannot answer this";
    PolicyViolation = 44 "POLICY_VIOLATION" false
        "a policy of the cluster refuses the request";
    OutOfOrderSequenceNumber = 45 "OUT_OF_ORDER_SEQUENCE_NUMBER" false
        "the sequence number does not follow the producer's last one";
    DuplicateSequenceNumber = 46 "DUPLICATE_SEQUENCE_NUMBER" false
        "the sequence number was seen before";
    InvalidProducerEpoch = 47 "INVALID_PRODUCER_EPOCH" false
        "the epoch of the producer is an old one";
    InvalidTxnState = 48 "INVALID_TXN_STATE" false
        "the transaction is not in a state for this";
    InvalidProducerIdMapping = 49 "INVALID_PRODUCER_ID_MAPPING" false
        "the producer id does not belong to the transactional id";
    InvalidTransactionTimeout = 50 "INVALID_TRANSACTION_TIMEOUT" false
        "the transaction timeout is longer than the broker allows";
    ConcurrentTransactions = 51 "CONCURRENT_TRANSACTIONS" true
        "another operation on the transaction is under way";
    TransactionCoordinatorFenced = 52 "TRANSACTION_COORDINATOR_FENCED" false
        "another coordinator has taken over the transaction";
    TransactionalIdAuthorizationFailed = 53 "TRANSACTIONAL_ID_AUTHORIZATION_FAILED" false
        "the caller may not do this with the transactional id";
    SecurityDisabled = 54 "SECURITY_DISABLED" false
        "security is not set up here";
    OperationNotAttempted = 55 "OPERATION_NOT_ATTEMPTED" false
        "nothing was tried, since another part of the request failed";
    KafkaStorageError = 56 "KAFKA_STORAGE_ERROR" true
        "the disk failed";
    LogDirNotFound = 57 "LOG_DIR_NOT_FOUND" false
        "the broker has no such log directory";
    SaslAuthenticationFailed = 58 "SASL_AUTHENTICATION_FAILED" false
        "the credentials were not accepted";
    UnknownProducerId = 59 "UNKNOWN_PRODUCER_ID" false
        "nothing is known of the producer any more";
    ReassignmentInProgress = 60 "REASSIGNMENT_IN_PROGRESS" false
        "the partition is being reassigned";
    DelegationTokenAuthDisabled = 61 "DELEGATION_TOKEN_AUTH_DISABLED" false
        "delegation tokens are not set up here";
    DelegationTokenNotFound = 62 "DELEGATION_TOKEN_NOT_FOUND" false
        "the delegation token is not known";
    DelegationTokenOwnerMismatch = 63 "DELEGATION_TOKEN_OWNER_MISMATCH" false
        "the delegation token belongs to somebody else";
    DelegationTokenRequestNotAllowed = 64 "DELEGATION_TOKEN_REQUEST_NOT_ALLOWED" false
        "delegation tokens are not handled on such a connection";
    DelegationTokenAuthorizationFailed = 65 "DELEGATION_TOKEN_AUTHORIZATION_FAILED" false
        "the caller may not do this with the delegation token";
    DelegationTokenExpired = 66 "DELEGATION_TOKEN_EXPIRED" false
        "the delegation token has expired";
    InvalidPrincipalType = 67 "INVALID_PRINCIPAL_TYPE" false
        "the type of principal is not known";
    NonEmptyGroup = 68 "NON_EMPTY_GROUP" false
        "the group has members";
    GroupIdNotFound = 69 "GROUP_ID_NOT_FOUND" false
        "the group is not known";
    FetchSessionIdNotFound = 70 "FETCH_SESSION_ID_NOT_FOUND" true
        "the fetch session is not known";
    InvalidFetchSessionEpoch = 71 "INVALID_FETCH_SESSION_EPOCH" true
        "the epoch of the fetch session is another";
    ListenerNotFound = 72 "LISTENER_NOT_FOUND" true
        "the leader has no listener of the name that the request came in on";
    TopicDeletionDisabled = 73 "TOPIC_DELETION_DISABLED" false
        "topics may not be deleted here";
    FencedLeaderEpoch = 74 "FENCED_LEADER_EPOCH" true
        "the leader epoch of the request is older than the broker's";
    UnknownLeaderEpoch = 75 "UNKNOWN_LEADER_EPOCH" true
        "the leader epoch of the request is newer than the broker's";
    UnsupportedCompressionType = 76 "UNSUPPORTED_COMPRESSION_TYPE" false
        "the client cannot read the codec of the partition";
    StaleBrokerEpoch = 77 "STALE_BROKER_EPOCH" false
        "the epoch of the broker is another";
    OffsetNotAvailable = 78 "OFFSET_NOT_AVAILABLE" true
        "the leader is new and cannot tell the offset yet";
    MemberIdRequired = 79 "MEMBER_ID_REQUIRED" false
        "join again with the member id given";
    PreferredLeaderNotAvailable = 80 "PREFERRED_LEADER_NOT_AVAILABLE" true
        "the preferred leader is not there";
    GroupMaxSizeReached = 81 "GROUP_MAX_SIZE_REACHED" false
        "the group is full";
    FencedInstanceId = 82 "FENCED_INSTANCE_ID" false
        "another member uses the same instance id";
    EligibleLeadersNotAvailable = 83 "ELIGIBLE_LEADERS_NOT_AVAILABLE" true
        "no replica that could lead is there";
    ElectionNotNeeded = 84 "ELECTION_NOT_NEEDED" true
        "the leader is the right one already";
    NoReassignmentInProgress = 85 "NO_REASSIGNMENT_IN_PROGRESS" false
        "the partition is not being reassigned";
    GroupSubscribedToTopic = 86 "GROUP_SUBSCRIBED_TO_TOPIC" false
        "the group reads from the topic";
    InvalidRecord = 87 "INVALID_RECORD" false
        "a record broke a rule of the broker";
    UnstableOffsetCommit = 88 "UNSTABLE_OFFSET_COMMIT" true
        "a transaction has offsets pending";
    ThrottlingQuotaExceeded = 89 "THROTTLING_QUOTA_EXCEEDED" true
        "the quota is used up";
    ProducerFenced = 90 "PRODUCER_FENCED" false
        "another producer uses the same transactional id";
    ResourceNotFound = 91 "RESOURCE_NOT_FOUND" false
        "what the request names does not exist";
    DuplicateResource = 92 "DUPLICATE_RESOURCE" false
        "the request names the same thing twice";
    UnacceptableCredential = 93 "UNACCEPTABLE_CREDENTIAL" false
        "the credential is not good enough";
    InconsistentVoterSet = 94 "INCONSISTENT_VOTER_SET" false
        "sender or receiver is not one of the voters";
    InvalidUpdateVersion = 95 "INVALID_UPDATE_VERSION" false
        "the version to be updated to is not possible";
    FeatureUpdateFailed = 96 "FEATURE_UPDATE_FAILED" false
        "the features could not be updated";
    PrincipalDeserializationFailure = 97 "PRINCIPAL_DESERIALIZATION_FAILURE" false
        "the forwarded principal could not be read";
    SnapshotNotFound = 98 "SNAPSHOT_NOT_FOUND" false
        "the snapshot is not known";
    PositionOutOfRange = 99 "POSITION_OUT_OF_RANGE" false
        "the position lies outside of the snapshot";
    UnknownTopicId = 100 "UNKNOWN_TOPIC_ID" true
        "the topic id is not known here";
    DuplicateBrokerRegistration = 101 "DUPLICATE_BROKER_REGISTRATION" false
        "the broker id is taken";
    BrokerIdNotRegistered = 102 "BROKER_ID_NOT_REGISTERED" false
        "the broker id is not registered";
    InconsistentTopicId = 103 "INCONSISTENT_TOPIC_ID" true
        "the topic id is not that of the log";
    InconsistentClusterId = 104 "INCONSISTENT_CLUSTER_ID" false
        "the cluster id is not ours";
    TransactionalIdNotFound = 105 "TRANSACTIONAL_ID_NOT_FOUND" false
        "the transactional id is not known";
    FetchSessionTopicIdError = 106 "FETCH_SESSION_TOPIC_ID_ERROR" true
        "the fetch session mixes topics with and without ids";
    IneligibleReplica = 107 "INELIGIBLE_REPLICA" false
        "a replica may not be in sync";
    NewLeaderElected = 108 "NEW_LEADER_ELECTED" false
        "the change was made, but the leader is another now";
    OffsetMovedToTieredStorage = 109 "OFFSET_MOVED_TO_TIERED_STORAGE" false
        "the offset is in tiered storage only";
    FencedMemberEpoch = 110 "FENCED_MEMBER_EPOCH" false
        "the epoch of the member is an old one, give up all partitions and join again";
    UnreleasedInstanceId = 111 "UNRELEASED_INSTANCE_ID" false
        "another member still holds the instance id";
    UnsupportedAssignor = 112 "UNSUPPORTED_ASSIGNOR" false
        "the assignor is not known here";
    StaleMemberEpoch = 113 "STALE_MEMBER_EPOCH" false
        "the epoch of the member is behind, heartbeat and try again";
    MismatchedEndpointType = 114 "MISMATCHED_ENDPOINT_TYPE" false
        "the request came to an endpoint of another type";
    UnsupportedEndpointType = 115 "UNSUPPORTED_ENDPOINT_TYPE" false
        "the type of endpoint is not served";
    UnknownControllerId = 116 "UNKNOWN_CONTROLLER_ID" false
        "the controller id is not known";
    UnknownSubscriptionId = 117 "UNKNOWN_SUBSCRIPTION_ID" false
        "the telemetry subscription is not known or an old one";
    TelemetryTooLarge = 118 "TELEMETRY_TOO_LARGE" false
        "the telemetry is larger than the broker takes";
    InvalidRegistration = 119 "INVALID_REGISTRATION" false
        "the registration of the broker is not valid";
    TransactionAbortable = 120 "TRANSACTION_ABORTABLE" false
        "the transaction must be aborted";
    InvalidRecordState = 121 "INVALID_RECORD_STATE" false
        "the record is not in a state for this acknowledgement";
    ShareSessionNotFound = 122 "SHARE_SESSION_NOT_FOUND" true
        "the share session is not known";
    InvalidShareSessionEpoch = 123 "INVALID_SHARE_SESSION_EPOCH" true
        "the epoch of the share session is another";
    FencedStateEpoch = 124 "FENCED_STATE_EPOCH" false
        "the epoch of the state is an old one";
    InvalidVoterKey = 125 "INVALID_VOTER_KEY" false
        "the voter's key is not the replica's";
    DuplicateVoter = 126 "DUPLICATE_VOTER" false
        "the voter is one already";
    VoterNotFound = 127 "VOTER_NOT_FOUND" false
        "the voter is none";
    InvalidRegularExpression = 128 "INVALID_REGULAR_EXPRESSION" false
        "the regular expression is not valid";
    RebootstrapRequired = 129 "REBOOTSTRAP_REQUIRED" false
        "what the client knows is out of date, start over from the bootstrap servers";
    StreamsInvalidTopology = 130 "STREAMS_INVALID_TOPOLOGY" false
        "the topology is not valid";
    StreamsInvalidTopologyEpoch = 131 "STREAMS_INVALID_TOPOLOGY_EPOCH" false
        "the epoch of the topology is not possible";
    StreamsTopologyFenced = 132 "STREAMS_TOPOLOGY_FENCED" false
        "the epoch of the topology is an old one";
    ShareSessionLimitReached = 133 "SHARE_SESSION_LIMIT_REACHED" true
        "there are too many share sessions";
    GroupDeletionFailed = 134 "GROUP_DELETION_FAILED" false
        "the group could not be deleted";
    StreamsTopologyDescriptionUpdateFailed = 135 "STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED" false
        "the description of the topology could not be updated";
    ControllerIdNotRegistered = 136 "CONTROLLER_ID_NOT_REGISTERED" false
        "the controller id is not registered";
}

/// No error has this code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownErrorCode(pub i16);

impl fmt::Display for UnknownErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no error has code {}", self.0)
    }
}

impl core::error::Error for UnknownErrorCode {}

impl From<ErrorCode> for i16 {
    fn from(code: ErrorCode) -> Self {
        code.code()
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.name(), self.code(), self.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_go_both_ways_without_a_gap() {
        for (code, error) in (-1..).zip(ErrorCode::ALL) {
            assert_eq!(error.code(), code);
            assert_eq!(ErrorCode::try_from(code), Ok(*error));
        }
        assert_eq!(ErrorCode::default(), ErrorCode::None);
        assert_eq!(ErrorCode::try_from(999), Err(UnknownErrorCode(999)));
        assert_eq!(
            ErrorCode::UnsupportedVersion.to_string(),
            "UNSUPPORTED_VERSION (35): the version of the request is not served"
        );
    }
}

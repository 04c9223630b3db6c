//! Kafka's table of API keys.

macro_rules! api_keys {
    ($($(#[$attribute:meta])* $name:ident = $key:literal flexible $flexible:literal;)*) => {
        /// An API of Kafka's table, whether Ouzel serves it or not.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(i16)]
        #[expect(missing_docs, reason = "the names are Kafka's, and say what they are")]
        pub enum ApiKey {
            $($(#[$attribute])* $name = $key,)*
        }

        impl ApiKey {
            /// All of them, by number.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name as Kafka spells it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// Its number on the wire.
            pub const fn number(self) -> i16 {
                match self { $(Self::$name => $key,)* }
            }

            /// The first version whose request has header version 2, and whose lengths are compact; [`i16::MAX`]
            /// where no version does.
            pub const fn flexible_from(self) -> i16 {
                match self { $(Self::$name => $flexible,)* }
            }
        }

        impl TryFrom<i16> for ApiKey {
            type Error = UnknownApiKey;

            fn try_from(number: i16) -> Result<Self, UnknownApiKey> {
                match number {
                    $($key => Ok(Self::$name),)*
                    _ => Err(UnknownApiKey(number)),
                }
            }
        }
    };
}

api_keys! {
    Produce = 0 flexible 9;
    Fetch = 1 flexible 12;
    ListOffsets = 2 flexible 6;
    Metadata = 3 flexible 9;
    LeaderAndIsr = 4 flexible 4;
    StopReplica = 5 flexible 2;
    UpdateMetadata = 6 flexible 6;
    ControlledShutdown = 7 flexible 3;
    OffsetCommit = 8 flexible 8;
    OffsetFetch = 9 flexible 6;
    FindCoordinator = 10 flexible 3;
    JoinGroup = 11 flexible 6;
    Heartbeat = 12 flexible 4;
    LeaveGroup = 13 flexible 4;
    SyncGroup = 14 flexible 4;
    DescribeGroups = 15 flexible 5;
    ListGroups = 16 flexible 3;
    SaslHandshake = 17 flexible 0x7fff;
    ApiVersions = 18 flexible 3;
    CreateTopics = 19 flexible 5;
    DeleteTopics = 20 flexible 4;
    DeleteRecords = 21 flexible 2;
    InitProducerId = 22 flexible 2;
    OffsetForLeaderEpoch = 23 flexible 4;
    AddPartitionsToTxn = 24 flexible 3;
    AddOffsetsToTxn = 25 flexible 3;
    EndTxn = 26 flexible 3;
    WriteTxnMarkers = 27 flexible 1;
    TxnOffsetCommit = 28 flexible 3;
    DescribeAcls = 29 flexible 2;
    CreateAcls = 30 flexible 2;
    DeleteAcls = 31 flexible 2;
    DescribeConfigs = 32 flexible 4;
    AlterConfigs = 33 flexible 2;
    AlterReplicaLogDirs = 34 flexible 2;
    DescribeLogDirs = 35 flexible 2;
    SaslAuthenticate = 36 flexible 2;
    CreatePartitions = 37 flexible 2;
    CreateDelegationToken = 38 flexible 2;
    RenewDelegationToken = 39 flexible 2;
    ExpireDelegationToken = 40 flexible 2;
    DescribeDelegationToken = 41 flexible 2;
    DeleteGroups = 42 flexible 2;
    ElectLeaders = 43 flexible 2;
    IncrementalAlterConfigs = 44 flexible 1;
    AlterPartitionReassignments = 45 flexible 0;
    ListPartitionReassignments = 46 flexible 0;
    OffsetDelete = 47 flexible 0x7fff;
    DescribeClientQuotas = 48 flexible 1;
    AlterClientQuotas = 49 flexible 1;
    DescribeUserScramCredentials = 50 flexible 0;
    AlterUserScramCredentials = 51 flexible 0;
    Vote = 52 flexible 0;
    BeginQuorumEpoch = 53 flexible 1;
    EndQuorumEpoch = 54 flexible 1;
    DescribeQuorum = 55 flexible 0;
    AlterPartition = 56 flexible 0;
    UpdateFeatures = 57 flexible 0;
    Envelope = 58 flexible 0;
    FetchSnapshot = 59 flexible 0;
    DescribeCluster = 60 flexible 0;
    DescribeProducers = 61 flexible 0;
    BrokerRegistration = 62 flexible 0;
    BrokerHeartbeat = 63 flexible 0;
    UnregisterBroker = 64 flexible 0;
    DescribeTransactions = 65 flexible 0;
    ListTransactions = 66 flexible 0;
    AllocateProducerIds = 67 flexible 0;
    ConsumerGroupHeartbeat = 68 flexible 0;
    ConsumerGroupDescribe = 69 flexible 0;
    ControllerRegistration = 70 flexible 0;
    GetTelemetrySubscriptions = 71 flexible 0;
    PushTelemetry = 72 flexible 0;
    AssignReplicasToDirs = 73 flexible 0;
    ListConfigResources = 74 flexible 0;
    DescribeTopicPartitions = 75 flexible 0;
    ShareGroupHeartbeat = 76 flexible 0;
    ShareGroupDescribe = 77 flexible 0;
    ShareFetch = 78 flexible 0;
    ShareAcknowledge = 79 flexible 0;
    AddRaftVoter = 80 flexible 0;
    RemoveRaftVoter = 81 flexible 0;
    UpdateRaftVoter = 82 flexible 0;
    InitializeShareGroupState = 83 flexible 0;
    ReadShareGroupState = 84 flexible 0;
    WriteShareGroupState = 85 flexible 0;
    DeleteShareGroupState = 86 flexible 0;
    ReadShareGroupStateSummary = 87 flexible 0;
    StreamsGroupHeartbeat = 88 flexible 0;
    StreamsGroupDescribe = 89 flexible 0;
    DescribeShareGroupOffsets = 90 flexible 0;
    AlterShareGroupOffsets = 91 flexible 0;
    DeleteShareGroupOffsets = 92 flexible 0;
    StreamsGroupTopologyDescriptionUpdate = 93 flexible 0;
    UnregisterController = 94 flexible 0;
}

/// No API has this number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownApiKey(pub i16);

impl core::fmt::Display for UnknownApiKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "no API has key {}", self.0)
    }
}

impl core::error::Error for UnknownApiKey {}

impl core::fmt::Display for ApiKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_both_ways_without_a_gap() {
        for (index, key) in ApiKey::ALL.iter().enumerate() {
            assert_eq!(usize::try_from(key.number()), Ok(index));
            assert_eq!(ApiKey::try_from(key.number()), Ok(*key));
        }
        for number in [-1, 95, i16::MIN, i16::MAX] {
            assert_eq!(ApiKey::try_from(number), Err(UnknownApiKey(number)));
        }
    }
}

//! The rules of the table, one by one and all together.

use proptest::prelude::*;

use super::*;

fn id(number: u8) -> TopicId {
    TopicId([number; 16])
}

fn create(name: &str, number: u8, partitions: i32) -> Command {
    Command::CreateTopic {
        name: TopicName::parse(name).unwrap(),
        id: id(number),
        partitions,
        replication_factor: 1,
        configs: Vec::new(),
    }
}

/// A table after `commands`.
fn table(commands: &[Command]) -> TopicTable {
    let mut table = TopicTable::new();
    for command in commands {
        table.apply(command).unwrap();
    }
    table
}

fn small() -> Limits {
    Limits {
        topics_max: 3,
        topic_partitions_max: 10,
        partitions_max: 15,
        brokers: 1,
    }
}

/// `create("new", 9, 1)` with these settings.
fn create_with(configs: &[(&str, &str)], replicas: i16) -> Command {
    Command::CreateTopic {
        name: TopicName::parse("new").unwrap(),
        id: id(9),
        partitions: 1,
        replication_factor: replicas,
        configs: configs
            .iter()
            .map(|&(key, value)| (key.to_owned(), value.to_owned()))
            .collect(),
    }
}

/// A live topic `a.b` with id 1, and one with id 2 that is being deleted.
fn check(command: &Command) -> Result<(), Refusal> {
    let gone = Command::DeleteTopic { id: id(2) };
    let before = table(&[create("a.b", 1, 5), create("gone", 2, 1), gone]);
    before.check(command, &small())
}

#[test]
fn a_topic_that_cannot_be_is_refused_with_the_reason() {
    let a_b = TopicName::parse("a.b").unwrap();
    let twice = [("k", "1"), ("l", "2"), ("k", "3")];
    let cases = [
        (create("a.b", 9, 1), Refusal::TopicExists),
        (create("a_b", 9, 1), Refusal::TopicNameCollides(a_b)),
        (create("new", 1, 1), Refusal::TopicIdExists(id(1))),
        (create("new", 2, 1), Refusal::TopicIdExists(id(2))),
        (create("new", 0, 1), Refusal::TopicIdExists(TopicId::NONE)),
        (
            create("new", 9, 0),
            Refusal::Partitions {
                asked: 0,
                max: i32::MAX,
            },
        ),
        (
            create("new", 9, 11),
            Refusal::Partitions { asked: 11, max: 10 },
        ),
        (create("new", 9, 10), Refusal::TooManyPartitions { max: 15 }),
        (
            create_with(&[], 3),
            Refusal::ReplicationFactor {
                asked: 3,
                brokers: 1,
            },
        ),
        (
            create_with(&[], 0),
            Refusal::ReplicationFactor {
                asked: 0,
                brokers: 1,
            },
        ),
        (
            create_with(&twice, 1),
            Refusal::DuplicateConfig("k".to_owned()),
        ),
    ];
    for (command, refusal) in cases {
        assert_eq!(check(&command), Err(refusal), "{command:?}");
    }
    assert_eq!(
        check(&create("gone", 9, 9)),
        Ok(()),
        "a deleted topic's name is free"
    );
    let full = table(&[create("a", 1, 1), create("b", 2, 1), create("c", 3, 1)]);
    let more = full.check(&create("d", 4, 1), &small());
    assert_eq!(more, Err(Refusal::TooManyTopics { max: 3 }));
    let large = create_with(&[("k", &"v".repeat(70_000))], 1);
    assert!(matches!(check(&large), Err(Refusal::TooLarge { .. })));
}

#[test]
fn deletion_takes_one_step_after_the_other() {
    let cases = [
        (
            Command::DeleteTopic { id: id(2) },
            Refusal::UnknownTopic(id(2)),
        ),
        (
            Command::DeleteTopic { id: id(8) },
            Refusal::UnknownTopic(id(8)),
        ),
        (
            Command::ForgetTopic { id: id(1) },
            Refusal::TopicIsLive(id(1)),
        ),
        (
            Command::ForgetTopic { id: id(8) },
            Refusal::UnknownTopic(id(8)),
        ),
    ];
    for (command, refusal) in cases {
        assert_eq!(check(&command), Err(refusal), "{command:?}");
    }
}

#[test]
fn a_cluster_is_named_once() {
    let named = |low| Command::ClusterNamed {
        cluster_id: ClusterId::from_random(1, low),
    };
    let mut table = table(&[named(1)]);
    assert_eq!(table.apply(&named(2)), Err(Refusal::ClusterIsNamed));
    assert_eq!(table.cluster_id(), Some(ClusterId::from_random(1, 1)));
}

#[test]
fn limits_that_sank_do_not_refuse_what_was_committed() {
    let mut table = TopicTable::new();
    let large = create("large", 1, 4_000);
    assert!(table.check(&large, &small()).is_err());
    assert_eq!(table.apply(&large), Ok(()));
}

#[test]
fn deletion_is_remembered_until_it_is_done() {
    let mut table = table(&[create("a", 1, 2), Command::DeleteTopic { id: id(1) }]);
    assert_eq!(table.topic_by_id(id(1)), None);
    assert_eq!(table.topics().len(), 0);
    assert_eq!(table.deleting().count(), 1);
    table.apply(&create("a", 2, 3)).unwrap();
    table.apply(&Command::ForgetTopic { id: id(1) }).unwrap();
    assert_eq!(table.deleting().count(), 0);
    assert_eq!(
        table.topic(&TopicName::parse("a").unwrap()).unwrap().id,
        id(2)
    );
    assert_eq!(table.partitions, 3);
}

#[test]
fn settings_are_found_by_name_whatever_their_order_was() {
    let topic = Topic::new(
        TopicName::parse("__consumer_offsets").unwrap(),
        id(1),
        2,
        &[
            ("z".to_owned(), "1".to_owned()),
            ("a".to_owned(), "2".to_owned()),
        ],
    );
    assert_eq!(
        (topic.config("z"), topic.config("a"), topic.config("m")),
        (Some("1"), Some("2"), None)
    );
    assert!(topic.internal);
    assert_eq!(topic.keys().count(), 2);
    assert_eq!((topic.key(2), topic.key(-1)), (None, None));
}

fn commands() -> impl Strategy<Value = Command> {
    let names = prop::sample::select(vec!["a", "b", "a.b", "a_b", "c"]);
    prop_oneof![
        4 => (names, 0_u8..6, -1_i32..12).prop_map(|(name, number, partitions)| create(name, number, partitions)),
        2 => (0_u8..6).prop_map(|number| Command::DeleteTopic { id: id(number) }),
        2 => (0_u8..6).prop_map(|number| Command::ForgetTopic { id: id(number) }),
        1 => any::<(u64, u64)>().prop_map(|(high, low)| Command::ClusterNamed {
            cluster_id: ClusterId::from_random(high, low)
        }),
    ]
}

proptest! {
    /// What passes the check applies; what is refused changes nothing; the table stays consistent; and the limits
    /// hold as long as every command was checked.
    #[test]
    fn checked_commands_apply_and_refused_ones_change_nothing(
        commands in prop::collection::vec(commands(), 0..60),
    ) {
        let mut table = TopicTable::new();
        for command in &commands {
            let before = table.clone();
            if table.check(command, &small()).is_ok() {
                prop_assert_eq!(table.apply(command), Ok(()));
            } else {
                prop_assert_eq!(&table, &before);
            }
            prop_assert!(table.is_consistent());
            prop_assert!(table.partitions <= small().partitions_max);
            prop_assert!(table.topics.len() <= small().topics_max);
            let mut folded: Vec<_> = table.topics().map(|topic| collision_key(&topic.name)).collect();
            folded.sort();
            folded.dedup();
            prop_assert_eq!(folded.len(), table.topics().len());
        }
    }

    /// A refused command changes nothing even when it is applied unchecked.
    #[test]
    fn an_applied_contradiction_changes_nothing(commands in prop::collection::vec(commands(), 0..60)) {
        let mut table = TopicTable::new();
        for command in &commands {
            let before = table.clone();
            if table.apply(command).is_err() {
                prop_assert_eq!(&table, &before);
            }
        }
    }
}

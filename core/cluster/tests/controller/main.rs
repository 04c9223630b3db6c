//! The controller on the simulated ground: what it answered holds on every core, over restarts and power cuts.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod node;

use std::sync::{Arc, Mutex};

use cluster::{ClusterError, CreateTopic, Refusal, Topic};
use model::{PartitionKey, TopicId, TopicName};
use node::{DATA, Life, Notes, live, world};
use world::{Crash, DiskFaults, Rate, Span};

fn create(name: &str, partitions: i32) -> CreateTopic {
    CreateTopic {
        name: TopicName::parse(name).unwrap(),
        partitions,
        replication_factor: 1,
        configs: vec![("retention.ms".to_owned(), "1000".to_owned())],
        validate_only: false,
    }
}

fn note(notes: &Notes, text: String) {
    notes.lock().unwrap().push(text);
}

/// All that a view says, in one line: equal lines, equal views.
fn describe(life: &Life) -> String {
    let topic = |topic: &Topic| format!("{} {} {}", topic.name, topic.id, topic.partitions);
    let topics: Vec<String> = life.view.topics().iter().map(topic).collect();
    format!("{} {}", life.view.cluster_id(), topics.join(", "))
}

/// The folder of a topic.
async fn folder_exists(life: &Life, topic: &Topic) -> bool {
    life.runtime
        .status(&format!("{DATA}/topics/{}", topic.id))
        .await
        .is_ok()
}

#[test]
fn a_topic_answered_is_seen_led_and_kept_whatever_the_number_of_cores() {
    let (mut world, node) = world(1, 3);
    let notes = Notes::default();
    let first = async |life: Life, notes: Notes| {
        let topic = life.view.create_topic(create("first", 5)).await.unwrap();
        assert_eq!(life.view.topic(&topic.name), Some(topic.clone()));
        assert_eq!(life.view.topic_by_id(topic.id), Some(topic.clone()));
        assert_eq!(topic.config("retention.ms"), Some("1000"));
        assert!(
            topic
                .keys()
                .all(|key| life.view.leader_epoch(key).is_some())
        );
        life.view.create_topic(create("second", 1)).await.unwrap();
        note(&notes, describe(&life));
    };
    assert!(live(&mut world, node, &notes, first));
    for cores in [1, 4] {
        world.set_cores(node, cores);
        let again = async |life: Life, notes: Notes| {
            let led = |topic: &Topic| {
                topic
                    .keys()
                    .all(|key| life.view.leader_epoch(key).is_some())
            };
            assert!(life.view.topics().iter().all(led));
            note(&notes, describe(&life));
        };
        assert!(live(&mut world, node, &notes, again));
    }
    let notes = notes.lock().unwrap();
    assert_eq!(notes.len(), 3);
    assert!(notes.iter().all(|line| *line == notes[0]), "{notes:?}");
}

#[test]
fn a_start_that_takes_long_tells_how_far_it_is() {
    let (mut world, node) = world(8, 1);
    let notes = Notes::default();
    let first = async |life: Life, _: Notes| {
        life.view.create_topic(create("t", 100)).await.unwrap();
    };
    assert!(live(&mut world, node, &notes, first));
    assert!(notes.lock().unwrap().is_empty(), "{notes:?}");
    let faults = DiskFaults {
        slow: Rate::per_million(1_000_000),
        slow_time: Span::millis(200, 300),
        ..DiskFaults::default()
    };
    world.set_disk_faults(node, faults);
    assert!(live(&mut world, node, &notes, async |_: Life, _: Notes| {}));
    // They are opened 64 at a time.
    let notes = notes.lock().unwrap();
    assert!(
        notes[0].starts_with("opened 0 of 100 partitions"),
        "{notes:?}"
    );
    let last = notes.last().unwrap();
    assert!(
        last.contains(" of 100 partitions, about ") && last.ends_with(" s left"),
        "{notes:?}"
    );
}

#[test]
fn what_cannot_be_is_refused_and_a_question_changes_nothing() {
    let (mut world, node) = world(2, 2);
    let script = async |life: Life, _: Notes| {
        let ask = async |create| {
            life.view
                .create_topic(create)
                .await
                .map(|topic| topic.name.to_string())
        };
        let only_asked = CreateTopic {
            validate_only: true,
            ..create("asked", 3)
        };
        assert_eq!(ask(only_asked.clone()).await, Ok("asked".to_owned()));
        assert_eq!(life.view.topics(), []);
        assert_eq!(ask(create("a.b", 1)).await, Ok("a.b".to_owned()));
        assert_eq!(
            ask(create("a.b", 1)).await,
            Err(Refusal::TopicExists.into())
        );
        let collides = Refusal::TopicNameCollides(TopicName::parse("a.b").unwrap());
        assert_eq!(ask(create("a_b", 1)).await, Err(collides.into()));
        let many = ask(create("many", 1_000_000)).await;
        assert!(
            matches!(many, Err(ClusterError::Refused(Refusal::Partitions { .. }))),
            "{many:?}"
        );
        let replicated = CreateTopic {
            replication_factor: 3,
            ..only_asked
        };
        let replicas = ask(replicated).await;
        assert!(matches!(
            replicas,
            Err(ClusterError::Refused(Refusal::ReplicationFactor { .. }))
        ));
    };
    assert!(live(&mut world, node, &Notes::default(), script));
}

#[test]
fn a_deleted_topic_leaves_nothing_and_its_name_is_free() {
    let (mut world, node) = world(3, 2);
    let script = async |life: Life, _: Notes| {
        let old = life.view.create_topic(create("t", 4)).await.unwrap();
        assert!(folder_exists(&life, &old).await);
        life.view.delete_topic(old.id).await.unwrap();
        assert_eq!(life.view.topic(&old.name), None);
        assert!(old.keys().all(|key| life.view.leader_epoch(key).is_none()));
        let again = life.view.delete_topic(old.id).await;
        assert_eq!(again, Err(Refusal::UnknownTopic(old.id).into()));
        let new = life.view.create_topic(create("t", 2)).await.unwrap();
        assert_ne!(new.id, old.id);
        // Three commands so far but for the name; the fifth is that nothing is left of the first topic.
        let changed = life.view.changed();
        while life.view.revision().0 < 5 {
            changed.changed(changed.seen()).await;
        }
        assert!(!folder_exists(&life, &old).await);
        assert!(folder_exists(&life, &new).await);
    };
    assert!(live(&mut world, node, &Notes::default(), script));
}

/// Creates and deletes for ever; notes each answer *before* the next question.
async fn churn(life: Life, notes: Notes) {
    for round in 0..12 {
        let topic = life
            .view
            .create_topic(create(&format!("t{round}"), 2))
            .await
            .unwrap();
        note(&notes, format!("+{}", topic.name));
        if round % 3 == 2 {
            let topic = life
                .view
                .topic(&TopicName::parse(&format!("t{}", round - 1)).unwrap())
                .unwrap();
            note(&notes, format!("?{}", topic.name));
            life.view.delete_topic(topic.id).await.unwrap();
            note(&notes, format!("-{}", topic.name));
        }
    }
}

/// After a power cut anywhere in the churn, what was answered holds, deletions come to their end, and the cluster has
/// its one name.
#[test]
fn what_was_answered_survives_a_power_cut_at_any_event() {
    let mut died = 0;
    for seed in 0..60 {
        let (mut world, node) = world(seed, 1 + u16::try_from(seed % 3).unwrap());
        let notes = Notes::default();
        let crash = if seed % 4 == 0 {
            Crash::Kill
        } else {
            Crash::PowerCut
        };
        world.crash_at_event(node, 20 + seed * 10, crash);
        died += u32::from(!live(&mut world, node, &notes, churn));
        let answered = std::mem::take(&mut *notes.lock().unwrap());
        let check = move |life: Life, notes: Notes| {
            let answered = answered.clone();
            async move { check(&life, &answered, &notes).await }
        };
        assert!(
            live(&mut world, node, &notes, check),
            "seed {seed}: {:?}",
            notes.lock().unwrap()
        );
    }
    assert!(died > 40, "only {died} of 60 lives were cut off");
}

async fn check(life: &Life, answered: &[String], notes: &Notes) {
    let has = |name: &str| {
        life.view
            .topics()
            .iter()
            .any(|topic| topic.name.as_str() == name)
    };
    let was = |sign: char, name: &str| answered.contains(&format!("{sign}{name}"));
    for name in answered.iter().filter_map(|line| line.strip_prefix('+')) {
        let (deleted, asked) = (was('-', name), was('?', name));
        // Asked and not answered: either is right.
        assert!(
            has(name) != deleted || (asked && !deleted),
            "{name} after {answered:?}"
        );
    }
    for topic in life.view.topics() {
        assert!(
            topic
                .keys()
                .all(|key| life.view.leader_epoch(key).is_some()),
            "{}",
            topic.name
        );
    }
    // One more topic in and out again: the controller works, and what was being deleted is gone with it.
    let last = life.view.create_topic(create("last", 1)).await.unwrap();
    life.view.delete_topic(last.id).await.unwrap();
    let changed = life.view.changed();
    while folder_exists(life, &last).await {
        changed.changed(changed.seen()).await;
    }
    let topics = format!("{DATA}/topics");
    for folder in life.runtime.read_directory(&topics).await.unwrap() {
        let id = TopicId::parse(&folder.name).unwrap();
        let known = id == PartitionKey::CONTROLLER.topic || life.view.topic_by_id(id).is_some();
        // The folder of a topic may come back after a power cut; what was in it may not.
        let left = life
            .runtime
            .read_directory(&format!("{topics}/{}", folder.name))
            .await
            .unwrap();
        assert!(
            known || left.is_empty(),
            "{id} has {left:?} and is forgotten"
        );
    }
    note(notes, life.view.cluster_id());
}

#[test]
fn a_node_whose_controller_log_is_gone_does_not_start_as_another_cluster() {
    let (mut world, node) = world(5, 1);
    let notes = Notes::default();
    // Once a topic is answered, the node knows to which cluster it belongs.
    let first = async |life: Life, _: Notes| {
        life.view.create_topic(create("t", 1)).await.unwrap();
    };
    assert!(live(&mut world, node, &notes, first));
    // Its journal knows that there was something; without that, the identity does.
    let controller = format!("{DATA}/topics/{}/0", PartitionKey::CONTROLLER.topic);
    for folder in [controller, format!("{DATA}/journal")] {
        world.block_on(node, async move |runtime: runtime::Runtime| {
            for entry in runtime.read_directory(&folder).await.unwrap() {
                let path = format!("{folder}/{}", entry.name);
                runtime.unlink(&path).await.unwrap();
            }
            runtime.sync_directory(&folder).await.unwrap();
        });
        let idle = async |_: Life, _: Notes| {};
        assert!(!live(&mut world, node, &notes, idle));
    }
    let notes = notes.lock().unwrap();
    assert!(notes[0].contains("there is no segment"), "{notes:?}");
    let empty = "its controller's log is empty";
    assert!(notes[1].contains(empty), "{notes:?}");
}

/// Two runs of one seed are one run.
#[test]
fn the_same_seed_gives_the_same_digest() {
    let digest = || {
        let (mut world, node) = world(7, 3);
        let notes: Notes = Arc::new(Mutex::new(Vec::new()));
        assert!(live(&mut world, node, &notes, churn));
        world.digest()
    };
    assert_eq!(digest(), digest());
}

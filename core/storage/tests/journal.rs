//! What was answered is never forgotten: random lives of a journal, each ended by a power cut or a kill at any event, with
//! another number of cores in each life.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use model::{LogIndex, NodeId, Term};
use runtime::{Class, CoreId, Runtime};
use stdx::{Duration, Prng};
use storage::journal::record::HardRecord;
use storage::journal::{Found, Journal, read_all};
use storage::{DataFolder, DataPath, Group};
use world::{Crash, NodeConfig, NodeState, World, WorldConfig};

const DATA: &str = "/data";
const SEEDS: u64 = 120;
const LIVES: u64 = 8;
const GROUPS: u64 = 12;

/// The term of the last record of each group that was answered, and of the last that was asked for.
type Told = Arc<Mutex<BTreeMap<u64, (u32, u32)>>>;

/// What the cores of one life share at its start.
#[derive(Default)]
struct Start {
    found: Mutex<Option<Found>>,
}

fn record(group: u64, term: u32) -> HardRecord {
    HardRecord {
        group: Group(group),
        incarnation: 7,
        term: Term(term),
        vote: term.is_multiple_of(2).then_some((NodeId(3), term)),
        claimed: (LogIndex(u64::from(term)), Term(term)),
    }
}

/// One core of one life: reads everything, checks it, and writes on until it dies.
async fn live(runtime: Runtime, told: Told, start: Arc<Start>, seed: u64, writes: u64) {
    let core = u64::from(runtime.core().number());
    let cores = u64::from(runtime.cores());
    let data = DataPath::new(DATA);
    // Everything is read by one, before anybody begins.
    let _folder = if runtime.core() == CoreId::ZERO {
        let folder = DataFolder::open(&runtime, DATA).await.unwrap();
        let found = read_all(&runtime, &data).await.unwrap();
        *start.found.lock().unwrap() = Some(found);
        Some(folder)
    } else {
        None
    };
    let found = loop {
        if let Some(found) = start.found.lock().unwrap().clone() {
            break found;
        }
        runtime.sleep(Duration::from_micros(50)).await;
    };
    assert!(found.damaged.is_empty(), "{:?}", found.damaged);
    let scope = runtime.scope("journal");
    let found = Arc::new(found);
    let journal = Journal::open(&runtime, &scope.spawner(), &data, Arc::clone(&found)).await;
    let journal = journal.unwrap();
    for group in (0..GROUPS).filter(|group| group % cores == core) {
        let (answered, asked) = told
            .lock()
            .unwrap()
            .get(&group)
            .copied()
            .unwrap_or_default();
        let term = found.get(Group(group)).map_or(0, |found| found.term.0);
        assert!(
            answered <= term && term <= asked,
            "group {group}: {answered} <= {term} <= {asked}"
        );
        if term > 0 {
            assert_eq!(journal.get(Group(group)), Some(record(group, term)));
        }
        let (journal, told) = (journal.clone(), Arc::clone(&told));
        let mut prng = Prng::labelled(seed, &format!("{group}"));
        let clock = runtime.clone();
        scope.spawn(Class::Consensus, "replica", async move {
            let mut term = asked;
            for _ in 0..writes {
                term += 1;
                told.lock().unwrap().entry(group).or_default().1 = term;
                assert!(journal.write(record(group, term)).await);
                told.lock().unwrap().entry(group).or_default().0 = term;
                let pause = Duration::from_micros(prng.below(200));
                clock.sleep(pause).await;
            }
        });
    }
    core::future::pending::<()>().await;
}

#[test]
fn what_was_answered_survives() {
    let mut answered = 0;
    for seed in 0..SEEDS {
        let mut prng = Prng::labelled(seed, "journal");
        let mut world = World::new(seed, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        let told = Told::default();
        for life in 0..LIVES {
            let cores = u16::try_from(prng.between(1, 3)).unwrap();
            // Now and then so many that the files take turns.
            let writes = if prng.chance(1, 4) { 400 } else { 20 };
            let (own, start) = (Arc::clone(&told), Arc::new(Start::default()));
            let main = world::program(move |runtime: Runtime| {
                let (own, start) = (Arc::clone(&own), Arc::clone(&start));
                live(runtime, own, start, seed ^ life, writes)
            });
            world.set_cores(node, cores);
            let crash = if prng.chance(1, 2) {
                Crash::PowerCut
            } else {
                Crash::Kill
            };
            world.crash_after_events(
                node,
                prng.between(1, if writes > 100 { 6_000 } else { 400 }),
                crash,
            );
            world.start(node, main);
            world.run_for(Duration::from_secs(2));
            if world.state(node) == NodeState::Running {
                world.clear_crash_point(node);
                world.power_cut(node);
            }
            for death in world.deaths() {
                assert!(
                    !matches!(death.cause, world::Cause::Own(_)),
                    "seed {seed}: {death:?}"
                );
            }
        }
        answered += told
            .lock()
            .unwrap()
            .values()
            .map(|(answered, _)| u64::from(*answered))
            .sum::<u64>();
    }
    assert!(
        answered > SEEDS * LIVES * 20,
        "{answered} records were answered"
    );
}

#[test]
fn a_file_that_was_begun_and_cannot_be_read_is_named() {
    let mut world = World::new(1, WorldConfig::default());
    let node = world.add_machine(NodeConfig::default());
    // The first start begins both files, and the next ones take turns.
    for _ in 0..3 {
        world.block_on(node, |runtime: Runtime| async move {
            let folder = DataFolder::open(&runtime, DATA).await.unwrap();
            let data = DataPath::new(DATA);
            let found = read_all(&runtime, &data).await.unwrap();
            let scope = runtime.scope("journal");
            let journal = Journal::open(&runtime, &scope.spawner(), &data, Arc::new(found)).await;
            assert!(journal.unwrap().write(record(1, 5)).await);
            drop(folder);
        });
    }
    assert!(world.disk_mut(node).rot("/data/journal/0.b", 3, 1));
    let found = world.block_on(node, |runtime: Runtime| async move {
        read_all(&runtime, &DataPath::new(DATA)).await.unwrap()
    });
    assert_eq!(found.damaged, ["/data/journal/0.b"]);
    assert_eq!(found.len(), 1);
}

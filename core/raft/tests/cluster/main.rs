//! A few replicas on an unreliable network and honest but forgetful disks, checked after every step.
//!
//! Messages are lost, late, twice and out of order; writes become durable when they like; processes crash and lose
//! what their disk had not; leadership is handed over, voters change; no clock shows what another
//! does, or runs as fast. A schedule follows from its seed.
//! One that breaks a promise is made short, and what happened to the replica that did is printed as a script. Those of fixed
//! seeds are made short here, any others by proptest.

mod any;
mod clock;
mod cluster;
mod decided;
mod disk;
mod heal;
mod hearing;
mod invariants;
mod letter;
#[path = "../support/log.rs"]
mod log;
#[path = "../script/print.rs"]
mod print;
mod reached;
mod replica;
mod schedule;
mod shrink;
#[path = "../script/steps.rs"]
mod steps;
mod telling;
#[path = "../script/words.rs"]
mod words;
#[path = "../script/write.rs"]
mod write;

use reached::Reached;
use schedule::{Plan, Weather};
use steps::Steps;

/// Seeds of each kind that every test run has; `OUZEL_RAFT_SEEDS` asks for more.
fn seeds() -> u64 {
    let asked = option_env!("OUZEL_RAFT_SEEDS");
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(150)
}

/// Plants the bug that `OUZEL_RAFT_MUTANT` names.
fn plant() {
    #[cfg(feature = "mutants")]
    if let Some(id) = option_env!("OUZEL_RAFT_MUTANT") {
        stdx::mutant::choose(id);
    }
}

/// Adds up what runs came to.
fn add(sum: &mut Reached, other: &Reached) {
    sum.runs += other.runs;
    sum.leaders += other.leaders;
    sum.commits += other.commits;
    sum.truncations += other.truncations;
    sum.starts += other.starts;
    sum.installs += other.installs;
    sum.crashes += other.crashes;
    sum.changes += other.changes;
    sum.wipes += other.wipes;
    sum.misdelivered += other.misdelivered;
    sum.bridged += other.bridged;
    sum.damages += other.damages;
    sum.fences += other.fences;
    sum.repairs += other.repairs;
    sum.turns += other.turns;
    sum.gaps += other.gaps;
    sum.flushes += other.flushes;
    sum.hidden += other.hidden;
    sum.transfers += other.transfers;
    sum.committed += other.committed;
    sum.lost += other.lost;
    sum.seen += other.seen;
    sum.reads += other.reads;
    sum.quiet += other.quiet;
    sum.digest ^= other.digest;
}

fn all(weather: Weather, replicas: std::ops::RangeInclusive<i32>) {
    plant();
    let mut reached = Reached::default();
    for seed in 0..seeds() {
        for count in replicas.clone() {
            add(&mut reached, &shrink::run(&Plan::new(seed, count, weather)));
        }
    }
    assert!(reached.commits > 0, "{reached:?}");
    if weather != Weather::Calm {
        assert!(reached.leaders > reached.runs, "{reached:?}");
        assert!(reached.truncations > 0, "{reached:?}");
        assert!(reached.crashes > 0, "{reached:?}");
        assert!(reached.starts > 0 && reached.installs > 0, "{reached:?}");
        assert!(reached.bridged > 0 && reached.turns > 0, "{reached:?}");
    }
    if weather == Weather::Lazy {
        assert!(reached.flushes > 0 && reached.seen > 0, "{reached:?}");
    }
    if matches!(weather, Weather::Damaged | Weather::Foul) {
        assert!(reached.damages > 0 && reached.repairs > 0, "{reached:?}");
        assert!(reached.gaps > 0, "{reached:?}");
    }
    if matches!(weather, Weather::Changing | Weather::Foul) {
        assert!(reached.changes > 0 && reached.wipes > 0, "{reached:?}");
        assert!(reached.misdelivered > 0, "{reached:?}");
        assert!(reached.transfers > 0, "{reached:?}");
    }
    #[expect(
        clippy::print_stdout,
        reason = "with --nocapture it tells what was reached"
    )]
    {
        println!("{weather:?}: {reached:?}");
    }
}

#[test]
fn a_calm_cluster_elects_once_and_commits_everything() {
    all(Weather::Calm, 1..=5);
}

#[test]
fn a_rough_cluster_never_breaks_a_promise_and_heals() {
    all(Weather::Rough, 2..=5);
}

#[test]
fn what_was_seen_before_it_was_durable_goes_only_with_those_who_had_it() {
    all(Weather::Lazy, 1..=5);
}

#[test]
fn what_a_disk_loses_is_got_back_from_others() {
    all(Weather::Damaged, 2..=5);
}

#[test]
fn voters_change_under_way() {
    all(Weather::Changing, 3..=5);
}

#[test]
fn everything_happens_at_once() {
    all(Weather::Foul, 3..=5);
}

#[test]
fn a_schedule_follows_from_its_seed() {
    for seed in 0..20 {
        let trace = |seed| Plan::new(seed, 3, Weather::Rough).run(true).digest;
        assert_eq!(trace(seed), trace(seed));
    }
}

#[test]
fn a_failing_schedule_becomes_short() {
    // It fails whenever these three steps are in it.
    let fails = |plan: &Plan| [17, 60, 211].iter().all(|step| plan.steps.contains(step));
    let plan = Plan::new(7, 3, Weather::Rough);
    assert_eq!(shrink::shrink(&plan, &fails).steps, [17, 60, 211]);
}

#[test]
fn what_happens_to_a_replica_is_a_script() {
    let mut lines = 0;
    for seed in 0..60 {
        let (cluster, _) = Plan::new(seed, 4, Weather::Foul).drive(true);
        for (id, replica) in &cluster.replicas {
            let Some(group) = &replica.group else {
                continue;
            };
            let script = cluster.telling.of(*id);
            let mut steps = Steps::default();
            for line in script {
                steps.run(line);
            }
            assert_eq!(steps.group().state(), group.state(), "seed {seed}: {id}");
            lines += script.len();
        }
    }
    assert!(lines > 1_000, "{lines}");
}

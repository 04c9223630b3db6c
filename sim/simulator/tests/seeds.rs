//! A handful of seeds in the ordinary tests: whole brokers, every profile, and madsim's own check.

use std::num::NonZeroUsize;

use simulator::batch::run_all;
use simulator::madsim_check;
use simulator::outcome::Verdict;
use simulator::run::on_fresh_thread;
use simulator::scenario::{Profile, Scenario, draw};

const SEEDS: u64 = 12;

#[test]
fn promises_hold_under_every_profile_and_faults_happen() {
    for profile in [
        Profile::Swarm,
        Profile::Calm,
        Profile::Power,
        Profile::Disk,
        Profile::Network,
        Profile::Media,
    ] {
        let scenarios: Vec<Scenario> = (0..SEEDS)
            .map(|seed| draw::scenario(seed, profile))
            .collect();
        let batch = run_all(&scenarios, NonZeroUsize::MIN, &|_, _| true);
        assert_eq!(batch.runs, SEEDS);
        let broken: Vec<_> = batch
            .violated
            .iter()
            .map(|(scenario, outcome)| (scenario.seed, &outcome.verdict))
            .collect();
        assert!(broken.is_empty(), "{}: {broken:?}", profile.name());
        assert!(
            !batch.is_inconclusive(),
            "{}: {:?}",
            profile.name(),
            batch.inconclusive
        );
        let faults: u64 = batch.faults.values().map(|(times, _)| times).sum();
        assert_eq!(faults == 0, batch.faults.is_empty(), "{}", profile.name());
        assert!(batch.operations > 0);
        if profile == Profile::Power {
            let (times, _) = batch
                .faults
                .get("process: power cut")
                .copied()
                .unwrap_or_default();
            assert!(times > SEEDS, "only {times} power cuts in {SEEDS} seeds");
        }
    }
}

#[test]
fn a_scenario_runs_the_same_twice_and_a_changed_one_does_not() {
    let scenario = draw::scenario(3, Profile::Swarm);
    let first = on_fresh_thread(&scenario);
    let second = on_fresh_thread(&scenario);
    assert_eq!(first.verdict, Verdict::Holds);
    assert_eq!((first.events, first.digest), (second.events, second.digest));
    assert_eq!(first.checkpoints, second.checkpoints);
    let mut changed = scenario;
    changed.network.latency_micros += 1;
    assert_ne!(on_fresh_thread(&changed).digest, first.digest);
}

#[test]
fn madsims_own_check_sees_no_difference() {
    for seed in 0..3 {
        madsim_check::twice(&draw::scenario(seed, Profile::Swarm)).expect("the same run twice");
    }
}

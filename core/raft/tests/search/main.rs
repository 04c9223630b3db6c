//! Every state of a small world, up to a number of steps: the same `step`, the same invariants, no chance.
//!
//! A few replicas, a bounded number of timeouts, proposals and crashes, and everything else in every order: each message
//! is delivered at any time or never, each write becomes durable at any time or is lost with its process. States that
//! were seen are not looked at twice.

#[path = "../cluster/disk.rs"]
mod disk;
#[path = "../cluster/invariants.rs"]
mod invariants;
#[path = "../support/log.rs"]
mod log;
#[path = "../cluster/replica.rs"]
mod replica;
mod search;
mod world;

use std::collections::BTreeSet;

use search::search;

/// States that each search looks at, unless `OUZEL_RAFT_STATES` says another number.
fn states_max() -> usize {
    let asked = option_env!("OUZEL_RAFT_STATES");
    asked.and_then(|asked| asked.parse().ok()).unwrap_or(12_000)
}

#[expect(
    clippy::print_stdout,
    reason = "with --nocapture it tells how far it came"
)]
fn look(at: usize) {
    #[cfg(feature = "mutants")]
    if let Some(id) = option_env!("OUZEL_RAFT_MUTANT") {
        stdx::mutant::choose(id);
    }
    let (name, first) = search::WORLDS[at];
    let mut seen = BTreeSet::new();
    let depth = search(first(), states_max(), &mut seen);
    let states = seen.len();
    println!("{name}: {states} states, {depth} steps deep");
    assert!(states > 1_000 && depth > 5);
}

#[test]
fn two_replicas_and_everything_that_may_happen_to_them() {
    look(0);
}

#[test]
fn three_replicas_elect_and_crash() {
    look(1);
}

#[test]
fn a_leader_in_office_and_a_rival() {
    look(2);
}

#[test]
fn a_log_begins_later_while_a_follower_lacks_what_was_before() {
    look(3);
}

#[test]
fn a_disk_loses_a_frame_of_a_log_that_two_elections_made() {
    look(4);
}

#[test]
fn three_voters_become_five_while_one_crashes_and_one_campaigns() {
    look(5);
}

#[test]
fn a_record_goes_while_a_follower_lacks_it() {
    look(6);
}

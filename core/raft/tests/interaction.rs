//! What a replica does, step by step: input, printed effects. One file for each situation.
//!
//! `REWRITE=1 cargo test -p raft --test interaction` writes what is printed now.
//!
//! Where the situations of etcd/raft's published scripts are told, by their titles:
//!
//! | there | here |
//! |---|---|
//! | `async_storage_writes` | `a_vote_is_durable_before_it_is_given`, `append_and_conflict` |
//! | `async_storage_writes_append_aba_race` | `writes_of_an_earlier_log` |
//! | `async_storage_writes_apply_nonlocally_committed` | `committed_before_the_own_disk` |
//! | `campaign`, `prevote`, `vote` | `pre_vote_then_vote`, `a_vote_in_advance_changes_nothing`, `a_vote_is_durable_before_it_is_given` |
//! | `campaign_learner_must_vote` | `who_does_not_vote_never_asks` |
//! | `campaign_now_lease`, `prevote_checkquorum` | `loyalty` |
//! | `checkquorum` | `a_leader_nobody_hears` |
//! | `commit_index_regression` | `a_follower_forgot` |
//! | `confchange_*` | `voters_change`, `one_change_at_a_time`; there is no way to go without their checks |
//! | `forget_leader*` | `a_leader_nobody_hears`: nobody is told to forget one, who leads no more is forgotten |
//! | `heartbeat_resp_recovers_from_probing`, `probe_and_replicate` | `a_probe_finds_the_place` |
//! | `lagging_commit` | `a_commit_that_is_known_late` |
//! | `replicate_pause` | `a_pipeline_fills` |
//! | `single_node` | `one_voter_leads` |
//! | `slow_follower_after_compaction`, `snapshot_succeed_via_app_resp*` | `a_slow_follower_meets_a_start_that_moved`, `the_start_moves`, `a_log_is_installed` |

#[path = "support/log.rs"]
mod log;
#[path = "script/print.rs"]
mod print;
#[path = "script/steps.rs"]
mod steps;
#[path = "script/words.rs"]
mod words;

use steps::Steps;

#[test]
fn situations() {
    #[cfg(feature = "mutants")]
    if let Some(id) = option_env!("OUZEL_RAFT_MUTANT") {
        stdx::mutant::choose(id);
    }
    datadriven::walk("tests/testdata", |file| {
        let mut steps = Steps::default();
        file.run(|case| {
            assert_eq!(
                case.directive, "do",
                "a script says what to do, and is told what came of it"
            );
            let mut printed = String::new();
            for line in case.input.lines() {
                printed.push_str(&steps.run(line));
            }
            printed
        });
    });
}

//! The suite that every ground passes: what [`crate::Driver`] promises, as cases that run on any of them.
//!
//! A ground's crate calls [`conformance_suite!`](crate::conformance_suite) once in its `tests/` with something
//! that implements [`Ground`]; each case becomes a test of its own. A case's failure is a panic in a scope, which
//! the suite carries to the test's thread; only an abort of the process could hide it.

use core::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use crate::handle::{LocalFuture, Main, Runtime};
use crate::record::Recording;
use crate::task::Class;

pub mod budgets;
pub mod equality;
pub mod files;
pub mod mail;
mod model;
pub mod scopes;
pub mod sockets;
pub mod timers;

/// A ground under test.
pub trait Ground {
    /// Its name.
    fn name(&self) -> &'static str;

    /// The path of an empty directory that exists on the nodes that [`Ground::run`] starts next.
    fn scratch(&self) -> String;

    /// Runs a node of `cores` cores until the main task of each ended.
    fn run(&self, cores: u16, main: Main);

    /// Runs a node like [`Ground::run`] and records it; None where the ground cannot.
    fn record(&self, _cores: u16, _main: Main) -> Option<Recording> {
        None
    }

    /// An address of the node itself with a free port to be chosen.
    fn loopback(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, 0))
    }
}

/// Runs `case` on every core of a node of `ground` and fails if it panics anywhere.
pub fn on_cores<F>(ground: &dyn Ground, cores: u16, case: F)
where
    F: Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
{
    let failure = Arc::new(Mutex::new(None));
    ground.run(cores, contained(&failure, case));
    let failure = failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    if let Some(failure) = failure {
        panic!("on {}: {failure}", ground.name());
    }
}

/// Runs `case` on a node of one core.
pub fn on_one_core<F>(ground: &dyn Ground, case: F)
where
    F: Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
{
    on_cores(ground, 1, case);
}

fn contained<F>(failure: &Arc<Mutex<Option<String>>>, case: F) -> Main
where
    F: Fn(Runtime) -> LocalFuture<()> + Send + Sync + 'static,
{
    let failure = Arc::clone(failure);
    Arc::new(move |runtime: Runtime| {
        let failure = Arc::clone(&failure);
        let future = case(runtime.clone());
        Box::pin(async move {
            let scope = runtime.scope("case");
            drop(scope.spawn(Class::Produce, "case", future));
            if let Err(fault) = scope.join().await {
                failure
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(fault.to_string());
            }
        })
    })
}

/// Records `case` on two cores of `ground`, replays it, and compares the digests. Nothing to do where the ground
/// cannot record.
pub fn a_recorded_run_replays_to_the_same_digest(ground: &dyn Ground) {
    let directory = ground.scratch();
    let address = ground.loopback();
    let failure = Arc::new(Mutex::new(None));
    let main = contained(&failure, move |runtime| {
        let directory = directory.clone();
        Box::pin(async move { mail::everything_at_once(runtime, directory, address).await })
    });
    let Some(recording) = ground.record(2, Arc::clone(&main)) else {
        return;
    };
    let failed = failure
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    assert_eq!(failed, None);
    assert!(
        recording.turns.len() > 20,
        "the run took {} turns",
        recording.turns.len()
    );
    let mut recorded = recording.digests.clone();
    recorded.sort_unstable();
    assert_eq!(crate::replay::replay(&recording, &main), recorded);
}

/// Makes one test of each case of the suite. The argument is an expression that makes a [`Ground`], evaluated
/// once per test.
#[macro_export]
macro_rules! conformance_suite {
    ($ground:expr) => {
        $crate::conformance_cases!($ground;
            files::what_is_written_is_read,
            files::a_read_at_the_end_is_empty,
            files::writes_in_flight_together_all_land,
            files::a_synced_write_says_so,
            files::many_pieces_are_one_write,
            files::names_are_made_changed_and_removed,
            files::errors_have_their_kinds,
            files::an_unlinked_file_is_still_open,
            files::truncation_and_allocation_change_what_they_say,
            files::a_lock_is_exclusive,
            files::direct_files_demand_alignment,
            files::an_abandoned_open_closes_its_file,
            sockets::bytes_come_back_in_order,
            sockets::the_end_of_a_stream_is_an_empty_receive,
            sockets::nobody_listening_refuses,
            sockets::a_port_is_taken_once,
            sockets::a_slow_reader_holds_the_sender_back,
            sockets::an_abandoned_accept_keeps_nobody_waiting,
            sockets::an_abandoned_receive_lets_go,
            sockets::a_connection_moves_to_another_core,
            timers::timers_fire_in_their_order,
            timers::a_timeout_drops_what_it_waited_for,
            timers::the_clock_does_not_go_back,
            mail::messages_of_a_pair_stay_in_order,
            mail::full_outboxes_both_ways_do_not_stop_anyone,
            mail::calls_are_answered_and_dropped_calls_are_told,
            mail::memory_comes_home_from_another_core,
            budgets::reservations_wait_in_line,
            budgets::a_lease_dropped_elsewhere_wakes_who_waits,
            scopes::a_panic_ends_its_scope_and_nothing_else,
            scopes::cancelling_drops_the_tasks_within,
            scopes::operations_outlive_the_tasks_that_wanted_them,
            scopes::a_job_runs_off_the_core,
            scopes::urgent_tasks_do_not_starve_the_others,
            equality::random_operations_agree_with_the_model,
        );
        #[test]
        fn a_recorded_run_replays_to_the_same_digest() {
            $crate::conformance::a_recorded_run_replays_to_the_same_digest(&$ground);
        }
    };
}

/// Makes tests of the cases named. Part of [`conformance_suite!`](crate::conformance_suite).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($ground:expr; $($module:ident::$case:ident,)*) => {
        $(
            #[test]
            fn $case() {
                $crate::conformance::$module::$case(&$ground);
            }
        )*
    };
}

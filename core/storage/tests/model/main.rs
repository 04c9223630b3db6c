//! One log against a model of it, after every event; and crashed at every event, and again while it recovers.
//!
//! ```text
//!   steps --> life (a process with the log) --> model: appended, durable, being cut
//!                  |                               |
//!                  v                               v
//!                disk ---- read by itself ----> compared
//! ```
//! Nothing of storage's recovery, index or reading takes part in reading the disk, only its codec.

#![expect(clippy::unwrap_used, reason = "a test ends where it is surprised")]

mod disk;
mod life;
mod model;
mod random;
mod step;
mod sweep;

#[test]
fn after_every_event_the_log_is_what_the_model_says() {
    let seeds = 60;
    let (mut checks, mut frames) = (0, 0);
    for seed in 0..seeds {
        let (more_checks, more_frames) = random::run(seed);
        checks += more_checks;
        frames += more_frames;
    }
    assert!(checks > 100 * seeds, "{checks} checks");
    assert!(frames > 10 * seeds, "{frames} frames");
}

#[test]
fn a_crash_at_any_event_and_at_any_of_the_recovery_loses_nothing() {
    let count = sweep::all();
    assert!(
        count.crashes > 1_000 && count.again > 5 * count.crashes,
        "{count:?}"
    );
    // With --nocapture.
    println!("{count:?}");
}

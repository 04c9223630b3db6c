//! Events into lines: the log on standard error, and on standard output the few lines that scripts wait for.

use core::fmt;
use core::num::NonZeroU16;
use std::io::{self, IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::process;
use std::time::{Duration, Instant};

use broker::{Event, Level};
use cli::Size;
use tracing::level_filters::LevelFilter;

use crate::advice::Failure;
use crate::args::{LogFormat, LogLevel};
use crate::ground::Ground;

/// What test tools for brokers of this kind wait for before they connect. They read the words, so
/// the words are said as they stand.
const STARTED_KAFKA: &str = "Started Kafka API server";
/// Likewise.
const STARTED_ALL: &str = "Successfully started Redpanda!";

/// What the ready line says beside the addresses.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    data: String,
    driver: &'static str,
    cores: NonZeroU16,
    memory: Size,
    started: Instant,
}

impl Facts {
    pub(crate) fn new(
        config: &broker::Config,
        ground: Ground,
        cores: NonZeroU16,
        started: Instant,
    ) -> Self {
        Self {
            data: config.data.clone(),
            driver: ground.name(),
            cores,
            memory: Size(config.memory as u64),
            started,
        }
    }
}

/// Starts the log of this process. Once.
pub(crate) fn start(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .with_max_level(level);
    match format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Writes what a broker tells.
pub(crate) fn event(event: &Event, facts: &Facts) {
    match event.level() {
        Level::Debug => tracing::debug!("{event}"),
        Level::Info => tracing::info!("{event}"),
        Level::Warn => tracing::warn!("{event}"),
        Level::Error => tracing::error!("{event}"),
    }
    if let Event::Ready { addresses } = event {
        ready(addresses, facts);
    }
}

/// Writes something that an operator should look at.
pub(crate) fn warn(text: &str) {
    tracing::warn!("{text}");
}

/// Writes something that is good to know.
pub(crate) fn inform(text: &str) {
    tracing::info!("{text}");
}

/// Writes why the process ends, whatever the level.
pub(crate) fn fail(failure: &Failure) {
    tracing::error!("{failure}");
}

/// Ends the process from a thread that cannot return to `main`.
#[expect(clippy::exit, reason = "nobody is left to return to")]
pub(crate) fn end(failure: &Failure) -> ! {
    fail(failure);
    process::exit(i32::from(failure.code.number()))
}

/// Says that the broker stopped in good order.
pub(crate) fn stopped(took: Duration) {
    say(format_args!(
        "Shutdown complete (clean, {} ms)",
        took.as_millis()
    ));
}

fn ready(addresses: &[SocketAddr], facts: &Facts) {
    let kafka = addresses
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(",");
    say(format_args!("{STARTED_KAFKA} at {kafka}"));
    say(format_args!(
        "{STARTED_ALL} (This is Ouzel: test tools wait for these words.)"
    ));
    let Facts {
        data,
        driver,
        cores,
        memory,
        started,
    } = facts;
    let took = started.elapsed().as_millis();
    say(format_args!(
        "ready: kafka={kafka} data={data} driver={driver} cores={cores} memory={memory} in {took} ms"
    ));
}

/// One line on standard output. Whoever read it may be gone; a broker lives on without.
fn say(line: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    drop(writeln!(out, "{line}").and_then(|()| out.flush()));
}

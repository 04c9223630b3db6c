//! What the ground is like: the scenario's shapes in the world's words.

use stdx::{Duration, Timestamp};
use world::{
    ClockConfig, DiskConfig, DiskFaults, LinkConfig, NodeConfig, NodeId, Rate, Span, World,
};

use super::BROKER_ADDRESS;
use crate::scenario::Scenario;

/// The link between broker and clients.
pub(super) fn link(scenario: &Scenario) -> LinkConfig {
    let shape = &scenario.network;
    let link = LinkConfig {
        latency: Span::micros(
            shape.latency_micros,
            shape.latency_micros + shape.jitter_micros,
        ),
        window: usize::try_from(shape.window_bytes).unwrap_or(usize::MAX),
        ..LinkConfig::default()
    };
    if shape.choppy { link.choppy() } else { link }
}

/// The broker's machine, still smooth.
pub(super) fn machine(scenario: &Scenario) -> NodeConfig {
    let around = |micros: u64| Span::micros(micros / 2, micros * 3 / 2);
    NodeConfig {
        cores: scenario.broker.cores[0],
        address: Some(BROKER_ADDRESS),
        clock: ClockConfig {
            offset: Timestamp::from_millis(scenario.clock.offset_millis).as_nanos(),
            drift_ppm: i32::try_from(scenario.clock.drift_ppm).unwrap_or(0),
        },
        disk: DiskConfig {
            read: around(scenario.disk.read_micros),
            write: around(scenario.disk.write_micros),
            sync: around(scenario.disk.sync_micros),
            ..DiskConfig::default()
        },
        ..NodeConfig::default()
    }
}

/// Lets the disk do from now on what the scenario says that it does at times.
pub(super) fn make_rough(world: &mut World, broker: NodeId, scenario: &Scenario) {
    let faults = DiskFaults {
        short_write: Rate::per_million(scenario.disk.short_write_ppm),
        short_read: Rate::per_million(scenario.disk.short_write_ppm),
        slow: Rate::per_million(scenario.disk.slow_ppm),
        slow_time: Span::new(Duration::from_millis(1), Duration::from_millis(20)),
        ..DiskFaults::default()
    };
    world.set_disk_faults(broker, faults);
}

/// Lets the disk do nothing of it any more.
pub(super) fn make_smooth(world: &mut World, broker: NodeId) {
    world.set_disk_faults(broker, DiskFaults::default());
}

//! Drawing a scenario from a seed.
//!
//! Each part has a stream of its own, so that a new kind of fault does not change the workload of old seeds.

use stdx::Prng;

mod extremes;
mod faults;
mod strangers;

use extremes::{enlarge, shorten};
use faults::faults;
use strangers::strangers;

use super::{
    BrokerShape, ClientShape, ClockShape, DiskShape, Mix, NetworkShape, Profile, SCENARIO_VERSION,
    Scenario, TopicShape,
};

/// Operations of all clients together: keeps a default scenario under 200,000 events.
const OPERATIONS_MAX: u64 = 600;

/// So many strangers of one kind are a crowd.
const CROWD: u32 = 200;

/// Beside a crowd a broker has some of the memory that the real one demands, if not all: in a sixteenth of it, two hundred
/// readers of half a megabyte who read nothing have others wait for minutes.
const CROWD_MEMORY_BYTES: u64 = 512 << 20;

/// The scenario that `seed` draws under `profile`.
pub fn scenario(seed: u64, profile: Profile) -> Scenario {
    let stream = |label: &str| Prng::labelled(seed, &format!("scenario/{label}"));
    let mut topics = topics(&mut stream("topics"));
    let mut clients = clients(&mut stream("clients"), profile);
    let mut broker = broker(&mut stream("broker"), profile);
    let mut large = stream("large");
    if !is_measured(profile) && large.chance(1, 20) {
        enlarge(&mut large, &mut topics, &mut clients, &mut broker);
    }
    let safety_millis = safety_millis(&clients);
    let faults = faults(&mut stream("faults"), profile, safety_millis);
    if !faults.is_empty() {
        shorten(&mut stream("commit"), &mut clients);
    }
    let strangers = strangers(&mut stream("strangers"), profile, safety_millis);
    if strangers.iter().any(|group| group.connections >= CROWD) {
        broker.memory_bytes = broker.memory_bytes.max(CROWD_MEMORY_BYTES);
    }
    Scenario {
        version: SCENARIO_VERSION,
        seed,
        profile,
        broker,
        topics,
        clients,
        strangers,
        network: network(&mut stream("network"), profile),
        disk: disk(&mut stream("disk"), profile),
        clock: clock(&mut stream("clock"), profile),
        faults,
        safety_millis,
        heal_millis: 60_000,
    }
}

fn is_measured(profile: Profile) -> bool {
    matches!(
        profile,
        Profile::Rate50 | Profile::Rate500 | Profile::Rate5000
    )
}

fn is_calm(profile: Profile) -> bool {
    profile == Profile::Calm || is_measured(profile)
}

fn broker(prng: &mut Prng, profile: Profile) -> BrokerShape {
    let starts = prng.between(1, 3);
    let cores = (0..starts)
        .map(|_| *prng.choose(&[1, 1, 2, 2, 3, 4, 8]))
        .collect::<Vec<u16>>();
    // Enough for eight cores, and less where fewer are all that it ever has.
    let few = *cores.iter().max().expect("there are starts") <= 2;
    let memory = if few && !is_measured(profile) {
        *prng.choose(&[16, 64, 512])
    } else {
        64
    };
    let small_segments = profile == Profile::Power || prng.chance(1, 2);
    BrokerShape {
        cores: if is_measured(profile) { vec![2] } else { cores },
        memory_bytes: memory << 20,
        segment_bytes: if small_segments && !is_measured(profile) {
            prng.between(4 << 10, 64 << 10)
        } else {
            1 << 20
        },
        auto_create: true,
        // More than anybody here thinks about what to do next; long enough for nobody to notice, or Kafka's.
        idle_millis: *prng.choose(&[40_000, 600_000]),
        first_killed_at: (!is_calm(profile) && prng.chance(1, 4)).then(|| prng.between(1, 60)),
    }
}

fn topics(prng: &mut Prng) -> Vec<TopicShape> {
    (0..prng.between(1, 3))
        .map(|number| {
            let on_first_use = prng.chance(1, 4);
            TopicShape {
                name: format!("t{number}"),
                partitions: if on_first_use {
                    1
                } else {
                    i32::try_from(prng.between(1, 4)).expect("small")
                },
                on_first_use,
                message_bytes_max: None,
            }
        })
        .collect()
}

fn clients(prng: &mut Prng, profile: Profile) -> Vec<ClientShape> {
    let count = prng.between(1, 4);
    let operations = match profile {
        Profile::Rate50 => 500,
        Profile::Rate500 => 5_000,
        Profile::Rate5000 => 20_000,
        _ => prng.between(50, OPERATIONS_MAX),
    };
    let per_second = match profile {
        Profile::Rate50 => 50,
        Profile::Rate500 => 500,
        Profile::Rate5000 => 5_000,
        _ => *prng.choose(&[20, 100, 500, 2_000]),
    };
    (0..count)
        .map(|_| ClientShape {
            operations: u32::try_from(operations / count + 1).expect("small"),
            pace_micros: 1_000_000 * count / per_second,
            commit_millis: 30_000,
            in_flight: *prng.choose(&[1, 1, 5, 20]),
            mix: mix(prng),
            records_max: *prng.choose(&[1, 10, 50]),
            value_bytes_max: *prng.choose(&[10, 100, 1_000, 1_000, 20_000]),
            fetch_bytes_max: *prng.choose(&[1, 1_000, 50_000, 1 << 20]),
        })
        .collect()
}

/// Each kind of operation is left out half of the time; some writing always stays.
fn mix(prng: &mut Prng) -> Mix {
    let mut weight = |most: u64| {
        if prng.chance(1, 2) {
            u32::try_from(prng.between(1, most)).expect("small")
        } else {
            0
        }
    };
    Mix {
        produce_none: weight(4),
        produce_leader: weight(6),
        produce_all: 1 + weight(12),
        fetch: weight(10),
        follow: weight(6),
        list_offsets: weight(4),
        metadata: weight(2),
        create_topic: weight(1),
        epoch_end: weight(4),
    }
}

/// Long enough for what the clients want to do, within bounds.
fn safety_millis(clients: &[ClientShape]) -> u64 {
    let longest = clients
        .iter()
        .map(|client| u64::from(client.operations) * client.pace_micros / 1_000)
        .max();
    longest.unwrap_or(0).clamp(500, 30_000)
}

fn network(prng: &mut Prng, profile: Profile) -> NetworkShape {
    NetworkShape {
        latency_micros: *prng.choose(&[20, 100, 500, 5_000]),
        jitter_micros: *prng.choose(&[0, 50, 1_000]),
        window_bytes: *prng.choose(&[4 << 10, 64 << 10, 1 << 20]),
        choppy: prng.chance(1, 2) && !is_measured(profile),
    }
}

fn disk(prng: &mut Prng, profile: Profile) -> DiskShape {
    let mut rate = |most: u64| {
        let wanted = prng.chance(1, 2) && !is_calm(profile);
        if wanted {
            u32::try_from(prng.between(100, most)).expect("small")
        } else {
            0
        }
    };
    let (short_write_ppm, slow_ppm) = (rate(100_000), rate(20_000));
    DiskShape {
        write_micros: *prng.choose(&[10, 50, 500]),
        sync_micros: *prng.choose(&[50, 150, 2_000]),
        read_micros: *prng.choose(&[10, 80]),
        short_write_ppm,
        slow_ppm,
    }
}

fn clock(prng: &mut Prng, profile: Profile) -> ClockShape {
    if is_calm(profile) || prng.chance(1, 2) {
        return ClockShape {
            offset_millis: 0,
            drift_ppm: 0,
        };
    }
    let signed = |value: u64, negative: bool| {
        let value = i64::try_from(value).expect("small");
        if negative { -value } else { value }
    };
    ClockShape {
        offset_millis: signed(prng.below(100_000), prng.chance(1, 2)),
        drift_ppm: signed(prng.below(500), prng.chance(1, 2)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::scenario::FaultKind;

    #[test]
    fn every_kind_of_fault_is_drawn_and_inside_the_run() {
        let mut seen = BTreeSet::new();
        let swarm = (0..500).map(|seed| scenario(seed, Profile::Swarm));
        let media = (0..20).map(|seed| scenario(seed, Profile::Media));
        for scenario in swarm.chain(media) {
            for fault in &scenario.faults {
                assert!(fault.at_micros < scenario.safety_millis * 1_000);
                seen.insert(fault.kind.name());
            }
        }
        assert_eq!(seen, BTreeSet::from(FaultKind::NAMES));
    }

    #[test]
    fn a_profile_without_faults_has_none() {
        for seed in 0..20 {
            let scenario = scenario(seed, Profile::Calm);
            assert!(scenario.faults.is_empty());
            assert_eq!(
                (scenario.disk.short_write_ppm, scenario.clock.drift_ppm),
                (0, 0)
            );
        }
    }
}

//! What happens to each replica since it last started, as a script that does the same to it alone.

use std::collections::BTreeMap;

use raft::{Group, HardState, Input, Quiet, ReplicaId, Settings};
use stdx::Instant;

use crate::disk::Disk;
use crate::write;

/// The scripts.
#[derive(Default)]
pub(crate) struct Telling(BTreeMap<ReplicaId, Script>);

struct Script {
    /// The time that it has come to.
    now: Instant,
    lines: Vec<String>,
}

impl Telling {
    /// A replica starts with what its disk has.
    pub(crate) fn start(
        &mut self,
        (now, seed, settings): (Instant, u64, &Settings),
        group: &Group,
        (hard, disk): (&HardState, &Disk),
    ) {
        let places = disk.placed().map(|(index, _)| index);
        let frames = places.map(|index| disk.frame(index).ok_or_else(|| disk.chain(index)));
        let replica = write::start(group.me(), hard, &disk.prefix, frames);
        let pulsed = if settings.pulsed { " pulsed" } else { "" };
        let (commit, message) = (group.commit(), settings.message_bytes_max);
        let (lag, rate) = (settings.lag_max, settings.learner_bytes_per_second);
        let lines = vec![
            clock(now),
            format!(
                "{replica} commit={commit} message={message} lag={lag} rate={rate} seed={seed}{pulsed}"
            ),
        ];
        let script = Script { now, lines };
        self.0.insert(group.me(), script);
    }

    /// It takes a step.
    pub(crate) fn step(&mut self, id: ReplicaId, now: Instant, input: &Input) {
        self.add(id, now, write::step(input));
    }

    /// It beats, where its host does that.
    pub(crate) fn pulse(&mut self, id: ReplicaId, now: Instant) {
        self.add(id, now, "pulse".to_owned());
    }

    /// `id` hears now that a quiet beat came, `at` some time.
    pub(crate) fn hear(&mut self, id: ReplicaId, now: Instant, (quiet, at): (&Quiet, Instant)) {
        let Quiet { from, to, term } = quiet;
        let line = format!("hear-quiet from={from} to={to} term={term}");
        self.add(id, now, line + &came(now, at));
    }

    /// `id` hears now that such a beat was answered.
    pub(crate) fn answer(
        &mut self,
        id: ReplicaId,
        now: Instant,
        (quiet, at, accepted): (&Quiet, Instant, bool),
    ) {
        let Quiet { from, to, term } = quiet;
        let refused = if accepted { "" } else { " refused" };
        let line = format!("quiet-answered from={from} to={to} term={term}{refused}");
        self.add(id, now, line + &came(now, at));
    }

    fn add(&mut self, id: ReplicaId, now: Instant, line: String) {
        let Some(script) = self.0.get_mut(&id) else {
            return;
        };
        if script.now < now {
            script.now = now;
            script.lines.push(clock(now));
        }
        script.lines.push(line);
    }

    /// The script of a replica.
    pub(crate) fn of(&self, id: ReplicaId) -> &[String] {
        self.0.get(&id).map_or(&[], |script| &script.lines)
    }
}

fn came(now: Instant, at: Instant) -> String {
    if at == now {
        String::new()
    } else {
        format!(" at={}", at.as_nanos())
    }
}

fn clock(now: Instant) -> String {
    format!("clock ns={}", now.as_nanos())
}

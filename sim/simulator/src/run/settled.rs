//! After the clients are done: what the broker holds, how it stops, and what it leaves on its disk.

use model::{PartitionIndex, PartitionKey};
use runtime::{CoreId, Runtime};
use stdx::Duration;
use world::NodeState;

use super::{DATA, Run, SLICE};
use crate::oracles::{budgets, calm, disk};
use crate::outcome::Verdict;
use crate::workload::Phase;

/// How long the broker has to notice that all clients went.
const SETTLE: Duration = Duration::from_secs(35);

/// How long it has to end strangers who hold its memory. They are many, a few at a time get some of it, and the last of
/// them have all the time that a request of their size may take.
const SETTLE_STRANGERS: Duration = Duration::from_mins(2);

/// How long the broker may take to stop in good order.
const STOP_MAX: Duration = Duration::from_mins(1);

impl Run {
    /// After the clients' machine went, and the broker had the time to notice, nothing is reserved any more. Strangers
    /// who hold memory and do nothing are still connected, as far as it goes by them.
    pub(super) fn check_budgets(&mut self) {
        // What happened to the broker counts; that the clients' machine is taken away does not.
        self.note_coverage();
        self.world.kill(self.clients);
        let settle = if self.scenario.strangers.is_empty() {
            SETTLE
        } else {
            SETTLE_STRANGERS
        };
        self.run_while(self.world.now() + settle, Phase::Done);
        for core in self.cores() {
            if let Err(violation) = budgets::check(&core) {
                self.end(Verdict::Violated(violation));
                return;
            }
        }
    }

    /// Stops the broker in good order, and looks whether its disk holds what was served.
    pub(super) fn stop_and_check_disk(&mut self) {
        if self.ended.is_some() {
            return;
        }
        let node = self.broker.node();
        self.broker.stop(0);
        let end = self.world.now() + STOP_MAX;
        self.tell_madsim();
        while self.world.state(node) == NodeState::Running && self.world.now() < end {
            self.world.run_for(SLICE);
        }
        if self.world.state(node) == NodeState::Running {
            self.end(Verdict::Violated(calm::stuck(
                "the broker to stop",
                STOP_MAX,
            )));
            return;
        }
        if let Err(violation) = self.broker.judge_last(&self.world) {
            self.end(Verdict::Violated(violation));
            return;
        }
        if !self.world.is_completed(node) {
            // A sync that was planted to fail was this life's last: it ended itself instead, as it may.
            return;
        }
        for place in self.shared.places() {
            let Some(topic) = self.shared.id(&place.0) else {
                continue;
            };
            let key = PartitionKey {
                topic,
                partition: PartitionIndex(place.1),
            };
            // What was damaged at rest differs from what was served before, and was refused since.
            if self.shared.is_rotten(key) {
                continue;
            }
            let checked = disk::check(
                self.world.disk(node),
                DATA,
                key,
                &place,
                &self.shared.ledger(),
            );
            if let Err(violation) = checked {
                self.end(Verdict::Violated(violation));
                return;
            }
        }
    }

    /// The broker's cores, while it runs.
    fn cores(&self) -> Vec<Runtime> {
        let node = self.broker.node();
        let cores = (0..self.broker.cores()).map(CoreId::new);
        cores
            .filter_map(|core| self.world.runtime(node, core))
            .collect()
    }

    /// What is reserved on the broker's cores, in words.
    pub(super) fn budgets(&self) -> String {
        let mut used = Vec::new();
        for core in self.cores() {
            for budget in core.budgets() {
                if budget.used() > 0 || budget.waits() > 0 {
                    used.push(format!(
                        "core {} {budget:?} after {} waits",
                        core.core(),
                        budget.waits()
                    ));
                }
            }
        }
        if used.is_empty() {
            "no memory is reserved".to_owned()
        } else {
            used.join(", ")
        }
    }
}

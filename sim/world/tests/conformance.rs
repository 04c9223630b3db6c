//! The world is a ground like the others: it passes the suite that they pass, in good weather and in choppy.

use runtime::conformance::Ground;
use runtime::record::{Recording, Tape};
use runtime::{Main, conformance_suite};
use world::{NodeConfig, NodeId, World, WorldConfig};

struct Simulated {
    config: WorldConfig,
}

impl Simulated {
    fn world(&self, cores: u16) -> (World, NodeId) {
        let mut world = World::new(7, self.config.clone());
        let mut config = NodeConfig::with_cores(cores);
        if self.config != WorldConfig::default() {
            config.disk.faults.short_write = world::Rate::per_million(200_000);
            config.disk.faults.short_read = world::Rate::per_million(200_000);
            config.disk.faults.slow = world::Rate::per_million(10_000);
            config.pace.stall = world::Rate::per_million(1_000);
        }
        let node = world.add_machine(config);
        (world, node)
    }
}

impl Ground for Simulated {
    fn name(&self) -> &'static str {
        "world"
    }

    fn scratch(&self) -> String {
        // Each run has a disk of its own: its root is as empty as can be.
        "/.".to_owned()
    }

    fn run(&self, cores: u16, main: Main) {
        let (mut world, node) = self.world(cores);
        world.start(node, main);
        assert!(world.run_to_end(node), "{:?}", world.deaths());
    }

    fn record(&self, cores: u16, main: Main) -> Option<Recording> {
        let (mut world, node) = self.world(cores);
        let tape = Tape::new();
        world.record(node, &tape);
        world.start(node, main);
        assert!(world.run_to_end(node), "{:?}", world.deaths());
        Some(tape.recording())
    }
}

mod calm {
    use super::{Simulated, WorldConfig, conformance_suite};

    conformance_suite!(Simulated {
        config: WorldConfig::default()
    });
}

mod choppy {
    use super::{Simulated, WorldConfig, conformance_suite};

    conformance_suite!(Simulated {
        config: WorldConfig::choppy()
    });
}

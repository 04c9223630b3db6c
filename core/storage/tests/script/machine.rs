//! The machine of a script: a simulated disk, and lives of a process on it.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use datadriven::TestCase;
use model::LogIndex;
use world::{Cause, Crash, DiskFault, NodeConfig, NodeId, NodeState, World, WorldConfig};

use crate::steps::Life;
use crate::words::Words;

/// Where the log of a script lies.
pub(crate) const DIRECTORY: &str = "/log";

/// What a life has to say, and what it wants to happen to its machine.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) said: String,
    pub(crate) order: Option<String>,
    /// Bytes that a step remembers for another.
    pub(crate) kept: Vec<u8>,
}

pub(crate) struct Machine {
    world: World,
    node: NodeId,
}

impl Machine {
    pub(crate) fn new() -> Self {
        let mut world = World::new(7, WorldConfig::default());
        let node = world.add_machine(NodeConfig::default());
        Self { world, node }
    }

    /// Carries out one directive; what it printed.
    pub(crate) fn run(&mut self, case: &mut TestCase) -> String {
        if case.directive != "life" {
            let arguments = case
                .args
                .drain()
                .map(|(key, values)| format!("{key}={}", values.join(",")));
            let line = [case.directive.clone()]
                .into_iter()
                .chain(arguments)
                .collect::<Vec<_>>()
                .join(" ");
            return self.act(&line);
        }
        let wire = Arc::new(Mutex::new(Wire::default()));
        let life = Life {
            segment_bytes: case
                .try_take_arg("segment-bytes")
                .unwrap()
                .unwrap_or(1 << 20),
            budget_bytes: case.try_take_arg("budget").unwrap().unwrap_or(4 << 20),
            claimed: case.try_take_arg("claimed").unwrap().unwrap_or(0),
            steps: case.input.lines().map(str::to_owned).collect(),
            wire: Arc::clone(&wire),
        };
        case.expect_empty().unwrap();
        self.live(life, &wire)
    }

    fn live(&mut self, life: Life, wire: &Mutex<Wire>) -> String {
        let deaths = self.world.deaths().len();
        let life = Mutex::new(Some(life));
        let main = world::program(move |runtime| {
            let life = life.lock().unwrap().take().expect("a life is lived once");
            life.live(runtime)
        });
        self.world.start(self.node, main);
        while self.world.state(self.node) == NodeState::Running {
            assert!(self.world.step());
            let order = wire.lock().unwrap().order.clone();
            if let Some(order) = order {
                self.act(&order);
                wire.lock().unwrap().order = None;
            }
        }
        let mut said = std::mem::take(&mut wire.lock().unwrap().said);
        for death in &self.world.deaths()[deaths..] {
            match &death.cause {
                Cause::Own(why) => writeln!(said, "the process ends: {why}").unwrap(),
                Cause::Crash(crash) => writeln!(said, "{crash:?}").unwrap(),
            }
        }
        said
    }

    /// Does something to the machine.
    fn act(&mut self, line: &str) -> String {
        let words = Words::of(line);
        match words.verb() {
            "power-cut" => self.world.power_cut(self.node),
            "kill" => self.world.kill(self.node),
            "power-cut-soon" => {
                self.world
                    .crash_after_events(self.node, words.count("events", 1), Crash::PowerCut);
            }
            "fail-next" => self.world.fail_next(self.node, fault(&words)),
            "quota" => self.world.set_quota(self.node, words.count("bytes", 0)),
            "rot" => {
                let path = path(&words);
                assert!(
                    self.world
                        .disk_mut(self.node)
                        .rot(&path, words.count("at", 0), 1)
                );
            }
            "misdirect" => {
                let path = path(&words);
                assert!(self.world.disk_mut(self.node).misdirect_next(&path, true));
            }
            "unreadable" => {
                let (path, at) = (path(&words), words.count("at", 0));
                assert!(
                    self.world
                        .disk_mut(self.node)
                        .make_unreadable(&path, at, 512)
                );
            }
            "files" => return self.files(),
            other => panic!("unknown directive {other}"),
        }
        String::new()
    }

    fn files(&self) -> String {
        let disk = self.world.disk(self.node);
        let mut text = String::new();
        for name in disk.cache_names(DIRECTORY).unwrap_or_default() {
            let path = format!("{DIRECTORY}/{name}");
            let bytes = disk.cache_bytes(&path).map_or(0, |bytes| bytes.len());
            let durable = disk.durable_bytes(&path).map_or(0, |bytes| bytes.len());
            writeln!(text, "{name} {bytes} bytes, {durable} durable").unwrap();
        }
        text
    }
}

/// The file of a segment.
pub(crate) fn path(words: &Words<'_>) -> String {
    let base_index = LogIndex(words.count("segment", 1));
    format!("{DIRECTORY}/{}", storage::segment::file_name(base_index))
}

fn fault(words: &Words<'_>) -> DiskFault {
    match words.text("what") {
        "sync" => DiskFault::SyncError,
        "write" => DiskFault::WriteError,
        "read" => DiskFault::ReadError,
        "short-write" => DiskFault::ShortWrite,
        "short-read" => DiskFault::ShortRead,
        other => panic!("unknown fault {other}"),
    }
}

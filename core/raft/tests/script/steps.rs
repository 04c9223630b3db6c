//! The steps that a script may take with one replica.

use std::collections::VecDeque;

use model::LogIndex;
use raft::{
    Ack, Config, Effect, Frames, Group, HardState, Input, Position, Prefix, Purpose, Settings,
};
use stdx::{Duration, Instant};

use crate::print::print;
use crate::words;

use crate::log;

/// One replica, and what is on its way to its disk.
#[derive(Default)]
pub(crate) struct Steps {
    group: Option<Group>,
    now: Instant,
    persisting: VecDeque<u64>,
    appended: VecDeque<(LogIndex, u64)>,
    repairing: VecDeque<(LogIndex, Frames)>,
    /// What frames were last asked for.
    purpose: Option<Purpose>,
}

impl Steps {
    /// Takes one step, and says what came of it.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let told = match verb {
            "replica" => vec![self.start(rest)],
            "state" => vec![self.group().to_string()],
            "persisted" => match self.persisting.pop_front() {
                Some(sequence) => self.step(Input::Persisted { sequence }),
                None => vec!["no hard state is on its way".to_owned()],
            },
            "flushed" => match self.appended.pop_front() {
                Some((upto, epoch)) => self.step(Input::Flushed { upto, epoch }),
                None => vec!["no frame is on its way".to_owned()],
            },
            "repaired" => match self.repairing.pop_front() {
                Some((first, frames)) => self.step(Input::Repaired {
                    first,
                    frames,
                    chain: u32::try_from(first.0 - 1).expect("a short log"),
                }),
                None => vec!["no repair is on its way".to_owned()],
            },
            "wait" => {
                self.now += Duration::from_millis(words::number(rest, "ms"));
                self.step(Input::Tick)
            }
            _ => {
                let input = self.input(verb, rest);
                self.step(input)
            }
        };
        let told = if told.is_empty() {
            vec!["nothing".to_owned()]
        } else {
            told
        };
        format!("{line}\n    {}\n", told.join("\n    "))
    }

    fn input(&self, verb: &str, rest: &str) -> Input {
        let token = words::number(rest, "token");
        let list = |name| {
            words::value(rest, name)
                .map(words::replicas)
                .unwrap_or_default()
        };
        match verb {
            "receive" => Input::Received(words::message(rest, self.group().me())),
            "propose" => Input::Propose {
                token,
                expected_term: words::value(rest, "expect").map(|_| words::term(rest, "expect")),
                frames: vec![100].into(),
                ack: if rest.contains("lazy") {
                    Ack::Lazy
                } else {
                    Ack::Durable
                },
            },
            "read" => Input::Read { token },
            "fault" => Input::StorageFault {
                first: LogIndex(words::number(rest, "first")),
                last: LogIndex(words::number(rest, "last")),
                epoch: words::value(rest, "epoch")
                    .map_or(self.group().log().epoch(), |_| words::number(rest, "epoch")),
            },
            "fetched" => Input::Fetched {
                purpose: self.purpose.clone().expect("somebody asked"),
                to: words::replica(words::value(rest, "to").expect("for whom")),
                first: LogIndex(words::number(rest, "first")),
                frames: words::value(rest, "frames")
                    .map(words::frames)
                    .unwrap_or_default(),
            },
            "rest" => Input::Rest,
            "truncate-prefix" => Input::TruncatePrefix {
                token,
                upto: LogIndex(words::number(rest, "upto")),
            },
            "transfer" => Input::Transfer {
                to: words::replica(words::value(rest, "to").expect("to whom")),
            },
            "change" => Input::Change {
                token,
                voters: list("voters"),
                learners: list("learners"),
            },
            other => panic!("no step is called {other}"),
        }
    }

    fn group(&self) -> &Group {
        self.group.as_ref().expect("a script begins with a replica")
    }

    fn start(&mut self, rest: &str) -> String {
        let me = words::replica(rest.split_whitespace().next().expect("which replica"));
        let voters = words::value(rest, "voters")
            .map(words::replicas)
            .unwrap_or_default();
        let frames = words::value(rest, "log")
            .map(words::slots)
            .unwrap_or_default();
        let known_commit = LogIndex(words::number(rest, "commit"));
        let vote = words::value(rest, "vote").map(words::replica);
        let claimed = words::value(rest, "claimed")
            .map(words::position)
            .unwrap_or_default();
        let hard = HardState {
            term: words::term(rest, "term"),
            vote,
            claimed,
        };
        let last = words::value(rest, "start").map_or(Position::ZERO, words::position);
        let config = Config::of(voters).into();
        let frames = frames.iter().map(Option::as_ref);
        let log = log::recovered(&Prefix { last, config }, frames, known_commit, |last| {
            u32::try_from(last.0).ok()
        });
        self.persisting.clear();
        self.appended.clear();
        self.group = Some(Group::new(me, settings(), hard, log, self.now, 1));
        self.group().to_string()
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let mut effects = Vec::new();
        let group = self.group.as_mut().expect("a script begins with a replica");
        group.step(self.now, input, &mut effects);
        for effect in &effects {
            match effect {
                Effect::Persist { sequence, .. } => self.persisting.push_back(*sequence),
                Effect::Append {
                    first,
                    frames,
                    epoch,
                    flush: true,
                } => {
                    let last = LogIndex(first.0 + frames.len() as u64 - 1);
                    self.appended.push_back((last, *epoch));
                }
                Effect::Fetch { purpose, .. } => self.purpose = Some(purpose.clone()),
                Effect::Repair { first, frames } => {
                    self.repairing.push_back((*first, frames.clone()));
                }
                Effect::Flush { upto, epoch } => self.appended.push_back((*upto, *epoch)),
                Effect::Install { prefix, epoch } => {
                    self.appended.push_back((prefix.last.index, *epoch));
                }
                _ => {}
            }
        }
        effects.iter().map(print).collect()
    }
}

/// Every election time is the same, so that scripts know it.
fn settings() -> Settings {
    let defaults = Settings::default();
    Settings {
        election_max: defaults
            .election_min
            .saturating_add(Duration::from_millis(1)),
        ..defaults
    }
}

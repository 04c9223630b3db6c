//! The steps that a script may take with one replica.

use std::collections::VecDeque;

use model::LogIndex;
use raft::{
    Ack, Effect, Frames, Group, HardState, Input, Position, Prefix, Purpose, Quiet, Settings,
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
            "persisted" | "flushed" | "repaired" if rest.contains('=') => {
                let input = Self::completion(verb, rest);
                self.step(input)
            }
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
            "clock" => {
                self.now = Instant::from_nanos(words::number(rest, "ns"));
                vec![format!("{:?}", self.now)]
            }
            "pulse" | "hear-quiet" | "quiet-answered" => self.beat(verb, rest),
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
                frames: words::value(rest, "sizes").map_or_else(
                    || vec![100].into(),
                    |sizes| {
                        sizes
                            .split(',')
                            .map(|size| size.parse().expect("bytes"))
                            .collect()
                    },
                ),
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
                purpose: self.purpose_of(rest),
                to: words::replica(words::value(rest, "to").expect("for whom")),
                first: LogIndex(words::number(rest, "first")),
                frames: words::value(rest, "frames")
                    .map(words::frames)
                    .unwrap_or_default(),
            },
            "tick" => Input::Tick,
            "catch-up" => Input::CatchUp,
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

    /// Something was done that was decided before, in any order.
    fn completion(verb: &str, rest: &str) -> Input {
        let epoch = words::number(rest, "epoch");
        let index = |name| LogIndex(words::number(rest, name));
        match verb {
            "persisted" => Input::Persisted {
                sequence: words::number(rest, "seq"),
            },
            "flushed" => Input::Flushed {
                upto: index("upto"),
                epoch,
            },
            _ => Input::Repaired {
                first: index("first"),
                frames: words::value(rest, "frames")
                    .map(words::frames)
                    .expect("frames"),
                chain: u32::try_from(words::number(rest, "chain")).expect("a checksum"),
            },
        }
    }

    /// What frames were asked for: as it says, or the last time.
    fn purpose_of(&self, rest: &str) -> Purpose {
        let has = |word| rest.split_whitespace().any(|other| other == word);
        if has("replicate") {
            return Purpose::Replicate;
        }
        match words::value(rest, "lack") {
            Some(lack) => Purpose::Repair {
                lack: Box::new(words::lack(lack)),
                check: has("check"),
            },
            None => self.purpose.clone().expect("somebody asked"),
        }
    }

    /// A beat of the host's.
    fn beat(&mut self, verb: &str, rest: &str) -> Vec<String> {
        let (now, group) = (self.now, self.group.as_mut().expect("a replica"));
        if verb == "pulse" {
            let (mut quiet, mut effects) = (Vec::new(), Vec::new());
            group.pulse(now, &mut quiet, &mut effects);
            let quiet = quiet.iter().map(|quiet| format!("quietly -> {}", quiet.to));
            return quiet.chain(effects.iter().map(print)).collect();
        }
        let name = |name| words::replica(words::value(rest, name).expect("a replica"));
        let quiet = Quiet {
            from: name("from"),
            to: name("to"),
            term: words::term(rest, "term"),
        };
        let refused = rest.split_whitespace().any(|word| word == "refused");
        let at = words::value(rest, "at").map(|at| at.parse().expect("a time"));
        let at = at.map_or(now, Instant::from_nanos);
        if verb == "hear-quiet" {
            let accepted = group.hear_quiet(at, &quiet);
            return vec![if accepted { "accepted" } else { "refused" }.to_owned()];
        }
        group.quiet_answered(at, &quiet, !refused);
        Vec::new()
    }

    pub(crate) fn group(&self) -> &Group {
        self.group.as_ref().expect("a script begins with a replica")
    }

    /// Another replica, or the same one again: what was on its way is gone. Time goes on.
    fn start(&mut self, rest: &str) -> String {
        let now = self.now;
        *self = Self {
            now,
            ..Self::default()
        };
        let me = words::replica(rest.split_whitespace().next().expect("which replica"));
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
        let config = words::voters(rest).into();
        let chain = |index: LogIndex| {
            let at = usize::try_from(index.0 - last.index.0 - 1).expect("a short log");
            let known = frames[at].as_ref().err().copied().flatten();
            known.or_else(|| u32::try_from(index.0).ok())
        };
        let readable = frames.iter().map(|slot| slot.as_ref().ok());
        let log = log::recovered(&Prefix { last, config }, readable, known_commit, chain);
        self.persisting.clear();
        self.appended.clear();
        let (mut settings, mut seed) = (settings(), 1);
        if let Some(text) = words::value(rest, "seed") {
            // As the cluster has it.
            seed = text.parse().expect("a number");
            settings = Settings {
                in_flight_messages_max: 4,
                message_bytes_max: words::number(rest, "message"),
                catch_up_frames: 3,
                pulsed: rest.ends_with(" pulsed"),
                ..Settings::default()
            };
        }
        if words::value(rest, "lag").is_some() {
            settings.lag_max = words::number(rest, "lag");
        }
        if words::value(rest, "rate").is_some() {
            settings.learner_bytes_per_second = words::number(rest, "rate");
        }
        self.group = Some(Group::new(me, settings, hard, log, self.now, seed));
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

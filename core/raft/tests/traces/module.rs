//! Traces, written as a module of TLA+ that TLC checks against `papers/spec/trace.tla`.

use std::collections::BTreeSet;

use model::LogIndex;
use raft::trace::{Line, Point, State};
use raft::{Body, Config, Frame, FrameKind, HardState, Message, Position, ReplicaId};

/// The module with `traces` of groups that begin with `voters`.
pub(crate) fn write(voters: i32, traces: &[Vec<Line>]) -> String {
    let all = traces.iter().flatten().map(|line| line.replica);
    let initial: BTreeSet<ReplicaId> = (1..=voters).map(ReplicaId::first).collect();
    let servers: BTreeSet<ReplicaId> = all.chain(initial.iter().copied()).collect();
    let mut module = format!(
        "---- MODULE lines ----\nEXTENDS Naturals, Sequences\n\nReplicas == {}\nFirst == {}\nTraces == <<\n",
        set(&servers),
        set(&initial)
    );
    let all: Vec<String> = traces
        .iter()
        .map(|trace| {
            let lines: Vec<String> = trace.iter().map(record).collect();
            format!("<<\n{}\n>>", lines.join(",\n"))
        })
        .collect();
    module.push_str(&all.join(",\n"));
    module.push_str("\n>>\n====\n");
    module
}

fn set(replicas: &BTreeSet<ReplicaId>) -> String {
    let names: Vec<String> = replicas.iter().map(|id| format!("\"{id}\"")).collect();
    format!("{{{}}}", names.join(", "))
}

fn record(line: &Line) -> String {
    let Line {
        replica,
        point,
        state,
    } = line;
    let State {
        term,
        vote,
        role,
        last,
        flushed,
        start,
        commit,
        config,
    } = state;
    let vote = who(*vote);
    let name = name(point);
    let (last, config) = (position(*last), sets(config));
    let args = args(point);
    format!(
        "[at |-> \"{replica}\", do |-> \"{name}\", term |-> {term}, vote |-> {vote}, role |-> \"{role}\", last |-> {last}, \
         flushed |-> {flushed}, start |-> {start}, commit |-> {commit}, config |-> {config}, args |-> {args}]"
    )
}

/// What `point` is called there.
pub(crate) fn name(point: &Point) -> &'static str {
    match point {
        Point::Start => "Start",
        Point::Stand => "Stand",
        Point::Follow => "Follow",
        Point::Vote => "Vote",
        Point::Lead => "Lead",
        Point::Write(_) => "Write",
        Point::Written => "Written",
        Point::Append(_) => "Append",
        Point::Receive { .. } => "Receive",
        Point::Lower(_) => "Lower",
        Point::Raise(_) => "Raise",
        Point::Flush => "Flush",
        Point::Commit => "Commit",
        Point::Begin => "Begin",
        Point::Keep(_) => "Keep",
        Point::Install(_) => "Install",
        Point::Send(_) => "Send",
    }
}

fn args(point: &Point) -> String {
    match point {
        Point::Write(hard) => hard_state(hard),
        Point::Append(frames) => entries(frames),
        Point::Receive { prev, count } => {
            format!("[prev |-> {}, count |-> {count}]", position(*prev))
        }
        Point::Lower(claimed) | Point::Raise(claimed) => position(*claimed),
        Point::Keep(last) | Point::Install(last) => last.to_string(),
        Point::Send(message) => self::message(message),
        Point::Start
        | Point::Stand
        | Point::Follow
        | Point::Vote
        | Point::Lead
        | Point::Written
        | Point::Flush
        | Point::Commit
        | Point::Begin => "0".to_owned(),
    }
}

fn who(replica: Option<ReplicaId>) -> String {
    replica.map_or("\"nobody\"".to_owned(), |id| format!("\"{id}\""))
}

fn position(Position { index, term }: Position) -> String {
    format!("[index |-> {index}, term |-> {term}]")
}

fn sets(config: &Config) -> String {
    let outgoing = config.outgoing.clone().unwrap_or_default();
    let (voters, outgoing) = (set(&config.voters), set(&outgoing));
    format!("[voters |-> {voters}, outgoing |-> {outgoing}]")
}

fn hard_state(hard: &HardState) -> String {
    let HardState {
        term,
        vote,
        claimed,
    } = hard;
    let (vote, claimed) = (who(*vote), position(*claimed));
    format!("[term |-> {term}, vote |-> {vote}, claimed |-> {claimed}]")
}

fn entries(frames: &[Frame]) -> String {
    let all: Vec<String> = frames.iter().map(entry).collect();
    format!("<<{}>>", all.join(", "))
}

fn entry(frame: &Frame) -> String {
    let term = frame.term;
    let (what, voters, outgoing, upto) = match &frame.kind {
        // A gap stands for records.
        FrameKind::Data | FrameKind::Gap => {
            ("data", "{}".to_owned(), "{}".to_owned(), LogIndex::ZERO)
        }
        FrameKind::Noop => ("noop", "{}".to_owned(), "{}".to_owned(), LogIndex::ZERO),
        FrameKind::Mark => ("mark", "{}".to_owned(), "{}".to_owned(), LogIndex::ZERO),
        FrameKind::Config(config) => {
            let outgoing = config.outgoing.clone().unwrap_or_default();
            (
                "config",
                set(&config.voters),
                set(&outgoing),
                LogIndex::ZERO,
            )
        }
        FrameKind::PrefixTruncate(upto) => ("start", "{}".to_owned(), "{}".to_owned(), *upto),
    };
    format!(
        "[term |-> {term}, what |-> \"{what}\", voters |-> {voters}, outgoing |-> {outgoing}, upto |-> {upto}]"
    )
}

fn message(message: &Message) -> String {
    let Message {
        from,
        to,
        term,
        body,
    } = message;
    let ends = format!("from |-> \"{from}\", to |-> \"{to}\", term |-> {term}");
    match body {
        Body::VoteRequest { ballot, last } if *ballot != raft::Ballot::Pre => {
            let last = position(*last);
            format!("[kind |-> \"vote?\", from |-> \"{from}\", term |-> {term}, last |-> {last}]")
        }
        Body::VoteReply {
            pre: false,
            granted: true,
        } => format!("[kind |-> \"vote\", {ends}]"),
        Body::Append {
            prev,
            frames,
            commit,
            ..
        } => {
            let (prev, entries) = (position(*prev), entries(frames));
            format!(
                "[kind |-> \"append\", {ends}, prev |-> {prev}, entries |-> {entries}, commit |-> {commit}]"
            )
        }
        Body::Appended { flushed, .. } | Body::BeatReply { flushed, .. } => {
            format!("[kind |-> \"appended\", {ends}, index |-> {flushed}]")
        }
        Body::Beat { commit, .. } => format!("[kind |-> \"beat\", {ends}, commit |-> {commit}]"),
        Body::Install { prefix, commit, .. } => {
            let upto = prefix.last.index;
            format!("[kind |-> \"install\", {ends}, upto |-> {upto}, commit |-> {commit}]")
        }
        _ => format!("[kind |-> \"word\", {ends}]"),
    }
}

//! Traces whose last line is wrong, each in a way in which code could be.

use model::LogIndex;
use raft::trace::{Line, Point};
use raft::{Body, FrameKind, Message, ReplicaId};

/// What is done wrong, and how a trace comes to be so: not every trace can.
pub(crate) type Alteration = (&'static str, fn(&[Line]) -> Option<Vec<Line>>);

/// All of them.
pub(crate) const ALTERATIONS: &[Alteration] = &[
    ("votes for somebody else", votes_for_another),
    ("says its vote before its disk has it", says_vote_early),
    ("leads without votes", leads_without_votes),
    ("acknowledges before its disk has it", acknowledges_early),
    ("commits without a majority", commits_alone),
    ("learns of more than it was shown", learns_more),
    ("settles before that is committed", settles_early),
    ("begins later before that is committed", begins_early),
    ("starts without what was durable", forgets),
    ("follows in a term that nobody began", invents_a_term),
    ("receives what nobody sent", receives_nothing),
    ("keeps a log that it throws away", keeps),
];

fn message(line: &Line) -> Option<&Message> {
    match &line.point {
        Point::Send(message) => Some(message),
        _ => None,
    }
}

/// Up to the line at `end`, without those before it that `is` says.
fn without(trace: &[Line], end: usize, is: impl Fn(&Line) -> bool) -> Vec<Line> {
    let before = trace[..end].iter().filter(|line| !is(line));
    before.chain([&trace[end]]).cloned().collect()
}

/// Up to the line at `end`, which is changed.
fn changed(trace: &[Line], end: usize, change: impl Fn(&mut Line)) -> Vec<Line> {
    earlier(trace, end, end, change)
}

/// Up to the line at `early`, and that at `late` in its place, changed.
fn earlier(trace: &[Line], early: usize, late: usize, change: impl Fn(&mut Line)) -> Vec<Line> {
    let mut altered = trace[..early].to_vec();
    let mut line = trace[late].clone();
    change(&mut line);
    altered.push(line);
    altered
}

/// The last line of `replica` before `end` that `is` says.
fn last(
    trace: &[Line],
    end: usize,
    replica: ReplicaId,
    is: impl Fn(&Line) -> bool,
) -> Option<usize> {
    let mine = |line: &Line| line.replica == replica && is(line);
    trace[..end].iter().rposition(mine)
}

fn is_vote(message: &Message) -> bool {
    let (pre, granted) = (false, true);
    message.body == Body::VoteReply { pre, granted }
}

fn votes_for_another(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace
        .iter()
        .position(|line| matches!(line.point, Point::Vote))?;
    let change = |line: &mut Line| line.state.vote = Some(line.replica);
    Some(changed(trace, at, change))
}

fn says_vote_early(trace: &[Line]) -> Option<Vec<Line>> {
    let late = trace
        .iter()
        .position(|line| message(line).is_some_and(is_vote))?;
    let replica = trace[late].replica;
    let early = last(trace, late, replica, |line| {
        matches!(line.point, Point::Written)
    })?;
    Some(earlier(trace, early, late, |_| {}))
}

fn leads_without_votes(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace.iter().position(|line| {
        matches!(line.point, Point::Lead) && line.state.config.members().len() > 1
    })?;
    let (leader, term) = (trace[at].replica, trace[at].state.term);
    Some(without(trace, at, |line| {
        message(line).is_some_and(|said| is_vote(said) && said.to == leader && said.term == term)
    }))
}

/// How far a message says that a log is durable.
fn acknowledged(message: &Message) -> LogIndex {
    match message.body {
        Body::Appended { flushed, .. } | Body::BeatReply { flushed, .. } => flushed,
        _ => LogIndex::ZERO,
    }
}

fn acknowledges_early(trace: &[Line]) -> Option<Vec<Line>> {
    let (mut late, mut early) = (0, 0);
    for (at, line) in trace.iter().enumerate() {
        let upto = message(line).map_or(LogIndex::ZERO, acknowledged);
        let flush = last(trace, at, line.replica, |line| {
            matches!(line.point, Point::Flush)
        });
        let Some(flush) = flush.filter(|&flush| upto == trace[flush].state.flushed) else {
            continue;
        };
        let same = trace[flush + 1..at]
            .iter()
            .all(|between| between.replica != line.replica || message(between).is_some());
        if same {
            (late, early) = (at, flush);
            break;
        }
    }
    let before = last(trace, early, trace[early].replica, |_| true)?;
    let flushed = trace[before].state.flushed;
    Some(earlier(trace, early, late, |line| {
        line.state.flushed = flushed;
    }))
}

fn commits_alone(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace.iter().position(|line| {
        let several = line.state.config.members().len() > 1;
        matches!(line.point, Point::Commit) && line.state.role == "leader" && several
    })?;
    let (leader, upto) = (trace[at].replica, trace[at].state.commit);
    Some(without(trace, at, |line| {
        message(line).is_some_and(|said| said.to == leader && acknowledged(said) >= upto)
    }))
}

fn learns_more(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace.iter().position(|line| {
        let more = line.state.commit < line.state.last.index;
        matches!(line.point, Point::Commit) && line.state.role == "follower" && more
    })?;
    let change = |line: &mut Line| line.state.commit = line.state.commit.next();
    Some(changed(trace, at, change))
}

fn settles_early(trace: &[Line]) -> Option<Vec<Line>> {
    let settles = |line: &Line| {
        let Point::Append(frames) = &line.point else {
            return false;
        };
        let only = frames.first().filter(|_| frames.len() == 1);
        only.is_some_and(|only| matches!(only.kind, FrameKind::Config(_)))
    };
    let commits = |line: &Line| matches!(line.point, Point::Commit);
    let late = (1..trace.len()).find(|&at| {
        let (line, before) = (&trace[at], &trace[at - 1]);
        settles(line) && commits(before) && line.replica == before.replica
    })?;
    let before = last(trace, late - 1, trace[late].replica, |_| true)?;
    let commit = trace[before].state.commit;
    Some(earlier(trace, late - 1, late, |line| {
        line.state.commit = commit;
    }))
}

fn begins_early(trace: &[Line]) -> Option<Vec<Line>> {
    let late = (1..trace.len()).find(|&at| {
        let (line, before) = (&trace[at], &trace[at - 1]);
        let commits = matches!(before.point, Point::Commit) && line.replica == before.replica;
        matches!(line.point, Point::Begin) && commits
    })?;
    let before = last(trace, late - 1, trace[late].replica, |_| true)?;
    let commit = trace[before].state.commit;
    Some(earlier(trace, late - 1, late, |line| {
        line.state.commit = commit;
    }))
}

fn forgets(trace: &[Line]) -> Option<Vec<Line>> {
    let at = (0..trace.len()).find(|&at| {
        let line = &trace[at];
        let before = last(trace, at, line.replica, |_| true);
        let durable = before.map(|before| trace[before].state.flushed);
        let last = line.state.last.index;
        matches!(line.point, Point::Start) && last > line.state.start && durable == Some(last)
    })?;
    Some(changed(trace, at, |line| {
        let state = &mut line.state;
        state.last.index = LogIndex(state.last.index.0 - 1);
        state.flushed = state.last.index;
        state.commit = state.commit.min(state.flushed);
    }))
}

fn invents_a_term(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace
        .iter()
        .position(|line| matches!(line.point, Point::Follow))?;
    Some(changed(trace, at, |line| line.state.term.0 += 100))
}

fn receives_nothing(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace
        .iter()
        .position(|line| matches!(line.point, Point::Receive { count, .. } if count > 0))?;
    let replica = trace[at].replica;
    Some(without(trace, at, |line| {
        message(line)
            .is_some_and(|said| said.to == replica && matches!(said.body, Body::Append { .. }))
    }))
}

fn keeps(trace: &[Line]) -> Option<Vec<Line>> {
    let at = trace
        .iter()
        .position(|line| matches!(line.point, Point::Install(_)))?;
    let before = last(trace, at, trace[at].replica, |_| true)?;
    let state = &trace[before].state;
    Some(changed(trace, at, |line| {
        if let Point::Install(upto) = line.point {
            line.point = Point::Keep(upto);
        }
        line.state = state.clone();
    }))
}

//! What a script says, in few words.

use std::sync::Arc;

use model::{LogIndex, NodeId, Term};
use raft::{
    Ballot, Body, Config, Frame, FrameKind, Frames, Lack, Message, Position, Prefix, ReplicaId,
};

/// The value of `name=value` in a line.
pub(crate) fn value<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split_whitespace()
        .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
}

pub(crate) fn number(line: &str, name: &str) -> u64 {
    value(line, name).map_or(0, |text| text.parse().expect("a number"))
}

pub(crate) fn term(line: &str, name: &str) -> Term {
    Term(u32::try_from(number(line, name)).expect("a term"))
}

pub(crate) fn replica(text: &str) -> ReplicaId {
    let number = text
        .strip_prefix('n')
        .expect("a replica is n1, n2, n2.1, ...");
    let (node, incarnation) = number.split_once('.').unwrap_or((number, "0"));
    ReplicaId {
        node: NodeId(node.parse().expect("a number")),
        incarnation: incarnation.parse().expect("a number"),
    }
}

pub(crate) fn replicas(text: &str) -> Vec<ReplicaId> {
    text.split(',')
        .filter(|name| !name.is_empty())
        .map(replica)
        .collect()
}

/// `7/3`: index 7, term 3.
pub(crate) fn position(text: &str) -> Position {
    let (index, term) = text.split_once('/').expect("index/term");
    Position::new(
        index.parse().expect("a number"),
        term.parse().expect("a number"),
    )
}

/// `[n1+n2]`; `[n1|n1+n2]` is joint; `[n1;n3]` has a learner.
pub(crate) fn config(text: &str) -> Config {
    let text = text.trim_matches(['[', ']']);
    let set = |set: &str| {
        let names = set.split('+').filter(|name| !name.is_empty());
        names.map(replica).collect()
    };
    let (sets, learners) = text.split_once(';').unwrap_or((text, ""));
    let mut sets = sets.split('|').map(set);
    Config {
        voters: sets.next().expect("voters"),
        outgoing: sets.next(),
        learners: set(learners),
    }
}

/// Frames by their terms: `1,1,2`; `2c[n1+n2]` is a configuration, `2s5` one that has the log begin behind 5, `2n` one with nothing
/// in it, `2m` a mark, `2g` a gap; `2b9` is one of 9 bytes.
pub(crate) fn frames(text: &str) -> Frames {
    let frame = |text: &str| {
        let (term, kind) = if let Some((term, voters)) = text.split_once('c') {
            (term, FrameKind::Config(Arc::new(config(voters))))
        } else if let Some((term, upto)) = text.split_once('s') {
            let upto = LogIndex(upto.parse().expect("an index"));
            (term, FrameKind::PrefixTruncate(upto))
        } else if let Some(term) = text.strip_suffix('n') {
            (term, FrameKind::Noop)
        } else if let Some(term) = text.strip_suffix('m') {
            (term, FrameKind::Mark)
        } else if let Some(term) = text.strip_suffix('g') {
            (term, FrameKind::Gap)
        } else {
            (text, FrameKind::Data)
        };
        let (term, bytes) = term.split_once('b').unwrap_or((term, "100"));
        Frame {
            term: Term(term.parse().expect("a term")),
            kind,
            bytes: bytes.parse().expect("a number"),
        }
    };
    text.split(',')
        .filter(|text| !text.is_empty())
        .map(frame)
        .collect()
}

/// The same, where `x` cannot be read, and `x#7` neither, but its checksum is known to be 7.
pub(crate) fn slots(text: &str) -> Vec<Result<Frame, Option<u32>>> {
    let slots = text.split(',').filter(|text| !text.is_empty());
    let slot = |text: &str| match text.strip_prefix('x') {
        None => Ok(frames(text).pop().expect("a frame")),
        Some(lost) => Err(lost
            .strip_prefix('#')
            .map(|chain| chain.parse().expect("a number"))),
    };
    slots.map(slot).collect()
}

/// `3-5@6/2`: frames 3 to 5, of whoever has 6/2; `3-5t2@6/2`: they are of term 2; `3-5@6/2#7`: the last has
/// checksum 7; `3-5@6/2!`: they are known to be committed.
pub(crate) fn lack(text: &str) -> Lack {
    let (text, committed) = match text.strip_suffix('!') {
        Some(text) => (text, true),
        None => (text, false),
    };
    let (text, chain) = match text.split_once('#') {
        Some((text, chain)) => (text, Some(chain.parse().expect("a number"))),
        None => (text, None),
    };
    let (range, anchor) = text.split_once('@').expect("first-last@anchor");
    let (range, term) = match range.split_once('t') {
        Some((range, term)) => (range, Some(Term(term.parse().expect("a term")))),
        None => (range, None),
    };
    let (first, last) = range.split_once('-').expect("first-last");
    let index = |text: &str| LogIndex(text.parse().expect("a number"));
    Lack {
        first: index(first),
        last: index(last),
        term,
        anchor: position(anchor),
        chain,
        committed,
    }
}

fn body(kind: &str, line: &str) -> Body {
    let place = |name| value(line, name).map_or(Position::ZERO, position);
    let index = |name| LogIndex(number(line, name));
    let sequence = number(line, "seq");
    let has = |word: &str| line.split_whitespace().any(|other| other == word);
    match kind {
        "vote-request" => Body::VoteRequest {
            ballot: if has("pre") {
                Ballot::Pre
            } else if has("transfer") {
                Ballot::Transfer
            } else {
                Ballot::Real
            },
            last: place("last"),
        },
        "vote" => Body::VoteReply {
            pre: has("pre"),
            granted: !has("denied"),
        },
        "append" => Body::Append {
            sequence,
            prev: place("prev"),
            frames: value(line, "frames").map(frames).unwrap_or_default(),
            commit: index("commit"),
            flush: !has("lazy"),
        },
        "appended" => Body::Appended {
            sequence,
            verified: index("verified"),
            flushed: index("flushed"),
        },
        "mismatch" => Body::Mismatch {
            sequence,
            next: index("next"),
        },
        "beat" => Body::Beat {
            sequence,
            commit: index("commit"),
        },
        "beat-reply" => Body::BeatReply {
            sequence,
            verified: index("verified"),
            flushed: index("flushed"),
        },
        "timeout-now" => Body::TimeoutNow,
        "stale" => Body::Stale,
        other => body_of_start_or_repair(other, line),
    }
}

/// `config=[n1+n2]`, or `voters=n1,n2` where that is all.
pub(crate) fn voters(line: &str) -> Config {
    let voters = || Config::of(value(line, "voters").map(replicas).unwrap_or_default());
    value(line, "config").map_or_else(voters, config)
}

fn body_of_start_or_repair(kind: &str, line: &str) -> Body {
    let place = |name| value(line, name).map_or(Position::ZERO, position);
    let index = |name| LogIndex(number(line, name));
    let prefix = || Prefix {
        last: place("last"),
        config: Arc::new(voters(line)),
    };
    match kind {
        "install" => Body::Install {
            sequence: number(line, "seq"),
            prefix: prefix(),
            commit: index("commit"),
            differs: value(line, "differs").map(lack).map(Box::new),
        },
        "begins" => Body::Begins {
            prefix: prefix(),
            lack: value(line, "lack").map(lack).map(Box::new),
        },
        "repair" => Body::Repair(Box::new(lack(value(line, "lack").expect("what")))),
        "repaired" => Body::Repaired {
            lack: Box::new(lack(value(line, "lack").expect("what"))),
            first: index("first"),
            prev: value(line, "prev").map(position).unwrap_or_default(),
            frames: value(line, "frames").map(frames).unwrap_or_default(),
        },
        other => panic!("no message is called {other}"),
    }
}

/// A message to `to`, unless it says otherwise, in words: `vote-request from=n2 term=3 last=5/2`.
pub(crate) fn message(line: &str, to: ReplicaId) -> Message {
    let kind = line
        .split_whitespace()
        .next()
        .expect("a message has a name");
    let body = body(kind, line);
    Message {
        from: replica(value(line, "from").expect("from whom")),
        to: value(line, "to").map_or(to, replica),
        term: term(line, "term"),
        body,
    }
}

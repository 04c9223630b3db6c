//! Messages and effects in few words.

use raft::{Ballot, Body, Effect, Frame, FrameKind, Lack, Outcome, Prefix, Purpose};

pub(crate) fn print_lack(lack: &Lack) -> String {
    let term = lack.term.map(|term| format!("t{term}"));
    let term = term.unwrap_or_default();
    let chain = lack.chain.map(|chain| format!("#{chain}"));
    let chain = chain.unwrap_or_default();
    let known = if lack.committed { "!" } else { "" };
    format!(
        "{}-{}{term}@{}{chain}{known}",
        lack.first, lack.last, lack.anchor
    )
}

fn print_outcome(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Committed { last, term } => format!("committed at {last}/{term}"),
        Outcome::Seen { last, term } => format!("seen at {last}/{term}"),
        Outcome::Lost => "lost".to_owned(),
        Outcome::Unknown => "unknown".to_owned(),
    }
}

fn print_frames(frames: &[Frame]) -> String {
    let print = |frame: &Frame| match &frame.kind {
        FrameKind::Data => format!("{}", frame.term),
        FrameKind::Noop => format!("{}noop", frame.term),
        FrameKind::Mark => format!("{}mark", frame.term),
        FrameKind::Gap => format!("{}gap", frame.term),
        FrameKind::Config(config) => format!("{}{config}", frame.term),
        FrameKind::PrefixTruncate(upto) => format!("{}start behind {upto}", frame.term),
    };
    let printed: Vec<String> = frames.iter().map(print).collect();
    format!("[{}]", printed.join(", "))
}

fn print_prefix(prefix: &Prefix, lack: Option<&str>, word: &str) -> String {
    let Prefix { last, config } = prefix;
    let lack = lack.map(|lack| format!(" {word}={lack}"));
    format!("last={last} voters {config}{}", lack.unwrap_or_default())
}

pub(crate) fn print_body(body: &Body) -> String {
    match body {
        Body::VoteRequest { ballot, last } => {
            let ballot = match ballot {
                Ballot::Pre => "pre ",
                Ballot::Real => "",
                Ballot::Transfer => "transfer ",
            };
            format!("vote-request {ballot}last={last}")
        }
        Body::VoteReply { pre, granted } => format!(
            "vote{} {}",
            if *pre { " pre" } else { "" },
            if *granted { "granted" } else { "denied" }
        ),
        Body::Append {
            sequence,
            prev,
            frames,
            commit,
            flush,
        } => {
            let (frames, lazy) = (print_frames(frames), if *flush { "" } else { " lazy" });
            format!("append seq={sequence} prev={prev} {frames} commit={commit}{lazy}")
        }
        Body::Install {
            sequence,
            prefix,
            commit,
            differs,
        } => {
            let lack = differs.as_deref().map(print_lack);
            let prefix = print_prefix(prefix, lack.as_deref(), "differs");
            format!("install seq={sequence} commit={commit} {prefix}")
        }
        Body::Begins { prefix, lack } => {
            let lack = lack.as_deref().map(print_lack);
            format!("begins {}", print_prefix(prefix, lack.as_deref(), "lack"))
        }
        Body::Repair(lack) => format!("repair {}", print_lack(lack)),
        Body::Repaired {
            lack,
            first,
            prev,
            frames,
        } => {
            let (lack, frames) = (print_lack(lack), print_frames(frames));
            format!("repaired {lack} first={first} prev={prev} {frames}")
        }
        Body::Appended {
            sequence,
            verified,
            flushed,
        } => format!("appended seq={sequence} verified={verified} flushed={flushed}"),
        Body::Mismatch { sequence, next } => format!("mismatch seq={sequence} next={next}"),
        Body::Beat { sequence, commit } => format!("beat seq={sequence} commit={commit}"),
        Body::BeatReply {
            sequence,
            verified,
            flushed,
        } => format!("beat-reply seq={sequence} verified={verified} flushed={flushed}"),
        Body::TimeoutNow => "timeout-now".to_owned(),
        Body::Stale => "stale".to_owned(),
    }
}

pub(crate) fn print(effect: &Effect) -> String {
    match effect {
        Effect::Persist { sequence, state } => {
            let vote = state
                .vote
                .map_or("nobody".to_owned(), |vote| vote.to_string());
            format!(
                "persist {sequence}: term {} vote {vote} claimed {}",
                state.term, state.claimed
            )
        }
        Effect::Append {
            first,
            frames,
            flush,
            ..
        } => {
            let lazy = if *flush { "" } else { " lazily" };
            format!("append{lazy} {first} {}", print_frames(frames))
        }
        Effect::Flush { upto, .. } => format!("flush {upto}"),
        Effect::Visible { upto } => format!("visible {upto}"),
        Effect::Hidden { last } => format!("HIDDEN above {last}"),
        Effect::Truncate { last, .. } => format!("truncate above {last}"),
        Effect::Begin(prefix) => format!("begin behind {} voters {}", prefix.last, prefix.config),
        Effect::Install { prefix, .. } => {
            format!("install behind {} voters {}", prefix.last, prefix.config)
        }
        Effect::Send(message) => format!(
            "-> {} term {} {}",
            message.to,
            message.term,
            print_body(&message.body)
        ),
        Effect::Fetch {
            to,
            first,
            purpose: Purpose::Replicate,
            ..
        } => format!("fetch {first} for {to}"),
        Effect::Fetch {
            to,
            first,
            purpose: Purpose::Repair { lack, check },
            ..
        } => {
            let check = if *check { ", if it is that" } else { "" };
            let lack = print_lack(lack);
            format!("fetch {first} for {to}, which lacks {lack}{check}")
        }
        Effect::Fence { last, .. } => format!("fence above {last}"),
        Effect::Repair { first, frames } => format!("repair {first} {}", print_frames(frames)),
        Effect::Commit { upto } => format!("commit {upto}"),
        Effect::Resolved { token, outcome } => format!("{token} {}", print_outcome(outcome)),
        Effect::Refused { token, refusal } => format!("{token} refused: {refusal:?}"),
        Effect::ReadReady { token, index } => format!("{token} may read at {index}"),
        Effect::Role {
            term,
            leads,
            leader,
        } => {
            let leader = leader.map_or("nobody".to_owned(), |leader| leader.to_string());
            let leads = if *leads { "leads" } else { "follows" };
            format!("{leads} in term {term}, leader {leader}")
        }
        Effect::Lagging { frames } => format!("lacks {frames}, and waits for its turn"),
        Effect::CaughtUp => "needs no turn any more".to_owned(),
        Effect::Reconfigured(config) => format!("voters {config}"),
        Effect::Broken(what) => format!("BROKEN: {what}"),
    }
}

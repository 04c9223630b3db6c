//! What happened to a replica, in the words of a script.

use raft::{
    Ack, Body, Config, Frame, FrameKind, HardState, Input, Message, Prefix, Purpose, ReplicaId,
};

use crate::print::{print_body, print_lack};

/// A step of a script.
pub(crate) fn step(input: &Input) -> String {
    match input {
        Input::Tick => "tick".to_owned(),
        Input::Received(message) => format!("receive {}", self::message(message)),
        Input::Propose {
            token, frames, ack, ..
        } => {
            let sizes: Vec<String> = frames.iter().map(u32::to_string).collect();
            let lazy = if *ack == Ack::Lazy { " lazy" } else { "" };
            format!("propose token={token} sizes={}{lazy}", sizes.join(","))
        }
        Input::Flushed { upto, epoch } => format!("flushed upto={upto} epoch={epoch}"),
        Input::Persisted { sequence } => format!("persisted seq={sequence}"),
        Input::Fetched {
            to,
            first,
            purpose,
            frames,
        } => {
            let purpose = match purpose {
                Purpose::Replicate => "replicate".to_owned(),
                Purpose::Repair { lack, check } => {
                    let checked = if *check { " check" } else { "" };
                    format!("lack={}{checked}", print_lack(lack))
                }
            };
            format!(
                "fetched to={to} first={first} {purpose}{}",
                some_frames(frames)
            )
        }
        Input::StorageFault { first, last, epoch } => {
            format!("fault first={first} last={last} epoch={epoch}")
        }
        Input::Repaired {
            first,
            frames,
            chain,
        } => format!(
            "repaired first={first} chain={chain}{}",
            some_frames(frames)
        ),
        Input::Read { token } => format!("read token={token}"),
        Input::Change {
            token,
            voters,
            learners,
        } => {
            let (voters, learners) = (list(voters, ","), list(learners, ","));
            format!("change token={token} voters={voters} learners={learners}")
        }
        Input::Transfer { to } => format!("transfer to={to}"),
        Input::TruncatePrefix { token, upto } => {
            format!("truncate-prefix token={token} upto={upto}")
        }
        Input::CatchUp => "catch-up".to_owned(),
        Input::Rest => "rest".to_owned(),
    }
}

/// The beginning of one: who it is, and what its disk has. Frames that cannot be read have their checksums.
pub(crate) fn start<'a>(
    me: ReplicaId,
    hard: &HardState,
    prefix: &Prefix,
    frames: impl Iterator<Item = Result<&'a Frame, u32>>,
) -> String {
    let slots = frames.map(|slot| slot.map_or_else(|chain| format!("x#{chain}"), frame));
    let slots: Vec<String> = slots.collect();
    let vote = hard.vote.map(|vote| format!(" vote={vote}"));
    format!(
        "replica {me} config={} start={} log={} term={}{} claimed={}",
        config(&prefix.config),
        prefix.last,
        slots.join(","),
        hard.term,
        vote.unwrap_or_default(),
        hard.claimed
    )
}

fn message(message: &Message) -> String {
    let Message {
        from, term, body, ..
    } = message;
    let body = match body {
        Body::Append {
            sequence,
            prev,
            frames,
            commit,
            flush,
        } => {
            let (frames, lazy) = (some_frames(frames), if *flush { "" } else { " lazy" });
            format!("append seq={sequence} prev={prev}{frames} commit={commit}{lazy}")
        }
        Body::Install {
            sequence,
            prefix,
            commit,
            differs,
        } => {
            let differs = differs.as_deref().map(print_lack);
            let differs = differs.map(|lack| format!(" differs={lack}"));
            format!(
                "install seq={sequence} commit={commit} {}{}",
                prefix_of(prefix),
                differs.unwrap_or_default()
            )
        }
        Body::Begins { prefix, lack } => {
            let lack = lack.as_deref().map(print_lack);
            let lack = lack.map(|lack| format!(" lack={lack}"));
            format!("begins {}{}", prefix_of(prefix), lack.unwrap_or_default())
        }
        Body::Repair(lack) => format!("repair lack={}", print_lack(lack)),
        Body::Repaired {
            lack,
            first,
            prev,
            frames,
        } => format!(
            "repaired lack={} first={first} prev={prev}{}",
            print_lack(lack),
            some_frames(frames)
        ),
        other => print_body(other),
    };
    format!("{body} from={from} term={term}")
}

fn prefix_of(prefix: &Prefix) -> String {
    format!("last={} config={}", prefix.last, config(&prefix.config))
}

fn some_frames(frames: &[Frame]) -> String {
    if frames.is_empty() {
        return String::new();
    }
    let frames: Vec<String> = frames.iter().map(frame).collect();
    format!(" frames={}", frames.join(","))
}

fn frame(frame: &Frame) -> String {
    let Frame { term, kind, bytes } = frame;
    let kind = match kind {
        FrameKind::Data => String::new(),
        FrameKind::Noop => "n".to_owned(),
        FrameKind::Mark => "m".to_owned(),
        FrameKind::Gap => "g".to_owned(),
        FrameKind::Config(sets) => format!("c{}", config(sets)),
        FrameKind::PrefixTruncate(upto) => format!("s{upto}"),
    };
    format!("{term}b{bytes}{kind}")
}

fn config(config: &Config) -> String {
    let outgoing = config.outgoing.as_ref();
    let outgoing = outgoing.map(|set| format!("|{}", list(set, "+")));
    let learners = list(&config.learners, "+");
    let learners = Some(learners).filter(|learners| !learners.is_empty());
    let learners = learners.map(|learners| format!(";{learners}"));
    format!(
        "[{}{}{}]",
        list(&config.voters, "+"),
        outgoing.unwrap_or_default(),
        learners.unwrap_or_default()
    )
}

fn list<'a>(replicas: impl IntoIterator<Item = &'a ReplicaId>, between: &str) -> String {
    let names: Vec<String> = replicas.into_iter().map(ReplicaId::to_string).collect();
    names.join(between)
}

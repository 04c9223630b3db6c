//! What went wrong, in words for whoever started the server, and what to do about it.

use core::fmt;
use core::net::SocketAddr;

use broker::StartError;
use cli::ExitCode;
use runtime::IoErrorKind;

use crate::port_owner::PortOwner;

/// Why the process ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// With what it ends.
    pub(crate) code: ExitCode,
    what: String,
    advice: String,
}

impl Failure {
    /// What was asked for makes no sense.
    pub(crate) fn usage(what: String) -> Self {
        Self {
            code: ExitCode::Usage,
            what,
            advice: String::new(),
        }
    }

    /// The machine does not give what is needed.
    pub(crate) fn environment(what: String) -> Self {
        Self {
            code: ExitCode::Environment,
            ..Self::usage(what)
        }
    }

    /// What was looked at is not as it was written.
    pub(crate) fn damaged(what: String) -> Self {
        Self {
            code: ExitCode::DoesNotHold,
            ..Self::usage(what)
        }
    }

    /// Something of ours is wrong.
    pub(crate) fn internal(what: &str) -> Self {
        Self::environment(format!("internal error: {what}"))
    }

    /// The same, with what to do about it.
    pub(crate) fn advise(self, advice: impl Into<String>) -> Self {
        let advice = advice.into();
        Self { advice, ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.advice.is_empty() {
            return Ok(());
        }
        write!(f, ". {}", self.advice)
    }
}

/// The failure that a broker's error is.
pub(crate) fn of(error: &StartError) -> Failure {
    let failure = Failure::environment(error.to_string());
    let StartError::Listen { address, error } = error else {
        return failure;
    };
    match error.kind() {
        IoErrorKind::AddressInUse => in_use(*address, PortOwner::find(address.port()).as_ref()),
        IoErrorKind::PermissionDenied => {
            failure.advise("Ports below 1024 need privileges: choose a higher one with --listen.")
        }
        IoErrorKind::AddressUnavailable => failure.advise(
            "Listen at an address of this machine; 0.0.0.0:PORT means all of them. To be reached by \
             another name, add --advertise.",
        ),
        _ => failure,
    }
}

fn in_use(address: SocketAddr, owner: Option<&PortOwner>) -> Failure {
    let port = address.port();
    let by = owner
        .map(|owner| format!(" by {owner}"))
        .unwrap_or_default();
    let other = SocketAddr::new(address.ip(), port_like(port));
    let look = match owner {
        Some(_) => String::new(),
        None => format!("See who has it with: ss -ltnp 'sport = :{port}'. "),
    };
    Failure::environment(format!(
        "cannot listen at {address}: port {port} is in use{by}"
    ))
    .advise(format!(
        "{look}Stop that one, or choose another port, as in --listen {other}"
    ))
}

/// A port that is easily told from `port`, for an example.
fn port_like(port: u16) -> u16 {
    port.checked_add(10_000).unwrap_or_else(|| port - 10_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_a_way_out() {
        let failure = in_use("127.0.0.1:9092".parse().unwrap(), None);
        assert_eq!(failure.code, ExitCode::Environment);
        assert_eq!(
            failure.to_string(),
            "cannot listen at 127.0.0.1:9092: port 9092 is in use. See who has it with: ss -ltnp \
             'sport = :9092'. Stop that one, or choose another port, as in --listen 127.0.0.1:19092"
        );
    }
}

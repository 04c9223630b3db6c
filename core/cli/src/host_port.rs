//! An address as people write it.

use core::fmt;
use core::str::FromStr;

/// A host and a port, the host still a word: a name, an IPv4 address, or an IPv6 address (kept without brackets).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPort {
    /// The host.
    pub host: String,
    /// The port; zero lets the system choose, where that makes sense.
    pub port: u16,
}

/// Why a text is not an address, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostPortError {
    /// No `:PORT` at the end.
    NoPort,
    /// What stands behind the last colon is no port.
    Port(String),
    /// Nothing in front of the colon.
    NoHost,
    /// An IPv6 address without brackets, or with a stray one.
    Brackets,
    /// A scheme or a path, as in a URL.
    Url,
}

impl FromStr for HostPort {
    type Err = HostPortError;

    fn from_str(text: &str) -> Result<Self, HostPortError> {
        if text.contains('/') {
            return Err(HostPortError::Url);
        }
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, behind) = rest.split_once(']').ok_or(HostPortError::Brackets)?;
                (host, behind.strip_prefix(':').ok_or(HostPortError::NoPort)?)
            }
            None => text.rsplit_once(':').ok_or(HostPortError::NoPort)?,
        };
        if host.is_empty() {
            return Err(HostPortError::NoHost);
        }
        if host.contains(['[', ']']) || (host.contains(':') && !text.starts_with('[')) {
            return Err(HostPortError::Brackets);
        }
        let digits = port.bytes().all(|byte| byte.is_ascii_digit());
        let port = digits
            .then(|| port.parse().ok())
            .flatten()
            .ok_or_else(|| HostPortError::Port(port.to_owned()))?;
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

impl fmt::Display for HostPortError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPort => f.write_str("the port is missing; write HOST:PORT, as in localhost:9092"),
            Self::Port(port) => write!(f, "'{port}' is not a port; ports are 0 to 65535"),
            Self::NoHost => {
                f.write_str("the host is missing; write 127.0.0.1:PORT for this machine, 0.0.0.0:PORT for all interfaces")
            }
            Self::Brackets => f.write_str("an IPv6 address stands in brackets, as in [::1]:9092"),
            Self::Url => f.write_str("this is a URL or a path; write HOST:PORT alone"),
        }
    }
}

impl core::error::Error for HostPortError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_as_people_write_them() {
        for (text, host, port) in [
            ("localhost:9092", "localhost", 9092),
            ("127.0.0.1:0", "127.0.0.1", 0),
            ("[::1]:9092", "::1", 9092),
            ("broker-1.example:65535", "broker-1.example", 65_535),
        ] {
            let parsed: HostPort = text.parse().unwrap();
            assert_eq!((parsed.host.as_str(), parsed.port), (host, port));
            assert_eq!(parsed.to_string(), text);
        }
    }

    #[test]
    fn each_mistake_is_named() {
        let cases = [
            ("9092", HostPortError::NoPort),
            ("[::1]", HostPortError::NoPort),
            ("localhost:", HostPortError::Port(String::new())),
            ("localhost:+1", HostPortError::Port("+1".to_owned())),
            ("localhost:65536", HostPortError::Port("65536".to_owned())),
            (":9092", HostPortError::NoHost),
            ("::1:9092", HostPortError::Brackets),
            ("[::1:9092", HostPortError::Brackets),
            ("PLAINTEXT://localhost:9092", HostPortError::Url),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<HostPort>(), Err(error), "{text}");
        }
    }
}

//! Names into addresses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use broker::ListenAt;
use cli::HostPort;

use crate::advice::Failure;

/// Kafka's port.
const PORT_DEFAULT: u16 = 9092;

/// The addresses at which to listen: those of `listen`, or this machine's own two.
pub(crate) fn listen_at(listen: &[HostPort]) -> Result<Vec<ListenAt>, Failure> {
    if listen.is_empty() {
        return Ok(localhost(PORT_DEFAULT));
    }
    let mut addresses: Vec<ListenAt> = Vec::new();
    for host_port in listen {
        for at in resolve(host_port)? {
            // The same address twice would be in use by ourselves. Port 0 is another port each time.
            let known = addresses
                .iter()
                .any(|known| known.address == at.address && at.address.port() != 0);
            if !known {
                addresses.push(at);
            }
        }
    }
    Ok(addresses)
}

/// Both loopback addresses: clients try either first. Machines without IPv6 do with one.
fn localhost(port: u16) -> Vec<ListenAt> {
    let at = |ip: IpAddr, optional| ListenAt {
        address: SocketAddr::new(ip, port),
        optional,
    };
    vec![
        at(Ipv4Addr::LOCALHOST.into(), false),
        at(Ipv6Addr::LOCALHOST.into(), true),
    ]
}

fn resolve(host_port: &HostPort) -> Result<Vec<ListenAt>, Failure> {
    let HostPort { host, port } = host_port;
    // Not asked of a resolver: what it says of this name differs from machine to machine.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(localhost(*port));
    }
    let resolved = (host.as_str(), *port).to_socket_addrs().map_err(|error| {
        Failure::usage(format!(
            "cannot listen at {host_port}: '{host}' is no address of this machine: {error}"
        ))
        .advise("Write an IP address, as in --listen 127.0.0.1:9092, or a name that resolves here.")
    })?;
    let addresses = resolved.map(|address| ListenAt {
        address,
        optional: false,
    });
    Ok(addresses.collect())
}

/// What clients are told, if it is something that they can connect to.
pub(crate) fn advertised(advertise: &HostPort) -> Result<(String, u16), Failure> {
    let HostPort { host, port } = advertise;
    let unspecified = host.parse::<IpAddr>().is_ok_and(|ip| ip.is_unspecified());
    if unspecified {
        return Err(Failure::usage(format!(
            "cannot advertise {advertise}: no client can connect to {host}"
        ))
        .advise("Give --advertise a name or address by which clients reach this machine."));
    }
    if *port == 0 {
        return Err(Failure::usage(format!(
            "cannot advertise {advertise}: port 0 is no port to connect to"
        )));
    }
    Ok((host.clone(), *port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(listen: &[&str]) -> Vec<String> {
        let listen: Vec<HostPort> = listen.iter().map(|text| text.parse().unwrap()).collect();
        let addresses = listen_at(&listen).unwrap();
        addresses.iter().map(|at| at.address.to_string()).collect()
    }

    #[test]
    fn nothing_given_means_this_machine_alone() {
        assert_eq!(parsed(&[]), ["127.0.0.1:9092", "[::1]:9092"]);
        assert_eq!(parsed(&["localhost:1"]), ["127.0.0.1:1", "[::1]:1"]);
    }

    #[test]
    fn an_address_given_twice_is_listened_at_once() {
        assert_eq!(
            parsed(&["127.0.0.1:1", "localhost:1", "[::1]:1"]),
            ["127.0.0.1:1", "[::1]:1"]
        );
        assert_eq!(parsed(&["127.0.0.1:0", "127.0.0.1:0"]).len(), 2);
    }

    #[test]
    fn nobody_is_told_to_connect_to_nowhere() {
        for text in ["0.0.0.0:9092", "[::]:9092", "broker:0"] {
            let failure = advertised(&text.parse().unwrap()).unwrap_err();
            assert_eq!(failure.code, cli::ExitCode::Usage, "{text}");
        }
        assert_eq!(
            advertised(&"broker:9092".parse().unwrap()).unwrap(),
            ("broker".to_owned(), 9092)
        );
    }
}

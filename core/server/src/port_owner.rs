//! Who has a port, as far as Linux lets this process see.

use core::fmt;
use std::fs;
use std::path::Path;

/// The state of a listening socket in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// A process that listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PortOwner {
    pid: u32,
    name: String,
}

impl PortOwner {
    /// The process that listens at `port`. None: it is another user's, or this system does not tell.
    pub(crate) fn find(port: u16) -> Option<Self> {
        let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
        let tables = tables
            .iter()
            .filter_map(|table| fs::read_to_string(table).ok());
        let sockets: Vec<String> = tables.flat_map(|table| listeners(&table, port)).collect();
        if sockets.is_empty() {
            return None;
        }
        let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        let mut pids =
            processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let pid = pids.find(|pid| has_one_of(*pid, &sockets))?;
        let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let name = name.trim().to_owned();
        Some(Self { pid, name })
    }
}

/// What the descriptors of those sockets link to that listen at `port`, of a table of the kernel's.
fn listeners(table: &str, port: u16) -> Vec<String> {
    let socket = |line: &str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
        let (_, local_port) = local.split_once(':')?;
        let matches = u16::from_str_radix(local_port, 16).is_ok_and(|local| local == port);
        (matches && *state == LISTENING).then(|| format!("socket:[{inode}]"))
    };
    table.lines().filter_map(socket).collect()
}

fn has_one_of(pid: u32, sockets: &[String]) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return false;
    };
    let is_one = |link: &Path| sockets.iter().any(|socket| Path::new(socket) == link);
    let mut links = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    links.any(|link| is_one(&link))
}

impl fmt::Display for PortOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {} ({})", self.pid, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listeners_of_the_port_are_found() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 41 1\n   \
                     1: 0100007F:2384 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 42 1\n   \
                     2: 0100007F:2385 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 43 1\n";
        assert_eq!(listeners(table, 9092), ["socket:[41]"]);
        assert_eq!(listeners("nonsense\n\n", 9092), Vec::<String>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found_by_its_own_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(PortOwner::find(port).unwrap().pid, std::process::id());
        drop(listener);
        assert_eq!(PortOwner::find(port), None);
    }
}

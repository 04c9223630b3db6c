//! What the flags come to on this machine.

use core::num::NonZeroU16;
use std::path::Path;
use std::sync::Arc;

use broker::ListenAt;
use cli::Size;
use model::NodeId;

use crate::addresses;
use crate::advice::Failure;
use crate::args::{Args, Driver};
use crate::machine;

/// The one node of a cluster started by hand. Nobody has to invent an id.
const NODE: NodeId = NodeId(1);

/// The least memory for one core: below it, one large request would take all.
const CORE_MEMORY_MIN: u64 = 128 << 20;

/// Bytes at which a segment is full, unless a topic says otherwise. Kafka's is 1 GiB; recovery of the last segment
/// after a crash reads it whole, so smaller is kinder to a restart.
const SEGMENT_BYTES: u64 = 128 << 20;

/// Partitions of a topic for which nobody says how many.
const PARTITIONS_DEFAULT: i32 = 1;

/// Connections at the same time, where the limit of open files allows that many.
const CONNECTIONS_MAX: u64 = 100_000;

/// Open files below which an operator should know.
const OPEN_FILES_WANTED: u64 = 16_384;

/// Everything decided; nothing done yet.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) config: broker::Config,
    pub(crate) cores: NonZeroU16,
    pub(crate) driver: Driver,
    /// What is good to know.
    pub(crate) notes: Vec<String>,
    /// What an operator should look at.
    pub(crate) warnings: Vec<String>,
}

impl Plan {
    /// Reads the machine where `args` leave something open. Raises the limit of open files.
    pub(crate) fn new(args: &Args) -> Result<Self, Failure> {
        let listen = addresses::listen_at(&args.listen)?;
        let advertise = args
            .advertise
            .as_ref()
            .map(addresses::advertised)
            .transpose()?;
        let memory = args.memory.map_or_else(memory_default, |Size(bytes)| bytes);
        let cores = cores_of(args.cores, machine::processors(), memory)?;
        let open_files = machine::raise_open_files();
        let notes = vec![reach(&listen, advertise.as_ref())];
        let mut warnings = Vec::new();
        if open_files < OPEN_FILES_WANTED {
            warnings.push(format!(
                "this process may have {open_files} files and connections open, and the system refuses more; raise the \
                 hard limit (ulimit -Hn, LimitNOFILE in systemd, --ulimit nofile in containers) to {OPEN_FILES_WANTED} \
                 or more"
            ));
        }
        let config = broker::Config {
            node: NODE,
            data: full_path(&args.data)?,
            listen,
            advertise,
            memory: usize::try_from(memory).unwrap_or(usize::MAX),
            auto_create_topics: true,
            default_partitions: PARTITIONS_DEFAULT,
            segment_bytes: SEGMENT_BYTES,
            scrub_bytes_per_second: args.scrub.0,
            connections_max: connections_of(open_files),
            idle_timeout: broker::config::IDLE_TIMEOUT,
            log: Arc::new(drop),
        };
        Ok(Self {
            config,
            cores,
            driver: args.driver,
            notes,
            warnings,
        })
    }
}

/// Half of the machine's memory, in whole MiB so that it reads well. The other half is the page cache's, and others'.
fn memory_default() -> u64 {
    let half = machine::memory() / 2;
    half - half % (1 << 20)
}

/// What clients are told to connect to: the one thing about a broker that its clients cannot explain when it is wrong.
fn reach(listen: &[ListenAt], advertise: Option<&(String, u16)>) -> String {
    let local = listen.iter().all(|at| at.address.ip().is_loopback());
    match advertise {
        Some((host, port)) => format!(
            "advertising {host}:{port} to clients; wherever they are, they must be able to reach that name"
        ),
        None if local => "only clients on this machine can connect; for others, add --listen 0.0.0.0:9092".to_owned(),
        None => "clients are told the address at which they came; behind NAT or in a container, add --advertise \
                 HOST:PORT"
            .to_owned(),
    }
}

/// How many cores: as many as were asked for if the memory is enough for them, else as many as it is enough for.
fn cores_of(asked: Option<u16>, processors: u16, memory: u64) -> Result<NonZeroU16, Failure> {
    let affordable = memory / CORE_MEMORY_MIN;
    let wanted = asked.unwrap_or(processors);
    if affordable == 0 || (asked.is_some() && affordable < u64::from(wanted)) {
        let least = Size(CORE_MEMORY_MIN * u64::from(asked.unwrap_or(1)));
        let memory = Size(memory);
        return Err(Failure::usage(format!(
            "--memory {memory} is too little: {least} is the least"
        ))
        .advise("Give it more memory, or fewer cores with --cores."));
    }
    let cores = u16::try_from(affordable).map_or(wanted, |affordable| affordable.min(wanted));
    Ok(NonZeroU16::new(cores).unwrap_or(NonZeroU16::MIN))
}

/// Three quarters of what may be open are for clients; files of partitions have the rest.
fn connections_of(open_files: u64) -> usize {
    let connections = (open_files / 4 * 3).clamp(1, CONNECTIONS_MAX);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

/// The whole path of the data folder: what is printed must still be true in another working directory.
fn full_path(data: &Path) -> Result<String, Failure> {
    let shown = data.display();
    let full = std::path::absolute(data)
        .map_err(|error| Failure::usage(format!("--data {shown}: {error}")))?;
    full.into_os_string().into_string().map_err(|_not_utf8| {
        Failure::usage(format!("--data {shown}: the path is not UTF-8"))
            .advise("Choose a folder with a plain name.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_fit_the_memory_and_a_wish_that_does_not_is_refused() {
        let cores = |asked, memory| {
            cores_of(asked, 8, memory)
                .map(NonZeroU16::get)
                .map_err(|failure| failure.code)
        };
        assert_eq!(cores(None, 16 << 30), Ok(8));
        assert_eq!(cores(None, 300 << 20), Ok(2));
        assert_eq!(cores(Some(2), 300 << 20), Ok(2));
        assert_eq!(cores(Some(3), 300 << 20), Err(cli::ExitCode::Usage));
        assert_eq!(cores(None, 100 << 20), Err(cli::ExitCode::Usage));
        assert_eq!(
            cores(Some(16), 16 << 30),
            Ok(16),
            "more than processors is for those who test"
        );
    }

    #[test]
    fn connections_leave_room_for_files() {
        assert_eq!(connections_of(1_024), 768);
        assert_eq!(connections_of(u64::MAX), 100_000);
    }
}

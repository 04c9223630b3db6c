//! The flags.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use cli::{HostPort, Size};

/// Where the data goes when nobody says where.
pub(crate) const DATA_DEFAULT: &str = "./ouzel-data";

const EXAMPLES: &str = "\
Examples:
  ouzel                                    one node on this machine: localhost:9092, data in ./ouzel-data
  ouzel --listen 0.0.0.0:9092              reachable from other machines, at the address that they came by
  ouzel --listen 0.0.0.0:9092 --advertise broker.example:9092
                                           behind NAT or in a container: clients are told this name
  ouzel --data /var/lib/ouzel --cores 4 --memory 8GiB

Try it:
  echo hello | kcat -P -b localhost:9092 -t greetings
  kcat -C -e -b localhost:9092 -t greetings

Look at its files, when it is stopped:
  ouzel log verify ./ouzel-data

Exit codes: 0 done, 4 usage or configuration, 5 the environment failed or an internal error.";

const LOG_EXAMPLES: &str = "\
Examples:
  ouzel log verify ./ouzel-data                          every partition, and what a start would say
  ouzel log stat ./ouzel-data/topics/<topic id>/0        one partition's segments
  ouzel log dump --level records --format json ./ouzel-data/topics/<topic id>/0
  ouzel log dump 00000000000000000001.log                one segment
  ouzel log dump ./ouzel-data/journal/0.a                one journal: terms, votes, and what was said to be durable

Exit codes: 0 sound, or done; 1 damaged; 4 usage; 5 they cannot be read.";

/// A streaming broker that speaks the Kafka protocol.
///
/// Without any flag it is a one-node cluster on this machine; topics are created when they are first used.
#[derive(Clone, Debug, Parser)]
#[command(name = "ouzel", version, after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    /// Where clients connect; may be repeated [default: localhost:9092, both IPv4 and IPv6]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Vec<HostPort>,

    /// What clients are told to connect to [default: the address on which each came]
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) advertise: Option<HostPort>,

    /// The folder for all data; made if it is not there
    #[arg(long, value_name = "DIR", default_value = DATA_DEFAULT)]
    pub(crate) data: PathBuf,

    /// Processors to use [default: all]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=i64::from(runtime::CORES_MAX)))]
    pub(crate) cores: Option<u16>,

    /// Memory to use, as in 2GiB [default: half of the machine's]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Size>,

    /// How much of the logs to read in a second, to find damage before somebody asks for it; 0 for none
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub(crate) scrub: Size,

    /// How to reach the kernel
    #[arg(long, value_name = "NAME", value_enum, default_value_t = Driver::Auto)]
    pub(crate) driver: Driver,

    /// How log lines are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log: LogFormat,

    /// What is worth a log line
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
}

/// Something else than to run.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Command {
    /// Look at log files of a broker that is stopped, or at a copy of them; nothing is changed or locked
    #[command(subcommand, after_help = LOG_EXAMPLES)]
    Log(LogCommand),
}

/// What to look for in log files.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Each segment: its file, the frames and offsets in it, and where its data ends
    Stat(LogPath),
    /// What a start would make of them, without doing it: 0 sound (an end that was never acknowledged is said), 1 damaged, 5
    /// they cannot be read
    Verify(LogPath),
    /// What is in them, in order, up to the first damage
    Dump {
        /// How much of it
        #[arg(long, value_name = "LEVEL", value_enum, default_value_t = DumpLevel::Frames)]
        level: DumpLevel,

        #[command(flatten)]
        path: LogPath,
    },
}

/// Which files, and how to print.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogPath {
    /// A data folder, a partition's folder, a segment's file, or a journal's
    pub(crate) path: String,

    /// How lines are written
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) format: LogFormat,
}

/// How much of a log is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum DumpLevel {
    /// Frames
    Frames,
    /// And their batches
    Batches,
    /// And the records of those that are not compressed
    Records,
}

/// The ground.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Driver {
    /// `io_uring` where the kernel allows it, portable elsewhere
    Auto,
    /// `io_uring`, or do not start
    Uring,
    /// Ordinary system calls, on any kernel
    Portable,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// The least that a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Only what broke
    Error,
    /// And what someone should look at
    Warn,
    /// And what is good to know
    Info,
    /// And details
    Debug,
    /// And everything
    Trace,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_flags_are_consistent() {
        Args::command().debug_assert();
    }
}

//! What this machine, and this process in it, has to give.

use std::fs;
use std::num::NonZero;
use std::thread;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Memory taken for the machine's where nothing says how much it has.
const MEMORY_UNKNOWN: u64 = 2 << 30;

/// Where Linux says how much memory a process's group may have: version 2, then version 1.
const GROUP_LIMITS: [&str; 2] = [
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
];

/// Processors that this process may use.
pub(crate) fn processors() -> u16 {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    u16::try_from(processors)
        .unwrap_or(runtime::CORES_MAX)
        .min(runtime::CORES_MAX)
}

/// Bytes of memory that this process may use: the machine's, or its group's where that is less.
pub(crate) fn memory() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| total_of(&text));
    let groups = GROUP_LIMITS
        .iter()
        .filter_map(|path| fs::read_to_string(path).ok()?.trim().parse().ok());
    groups.chain(machine).min().unwrap_or(MEMORY_UNKNOWN)
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_of(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes << 10)
}

/// Raises the limit of open files as far as the system lets this process, and says how many there may be now.
pub(crate) fn raise_open_files() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    let now = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_refused) => current,
    };
    // None: there is no limit.
    now.unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_is_found_among_the_others() {
        assert_eq!(
            total_of("MemTotal:       24689700 kB\nMemFree: 1 kB\n"),
            Some(24_689_700 << 10)
        );
        assert_eq!(total_of("MemFree: 1 kB\n"), None);
        assert_eq!(total_of("MemTotal: much\n"), None);
    }

    #[test]
    fn this_machine_has_something() {
        assert!(processors() >= 1);
        assert!(memory() >= 1 << 20);
    }
}

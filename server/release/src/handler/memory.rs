//! Checks that there is enough memory for the converted states beside the old ones.

use std::fs;

use pq_code::CodeServer;

use super::error::FailedStep;

/// Measured with 100 000 avatars: exported states, converted states and their copies took 1.2 times the memory that the
/// libraries had allocated for the old states (234 to 502 MiB in all). The check requires half as much again.
const SHARE: f64 = 1.8;

const MIB: u64 = 1024 * 1024;

/// Refuses an install without enough memory: the kernel kills a node that runs out of memory during an upgrade.
pub(super) fn check(code: &CodeServer, modules: &[&str]) -> Result<(), FailedStep> {
    let needed = (allocated(code, modules) as f64 * SHARE) as u64;
    match available() {
        Some(available) if available < needed => Err(FailedStep::NoRoom {
            needed_mib: needed.div_ceil(MIB),
            available_mib: available / MIB,
        }),
        _ => Ok(()),
    }
}

/// The memory that the libraries with a current version of one of these modules have allocated, in bytes.
fn allocated(code: &CodeServer, modules: &[&str]) -> u64 {
    let is_concerned = |library: &pq_code::Library| {
        let mut current = library
            .modules
            .iter()
            .filter(|module| code.is_current(**module));
        current.any(|module| modules.contains(&module.name()))
    };
    let libraries = code.libraries();
    let concerned = libraries.iter().filter(|library| is_concerned(library));
    concerned.map(|library| library.allocated_bytes).sum()
}

/// The memory that the system and the control group (if any) still offer, in bytes; `None` when neither is known.
fn available() -> Option<u64> {
    let system = fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| mem_available(&text));
    let group = control_group();
    match (system, group) {
        (Some(system), Some(group)) => Some(system.min(group)),
        (one, other) => one.or(other),
    }
}

fn mem_available(meminfo: &str) -> Option<u64> {
    let line = meminfo
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

/// The free memory of this process's control group (version 2), in bytes.
fn control_group() -> Option<u64> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let read = |file: &str| -> Option<u64> {
        let file = format!("/sys/fs/cgroup{path}/{file}");
        fs::read_to_string(file).ok()?.trim().parse().ok()
    };
    Some(read("memory.max")?.saturating_sub(read("memory.current")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_the_system_is_found() {
        let text = "MemTotal:       24610284 kB\nMemFree:         1 kB\nMemAvailable:   2048 kB\n";
        assert_eq!(mem_available(text), Some(2 * MIB));
        assert_eq!(mem_available("MemTotal: 1 kB"), None);
    }

    #[test]
    fn this_system_says_what_is_available() {
        assert!(available().is_some_and(|bytes| bytes > MIB));
    }
}

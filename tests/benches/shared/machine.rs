//! A description of the machine, without which figures have no meaning.

use std::fs;

/// One line with processor, cores, memory and kernel.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "machine: {cores} cores of {cpu}, {memory} of memory, Linux {}",
        kernel.trim()
    )
}

/// The first value of a field in a file of `proc(5)`; `?` if the kernel does not report it.
fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        (key.trim() == name).then(|| value.trim().to_string())
    });
    value.unwrap_or_else(|| "?".to_string())
}

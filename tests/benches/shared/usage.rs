//! The memory and processor time of a process, as the kernel counts them (`proc(5)`).

use std::fs;

/// Clock ticks per second in `/proc/PID/stat`: always 100 in user space, whatever the kernel uses internally.
const TICKS_PER_SECOND: f64 = 100.0;

/// The memory and processor time of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Resident memory in bytes (`VmRSS`).
    pub(crate) rss: f64,
    /// Processor time of all its threads since its start, in seconds.
    pub(crate) cpu_s: f64,
}

impl Usage {
    /// The usage of a running process.
    pub(crate) fn of(pid: u32) -> Usage {
        let read = |file| {
            fs::read_to_string(format!("/proc/{pid}/{file}"))
                .unwrap_or_else(|error| panic!("process {pid} has ended: {error}"))
        };
        Usage {
            rss: rss(&read("status")).expect("VmRSS has stood in status since Linux 2.6"),
            cpu_s: cpu_s(&read("stat")).expect("utime and stime are fields 14 and 15 of stat"),
        }
    }
}

fn rss(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

fn cpu_s(stat: &str) -> Option<f64> {
    // The second field is a name in parentheses that may contain any character, so fields are counted from its end.
    let (_, fields) = stat.rsplit_once(") ")?;
    let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<f64>);
    let ticks: f64 = ticks.sum::<Result<f64, _>>().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

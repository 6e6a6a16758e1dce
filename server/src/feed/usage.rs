//! The processor time and the memory of this program, from `/proc` (`proc_pid_stat(5)`, `proc_pid_statm(5)`).

use std::path::Path;

use rustix::param::{clock_ticks_per_second, page_size};

/// The processor time so far in microseconds; 0 if the system does not tell.
pub(super) fn cpu_us() -> u64 {
    ticks(&read("/proc/self/stat")).unwrap_or_default() * 1_000_000
        / clock_ticks_per_second().max(1)
}

/// The resident memory in bytes; 0 if the system does not tell.
pub(super) fn memory_bytes() -> u64 {
    let statm = read("/proc/self/statm");
    let pages = statm.split_whitespace().nth(1);
    let pages: Option<u64> = pages.and_then(|pages| pages.parse().ok());
    pages.unwrap_or_default() * page_size() as u64
}

fn read(file: &str) -> String {
    let bytes = pq_files::read(Path::new(file), pq_files::TEXT_BYTES_MAX);
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// The fields 14 and 15, in the program and in the kernel for it; the name in field 2 may contain any characters.
fn ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let own: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(own + kernel)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_found_whatever_the_name_of_the_program() {
        let stat = "7 (a) b (1) S 1 7 7 0 -1 4194560 1 0 0 0 30 12 0 0 20 0 1 0 4711 1 1 1";
        assert_eq!(ticks(stat), Some(42));
        assert_eq!(ticks("7 (pq) S"), None);
        assert!(memory_bytes() > 1 << 20);
    }
}

//! The memory of a name, as the kernel reports it; so this test is alone in its process.

#![cfg(target_os = "linux")]

use regis::Regis;

/// 24 bytes: the size of a name that is a number, a short tag or a shared string.
type Name = [u64; 3];

const NAMES: u64 = 100_000;

/// Two tables with entries of 33 bytes take 76 bytes per name when they are 7/8 full, which is the maximum. 95 were
/// measured here, and 191 after the churn: removals leave marks, so a table that is more than half full doubles once
/// instead of being swept.
const BYTES_PER_NAME_MAX: u64 = 120;

/// The resident memory of this process in bytes (proc(5), `statm`; a page has 4 096 bytes here).
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux has it");
    let pages = statm
        .split(' ')
        .nth(1)
        .expect("the second number is `resident`");
    pages.parse::<u64>().expect("a number") * 4_096
}

#[test]
fn a_name_of_24_bytes_costs_little_more_than_its_entries() {
    assert_eq!(size_of::<Name>(), 24);
    let before = resident_bytes();
    let regis = Regis::<Name, u64>::new();
    for owner in 0..NAMES {
        regis.register([owner, 0, 0], owner).unwrap();
    }
    let filled = (resident_bytes() - before) / NAMES;
    println!("{filled} bytes per name");
    for owner in 0..5 * NAMES {
        regis.exited(owner).unwrap();
        regis
            .register([owner + NAMES, 0, 0], owner + NAMES)
            .unwrap();
    }
    let churned = (resident_bytes() - before) / NAMES;
    println!("{churned} bytes per name after every name has changed five times");
    assert!(filled <= BYTES_PER_NAME_MAX, "{filled} bytes per name");
    assert!(
        churned <= 2 * BYTES_PER_NAME_MAX,
        "{churned} bytes per name after churn"
    );
}

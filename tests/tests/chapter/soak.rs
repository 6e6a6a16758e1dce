//! Repeated upgrades and downgrades while players come and go: the short version of the bench `soak`.

#[path = "../../benches/soak/crowd.rs"]
mod crowd;
#[path = "../../benches/soak/era.rs"]
mod era;
#[path = "../../benches/soak/run.rs"]
mod run;
#[path = "../../benches/shared/usage.rs"]
mod usage;

use std::time::Duration;

use run::{Plan, soak};

/// The largest growth of resident memory after the first measurement, while the heap still finds its size.
const GROWTH_MAX: f64 = 16.0 * 1024.0 * 1024.0;

#[test]
fn players_come_and_go_while_releases_do() {
    let plan = Plan {
        rounds: 6,
        look_every: 3,
        clients: 120,
        stay: Duration::from_secs(6),
        seed: 1,
    };
    let looks = soak(&plan, |look| println!("{look}"));
    let (first, last) = (looks[0], looks[looks.len() - 1]);
    assert!(
        last.joined > 2 * plan.clients,
        "too few players came and went"
    );
    assert_eq!(first.library_bytes, last.library_bytes);
    let grown = last.rss - first.rss;
    assert!(
        grown < GROWTH_MAX,
        "{grown} bytes more than at the first measurement"
    );
}

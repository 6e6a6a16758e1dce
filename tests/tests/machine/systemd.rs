//! The unit under a real systemd, which is the first process of a virtual machine: it starts the node and waits for its readiness,
//! confines it, lets it read its settings again, and starts it again when it was killed or stands still.
//!
//! The machine runs a script after the unit has started. Each line that the script writes begins with `check:`.

use pq_tests::campaign::length;
use pq_tests::guest::Guest;
use pq_tests::running::Tree;

const UNIT: &str = include_str!("../../../server/packaging/pq.service");

/// Three heroes that are saved, a log that the script can read, and a watchdog that does not take half a minute.
const FILES: [(&str, &str); 3] = [
    ("etc/systemd/system/pq.service", UNIT),
    ("etc/default/pq", "PQ_OPTIONS=--heroes 3 --pace 50"),
    (
        "etc/systemd/system/pq.service.d/test.conf",
        "[Service]\nStandardOutput=append:/run/pq.out\nStandardError=append:/run/pq.log\nWatchdogSec=20s\nTimeoutStopSec=5s\nTimeoutAbortSec=5s\n",
    ),
];

/// What the script uses.
const WORDS: &str = r#"
export NO_COLOR=1 PQ_ROOT=/var/lib/pq
say() { echo "check: $*"; }
of() { systemctl show --property="$1" --value pq; }
# Waits until the unit is active with another process than $1.
again() { until [ "$(of ActiveState)" = active ] && [ "$(of MainPID)" != "$1" ]; do sleep 1; done; }
field() { grep "^$1:" "/proc/$(of MainPID)/status" | sed 's/.*[[:space:]]//'; }
"#;

/// The start, new settings, and an end by a signal.
const LIFE: &str = r#"
say "$(of ActiveState) $(of SubState), $(of StatusText)"
say "user $(stat -c %U "/proc/$(of MainPID)"), capabilities $(field CapEff), seccomp $(field Seccomp), $(stat -c %a:%U /run/pq)"
pq status | grep "release" | sed 's/^/check: /'
until pq heroes | grep -q "^bot-2 "; do sleep 1; done
systemctl reload pq && say reloaded
until grep -q "settings" /run/pq.log; do sleep 1; done
first=$(of MainPID)
kill -9 "$first"
again "$first"
say "killed and back: $(pq heroes | grep -c ^bot-), restarts $(of NRestarts)"
"#;

/// The watchdog ends a node that stands still. This takes 25 s.
const STANDSTILL: &str = r#"
second=$(of MainPID)
kill -STOP "$second"
again "$second"
say "stopped and back: $(pq heroes | grep -c ^bot-), restarts $(of NRestarts)"
"#;

const END: &str = r#"
systemctl stop pq
say "$(of ActiveState) $(of Result)"
"#;

#[test]
fn systemd_starts_confines_watches_and_stops_the_node() {
    let (standstill, stopped) = length(
        ("", None),
        (STANDSTILL, Some("stopped and back: 3, restarts 2")),
    );
    let script = format!("{WORDS}{LIFE}{standstill}{END}");
    let Some(guest) = Guest::with_systemd(&Tree::new(), &FILES, &script) else {
        return;
    };
    let out = guest.script();
    let said = out
        .lines()
        .filter_map(|line| line.trim_end().strip_prefix("check: "));
    let said: Vec<_> = said
        .map(|line| line.split(" since ").next().unwrap_or(line))
        .collect();
    let start = [
        "active running, processquest 1.0.0: 0 players",
        "user pq, capabilities 0000000000000000, seccomp 2, 700:pq",
        "release      processquest 1.0.0 (permanent)",
        "reloaded",
        "killed and back: 3, restarts 1",
    ];
    let expected: Vec<_> = start
        .into_iter()
        .chain(stopped)
        .chain(["inactive success"])
        .collect();
    assert_eq!(said, expected, "{out}");
}

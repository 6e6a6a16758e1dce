//! Rehearsals: copies of the heroes of a real node play another release in child processes.
//!
//! | module | what happens |
//! |---|---|
//! | `good` | a good release: both sides, the same report for the same seed, a node that notices nothing |
//! | `faults` | broken releases: the rehearsal names each fault, and a replay shows the crash |
//! | `limits` | a rehearsal that is killed, needs too much memory, or loops |

mod faults;
mod good;
mod limits;

use pq_tests::running::{Said, Tree};
use serde_json::Value;

/// Rehearses a release, and returns the exit code, the report and the last line of standard error.
fn rehearse(tree: &Tree, args: &[&str]) -> (i32, Value, String) {
    let said = tree.operate(&[&["rehearse"], args, &["--json"]].concat());
    let Said { code, out, err } = said;
    let report = serde_json::from_str(&out);
    let report = report.unwrap_or_else(|error| panic!("{args:?}: {error}: {out}\n{err}"));
    let last = err.lines().last().unwrap_or_default().to_string();
    (code, report, last)
}

/// The report without the figures that depend on the machine.
fn repeatable(mut report: Value) -> Value {
    for side in ["new", "old"] {
        let side = report[side].as_object_mut().unwrap();
        side.remove("callbacks");
        side.remove("resident_bytes");
    }
    report
}

/// The figures of a measure.
fn measure<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["compared"].as_array().unwrap();
    let found = all.iter().find(|it| it["name"] == name);
    found.unwrap_or_else(|| panic!("{name} is not compared: {report}"))
}

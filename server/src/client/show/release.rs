//! What is said about releases, and what an install did.

use std::collections::BTreeMap;

use pq_release::handler::Installed;

use super::Show;
use crate::client::table::{lines, printable};
use crate::operator::answer::Done;

impl Show for Done {
    fn show(&self) -> String {
        let vsn = printable(&self.vsn);
        match self.operation.as_str() {
            "unpack" | "set-unpacked" => {
                format!("release {vsn} is unpacked; `pq install {vsn}` brings it into force")
            }
            "make-permanent" => format!("release {vsn} is permanent: it boots next time, too"),
            "remove" => format!("release {vsn} is removed"),
            "set-removed" => {
                format!("release {vsn} is no longer listed; its files are still there")
            }
            "install-file" => {
                let file = self.file.as_deref().unwrap_or("a file of its folder");
                format!("release {vsn} has it as {}", printable(file))
            }
            "reboot-old" => {
                format!("release {vsn} is permanent, and the node starts again with it")
            }
            other => format!("{} {vsn}: done", printable(other)),
        }
    }
}

impl Show for Installed {
    fn show(&self) -> String {
        let (way, pause) = (self.direction.word(), self.pause_us);
        let unless_none = |count: u64, text: String| match count {
            0 => String::new(),
            _ => text,
        };
        let restart = match self.restart {
            true => "the node starts again with this release",
            false => "",
        };
        let loaded = format!("{} KiB", self.bytes_loaded >> 10);
        lines(&[
            (
                "installed",
                format!(
                    "{}, {way} from {}, in {} ms",
                    self.to, self.from, self.took_ms
                ),
            ),
            ("processes", processes(&self.processes)),
            (
                "pause",
                format!(
                    "median {} us, p99 {} us, max {} us",
                    pause.median, pause.p99, pause.max
                ),
            ),
            ("others", format!("waited {} us at most", self.stall_us.max)),
            ("loaded", unless_none(self.bytes_loaded, loaded)),
            ("killed", unless_none(self.killed, self.killed.to_string())),
            ("dropped", connections(self.connections_dropped)),
            ("old code in use", self.unpurged.join(", ")),
            ("warnings", self.warnings.join("; ")),
            ("restart", restart.to_string()),
        ])
    }
}

/// Nobody dropped is what everybody wants to read.
fn connections(dropped: u64) -> String {
    match dropped {
        1 => "1 connection".to_string(),
        count => format!("{count} connections"),
    }
}

/// `303: pq_player 300, pq_market 3`
pub(super) fn processes(by_module: &BTreeMap<String, u64>) -> String {
    let each = |(module, count): (&String, &u64)| format!("{module} {count}");
    let each: Vec<String> = by_module.iter().map(each).collect();
    match each.is_empty() {
        true => "0".to_string(),
        false => format!("{}: {}", by_module.values().sum::<u64>(), each.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use pq_otp::Direction;
    use pq_release::handler::Micros;

    #[test]
    fn a_report_leaves_out_what_did_not_happen() {
        let report = Installed {
            from: "1.1.0".to_string(),
            to: "1.0.0".to_string(),
            direction: Direction::Down,
            processes: BTreeMap::new(),
            killed: 0,
            connections_dropped: 0,
            pause_us: Micros {
                median: 12,
                p99: 40,
                max: 55,
            },
            stall_us: Micros {
                median: 1,
                p99: 7,
                max: 80,
            },
            bytes_loaded: 0,
            unpurged: vec![],
            warnings: vec![],
            restart: false,
            took_ms: 8,
        };
        expect![[r"
            installed  1.0.0, down from 1.1.0, in 8 ms
            processes  0
            pause      median 12 us, p99 40 us, max 55 us
            others     waited 80 us at most
            dropped    0 connections
        "]]
        .assert_eq(&report.show());
        let more = Installed {
            killed: 2,
            connections_dropped: 1,
            bytes_loaded: 581_632,
            unpurged: vec!["pq_quest-1.1.0".to_string()],
            restart: true,
            ..report
        };
        expect![[r"
            loaded           568 KiB
            killed           2
            dropped          1 connection
            old code in use  pq_quest-1.1.0
            restart          the node starts again with this release
        "]]
        .assert_eq(
            &more
                .show()
                .split_inclusive('\n')
                .skip(4)
                .collect::<String>(),
        );
    }
}

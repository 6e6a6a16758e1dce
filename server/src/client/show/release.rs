//! What is said about releases: the plan of an install, and what it did.

use std::collections::BTreeMap;

use pq_release::handler::{CheckReport, Direction, Installed};

use super::Show;
use crate::client::table::{lines, printable};
use crate::operator::answer::Done;

impl Show for Done {
    fn show(&self) -> String {
        let vsn = &self.vsn;
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
            other => format!("{other} {vsn}: done"),
        }
    }
}

/// The plan: the relup's steps, and what trying them on copies has shown.
impl Show for CheckReport {
    fn show(&self) -> String {
        let step = |step: &String| format!("  {}\n", printable(step));
        let steps: String = self.script.iter().map(step).collect();
        let tried = format!(
            "{} states converted there and back in {} ms",
            self.converted, self.took_ms
        );
        let lost = match self.differing {
            0 => String::new(),
            count => format!("{count} states came back as something else"),
        };
        let doomed = match self.killed {
            0 => String::new(),
            count => format!("{count} whose conversion does not end"),
        };
        let facts = lines(&[
            ("says", self.description.clone()),
            ("processes", processes(&self.processes)),
            ("tried", tried),
            ("way back", lost),
            ("killed", doomed),
            ("pause", format!("about {} ms", self.expected_pause_ms)),
            ("warnings", self.warnings.join("; ")),
        ]);
        let (way, from, to) = (word(self.direction), &self.from, &self.to);
        format!("{way} from {from} to {to}:\n{steps}{facts}")
    }
}

impl Show for Installed {
    fn show(&self) -> String {
        let (way, pause) = (word(self.direction), self.pause_us);
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

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Down => "down",
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
fn processes(by_module: &BTreeMap<String, u64>) -> String {
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
    use pq_release::handler::Micros;

    #[test]
    fn a_plan_has_the_steps_of_the_relup_and_what_trying_them_has_shown() {
        let plan = CheckReport {
            from: "1.0.0".to_string(),
            to: "1.1.0".to_string(),
            direction: Direction::Up,
            description: "quests for everybody".to_string(),
            script: ["point_of_no_return", "{suspend,[pq_player]}"]
                .map(str::to_string)
                .to_vec(),
            processes: [("pq_player".to_string(), 412)].into(),
            converted: 412,
            differing: 3,
            killed: 0,
            ends: Default::default(),
            expected_pause_ms: 2,
            warnings: vec![],
            took_ms: 31,
        };
        expect![[r"
            up from 1.0.0 to 1.1.0:
              point_of_no_return
              {suspend,[pq_player]}
            says       quests for everybody
            processes  412: pq_player 412
            tried      412 states converted there and back in 31 ms
            way back   3 states came back as something else
            pause      about 2 ms
        "]]
        .assert_eq(&plan.show());
    }

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

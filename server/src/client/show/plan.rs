//! The plan of an install: what becomes of each module, and what trying it on copies has shown.

use pq_release::handler::{CheckReport, Ending, Ends, How, ModuleChange};

use super::Show;
use super::release::processes;
use crate::client::table::{lines, printable, table};

const HEADING: [&str; 6] = ["MODULE", "FROM", "TO", "HOW", "PROCESSES", "ENDS"];

impl Show for CheckReport {
    fn show(&self) -> String {
        let (way, from, to) = (self.direction.word(), &self.from, &self.to);
        let title = printable(&format!("{way} from {from} to {to}")).into_owned();
        let rows = self.modules.iter().map(row);
        let modules = match self.modules.is_empty() {
            true => String::new(),
            false => table(&HEADING, rows) + "\n",
        };
        format!("{title}:\n{modules}{}", facts(self))
    }
}

/// The instructions of the relup, as they stand there.
pub(in crate::client) fn raw(plan: &CheckReport) -> String {
    let step = |step: &String| format!("  {}\n", printable(step));
    plan.script.iter().map(step).collect()
}

fn facts(plan: &CheckReport) -> String {
    let tried = format!(
        "{} states converted there and back in {} ms",
        plan.converted, plan.took_ms
    );
    let lost = match plan.differing {
        0 => String::new(),
        count => format!("{count} states came back as something else"),
    };
    let doomed = match plan.killed {
        0 => String::new(),
        count => format!("{count} whose conversion does not end"),
    };
    let restart = match plan.restart {
        true => "the node starts again with this release",
        false => "",
    };
    lines(&[
        ("says", plan.description.clone()),
        ("processes", processes(&plan.processes)),
        ("ends", named(&plan.ends)),
        ("calls", plan.calls.join(", ")),
        ("tried", tried),
        ("way back", lost),
        ("killed", doomed),
        ("pause", format!("about {} ms", plan.expected_pause_ms)),
        ("restart", restart.to_string()),
        ("warnings", plan.warnings.join("; ")),
    ])
}

/// The processes that an install would end, by their names where they have some; nothing where there are none.
fn named(ends: &Ends) -> String {
    if ends.count == 0 {
        return String::new();
    }
    let one = |ending: &Ending| {
        let Ending { pid, module, .. } = ending;
        let name = ending.name.iter().map(|name| format!("{name} "));
        format!("{}{pid} ({module})", name.collect::<String>())
    };
    let mut all: Vec<String> = ends.processes.iter().map(one).collect();
    let more = ends.count - ends.processes.len() as u64;
    all.extend((more > 0).then(|| format!("{more} more")));
    format!("{}: {}", ends.count, all.join(", "))
}

fn row(change: &ModuleChange) -> Vec<String> {
    let or_none = |vsn: &Option<String>| vsn.clone().unwrap_or_else(|| "-".to_string());
    vec![
        change.module.clone(),
        or_none(&change.from),
        or_none(&change.to),
        how(change.how).to_string(),
        change.processes.to_string(),
        ends(change),
    ]
}

fn how(how: How) -> &'static str {
    match how {
        How::Add => "add",
        How::Load => "load",
        How::Convert => "convert",
        How::Supervisor => "supervisor",
        How::Restart => "restart",
        How::Stop => "stop",
        How::Remove => "remove",
    }
}

/// What ends of the processes of a module.
fn ends(change: &ModuleChange) -> String {
    match (change.processes, change.how) {
        (0, _) => String::new(),
        (count, How::Remove | How::Stop) => format!("all {count}"),
        (count, How::Restart) => format!("all {count}, and start again"),
        (_, How::Add | How::Load | How::Convert | How::Supervisor) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use pq_otp::Direction;

    fn change(module: &str, how: How, processes: u64) -> ModuleChange {
        ModuleChange {
            module: module.to_string(),
            from: (how != How::Add).then(|| "1.0.0".to_string()),
            to: (how != How::Remove).then(|| "1.1.0".to_string()),
            how,
            processes,
        }
    }

    fn ending(pid: &str, name: Option<&str>, module: &str) -> Ending {
        Ending {
            pid: pid.to_string(),
            name: name.map(str::to_string),
            module: module.to_string(),
            instruction: format!("{{purge,[{module}]}}"),
        }
    }

    fn plan() -> CheckReport {
        CheckReport {
            from: "1.0.0".to_string(),
            to: "1.1.0".to_string(),
            direction: Direction::Up,
            description: "quests for\neverybody".to_string(),
            script: ["point_of_no_return", "{suspend,[pq_player]}"]
                .map(str::to_string)
                .to_vec(),
            modules: vec![
                change("pq_enemy", How::Load, 0),
                change("pq_market", How::Restart, 1),
                change("pq_old", How::Remove, 3),
                change("pq_player", How::Convert, 412),
                change("pq_quest", How::Add, 0),
                change("pq_sup", How::Supervisor, 1),
            ],
            calls: vec!["application:stop(poems)".to_string()],
            restart: true,
            processes: [("pq_player".to_string(), 412)].into(),
            converted: 412,
            differing: 3,
            killed: 2,
            ends: Ends {
                count: 4,
                processes: vec![
                    ending("<0.4.1>", Some("Ann"), "pq_old"),
                    ending("<0.9.1>", None, "pq_market"),
                ],
            },
            expected_pause_ms: 2,
            warnings: vec![],
            took_ms: 31,
        }
    }

    #[test]
    fn a_plan_is_a_table_of_modules_and_what_trying_it_has_shown() {
        expect![[r#"
            up from 1.0.0 to 1.1.0:
            MODULE     FROM   TO     HOW         PROCESSES  ENDS
            pq_enemy   1.0.0  1.1.0  load        0
            pq_market  1.0.0  1.1.0  restart     1          all 1, and start again
            pq_old     1.0.0  -      remove      3          all 3
            pq_player  1.0.0  1.1.0  convert     412
            pq_quest   -      1.1.0  add         0
            pq_sup     1.0.0  1.1.0  supervisor  1
            says       quests for\neverybody
            processes  412: pq_player 412
            ends       4: Ann <0.4.1> (pq_old), <0.9.1> (pq_market), 2 more
            calls      application:stop(poems)
            tried      412 states converted there and back in 31 ms
            way back   3 states came back as something else
            killed     2 whose conversion does not end
            pause      about 2 ms
            restart    the node starts again with this release
        "#]]
        .assert_eq(&plan().show());
    }

    #[test]
    fn the_terms_are_for_who_asks_for_them() {
        assert!(!plan().show().contains("point_of_no_return"));
        assert_eq!(
            raw(&plan()),
            "  point_of_no_return\n  {suspend,[pq_player]}\n"
        );
    }
}

//! `pq check-install`: tries an install on copies of all states and changes nothing (`check_install_release/2`). The
//! answer is the plan of the install: the changes of each module and the findings of the trial.

use std::collections::BTreeMap;

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::Failure;
use pq_protocol::record::{How, ModuleChange};
use pq_release::handler::{CheckReport, ReleaseHandler};
use pq_release::judge::{Ending, Ends};
use serde::{Deserialize, Serialize};

use super::command::{Note, Typed, Words, word};
use super::install_options::Options;
use super::kinds::OnReleases;
use crate::client::{At, Show, lines, printable, read, say, table};
use crate::running::Outcome;

#[derive(Args, Debug)]
pub(crate) struct CheckInstallArgs {
    #[command(flatten)]
    words: CheckInstall,
    /// Show the relup's instructions, too
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    at: At,
}

#[derive(Args, Serialize, Deserialize, Clone, Debug)]
pub(crate) struct CheckInstall {
    /// The version of the release to check
    pub(crate) vsn: String,
    #[command(flatten)]
    pub(crate) options: Options,
    /// Whether the check is the first step of `install`: a refused check is then a failed install in the history.
    #[arg(skip)]
    #[serde(default)]
    pub(crate) of_install: bool,
}

impl Typed for CheckInstallArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let note = Note {
            message: None,
            at: self.at.clone(),
        };
        let text = note.ask(&self.words)?;
        self.at.tell::<CheckReport>(&text)?;
        if self.verbose && !self.at.json {
            say(raw(&read::<CheckReport>(&text)?).trim_end());
        }
        Ok(())
    }
}

impl Words for CheckInstall {
    const NAME: &'static str = "check_install";
    type Answer = CheckReport;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.vsn)
    }
}

impl OnReleases for CheckInstall {
    fn vsn(&self) -> Option<&str> {
        Some(&self.vsn)
    }

    fn entry(&self, is_done: bool) -> Option<String> {
        (self.of_install && !is_done).then(|| format!("install {}", self.vsn))
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, driver: &mut Live) -> Outcome {
        Outcome::of_check(handler.check_install(driver, &self.vsn, &self.options.options()))
    }
}

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

/// The instructions of the relup as terms, one per line.
pub(crate) fn raw(plan: &CheckReport) -> String {
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
        count => format!("{count} states differ after the way back"),
    };
    let doomed = match plan.killed {
        0 => String::new(),
        count => format!("{count} processes whose conversion does not end"),
    };
    let restart = match plan.restart {
        true => "the node restarts with this release",
        false => "",
    };
    lines(&[
        ("says", plan.description.clone()),
        ("through", plan.through.join(", ")),
        ("processes", processes(&plan.processes)),
        ("ends", named(&plan.ends)),
        ("calls", plan.calls.join(", ")),
        ("tried", tried),
        ("way back", lost),
        ("killed", doomed),
        ("pause", format!("about {} ms", plan.expected_pause_ms)),
        ("duration", format!("about {} ms", plan.expected_took_ms)),
        ("restart", restart.to_string()),
        ("warnings", plan.warnings.join("; ")),
    ])
}

/// The processes that an install would end, by their names where they have names; `None` if there are none.
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
        way(change),
        change.processes.to_string(),
        ends(change),
    ]
}

/// How a module changes, and the versions in between through which its states go.
fn way(change: &ModuleChange) -> String {
    let how = how(change.how);
    match change.through.is_empty() {
        true => how.to_string(),
        false => format!("{how} through {}", change.through.join(", ")),
    }
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

/// The text on processes of a module that the install ends.
fn ends(change: &ModuleChange) -> String {
    match (change.processes, change.how) {
        (0, _) => String::new(),
        (count, How::Remove | How::Stop) => format!("all {count}"),
        (count, How::Restart) => format!("all {count}, then restarted"),
        (_, How::Add | How::Load | How::Convert | How::Supervisor) => String::new(),
    }
}

/// The numbers of processes by module, for example `303: shop_till 300, shop_goods 3`.
pub(crate) fn processes(by_module: &BTreeMap<String, u64>) -> String {
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

    #[test]
    fn a_check_is_in_the_history_when_an_install_has_ended_with_it() {
        let entry = |of_install, is_done| {
            let check = CheckInstall {
                vsn: "1.1.0".to_string(),
                options: Options::default(),
                of_install,
            };
            check.entry(is_done)
        };
        assert_eq!(entry(true, false).as_deref(), Some("install 1.1.0"));
        assert_eq!((entry(true, true), entry(false, false)), (None, None));
    }
    use expect_test::expect;
    use pq_otp::Direction;

    fn change(module: &str, how: How, processes: u64) -> ModuleChange {
        ModuleChange {
            module: module.to_string(),
            from: (how != How::Add).then(|| "1.0.0".to_string()),
            through: Vec::new(),
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
            through: vec![],
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
            expected_pause_us: 1_700,
            expected_took_ms: 40,
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
            pq_market  1.0.0  1.1.0  restart     1          all 1, then restarted
            pq_old     1.0.0  -      remove      3          all 3
            pq_player  1.0.0  1.1.0  convert     412
            pq_quest   -      1.1.0  add         0
            pq_sup     1.0.0  1.1.0  supervisor  1
            says       quests for\neverybody
            processes  412: pq_player 412
            ends       4: Ann <0.4.1> (pq_old), <0.9.1> (pq_market), 2 more
            calls      application:stop(poems)
            tried      412 states converted there and back in 31 ms
            way back   3 states differ after the way back
            killed     2 processes whose conversion does not end
            pause      about 2 ms
            duration   about 40 ms
            restart    the node restarts with this release
        "#]]
        .assert_eq(&plan().show());
    }

    #[test]
    fn the_versions_in_between_are_shown_where_states_go_through_them() {
        let through = ["1.0.1", "1.0.2"].map(str::to_string).to_vec();
        let mut plan = plan();
        plan.modules.retain(|change| change.how == How::Convert);
        plan.modules[0].through = through;
        plan.through = vec!["processquest-1.0.1".into(), "processquest-1.0.2".into()];
        let shown = plan.show();
        let lines: Vec<&str> = shown.lines().skip(1).take(4).collect();
        expect![[r#"
            MODULE     FROM   TO     HOW                           PROCESSES  ENDS
            pq_player  1.0.0  1.1.0  convert through 1.0.1, 1.0.2  412
            says       quests for\neverybody
            through    processquest-1.0.1, processquest-1.0.2
        "#]]
        .assert_eq(&(lines.join("\n") + "\n"));
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

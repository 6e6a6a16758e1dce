//! Random releases: applications that change, are added, are removed or stay, and appups between them.
//!
//! The result is valid: each module has one instruction, each dependency is a module with an instruction, and each
//! changed application has an appup. `faults` adds faults, and `scripts` knows the instructions.

use std::collections::BTreeSet;
use std::path::PathBuf;

use pq_release::systools::{Options, RelFile};
use pq_term::{Term, read_term};
use pq_tests::systools::Case;
use pq_tests::systools::case::Files;
use pq_tests::systools::order::{Dependencies, Side};

use super::dice::Dice;
use super::scripts;

/// The applications that every release needs for an upgrade.
const NEEDED: [(&str, &str); 3] = [("kernel", "8.5.3"), ("stdlib", "4.2"), ("sasl", "4.2")];

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

const VERSIONS: [&str; 9] = [
    "1", "2", "1.0", "1.1", "1.10", "2.0.1", "R3", "1.0-rc1", "1.0.7.1",
];

/// A new release, other releases, and all files of their authors.
#[derive(Debug, Clone)]
pub(crate) struct Set {
    /// The releases; the first is the new one.
    pub(crate) releases: Vec<Release>,
    /// Each application in each of its versions.
    pub(crate) apps: Vec<App>,
    pub(crate) appups: Vec<Appup>,
    pub(crate) up_from: Vec<usize>,
    pub(crate) down_to: Vec<usize>,
    pub(crate) descriptions: Vec<&'static str>,
    pub(crate) options: Options,
    /// Files with a wrong content, or without one when they are missing.
    pub(crate) broken: Vec<(PathBuf, Option<String>)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) vsn: String,
    pub(crate) erts: &'static str,
    pub(crate) entries: Vec<Entry>,
}

/// The entry of an application in a release.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) vsn: String,
    /// The text behind the version: empty, or for example `,temporary`.
    pub(crate) rest: String,
}

#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) vsn: &'static str,
    pub(crate) modules: Vec<String>,
    pub(crate) registered: Vec<String>,
    pub(crate) applications: Vec<String>,
    /// Further keys, each with a comma before it.
    pub(crate) more: String,
}

/// The appup of an application in the new release.
#[derive(Debug, Clone)]
pub(crate) struct Appup {
    pub(crate) name: &'static str,
    pub(crate) vsn: &'static str,
    /// The version that the appup states for its application.
    pub(crate) stated: String,
    pub(crate) up: Vec<Way>,
    pub(crate) down: Vec<Way>,
}

#[derive(Debug, Clone)]
pub(crate) struct Way {
    /// The other version, as a string or a pattern in the form of a term.
    pub(crate) pattern: String,
    /// The version for which it was written; `None` for a pattern that may match by accident.
    pub(crate) base: Option<&'static str>,
    pub(crate) steps: Vec<String>,
}

impl App {
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(format!("lib/{0}-{1}/ebin/{0}.app", self.name, self.vsn))
    }

    pub(crate) fn text(&self) -> String {
        format!(
            "{{application, {},\n [{{description, \"\"}}, {{vsn, \"{}\"}}, {{modules, [{}]}}, {{registered, [{}]}}, {{applications, [{}]}}{}]}}.\n",
            self.name,
            self.vsn,
            self.modules.join(", "),
            self.registered.join(", "),
            self.applications.join(", "),
            self.more,
        )
    }
}

impl Appup {
    pub(crate) fn file(&self) -> PathBuf {
        PathBuf::from(format!("lib/{0}-{1}/ebin/{0}.appup", self.name, self.vsn))
    }

    pub(crate) fn side(&self, side: Side) -> &[Way] {
        match side {
            Side::Up => &self.up,
            Side::Down => &self.down,
        }
    }

    fn text(&self) -> String {
        let way = |way: &Way| format!("{{{},\n   [{}]}}", way.pattern, way.steps.join(",\n    "));
        let ways = |ways: &[Way]| ways.iter().map(way).collect::<Vec<_>>().join(",\n  ");
        format!(
            "{{\"{}\",\n [{}],\n [{}]}}.\n",
            self.stated,
            ways(&self.up),
            ways(&self.down)
        )
    }
}

impl Release {
    fn text(&self) -> String {
        let entry = |entry: &Entry| format!("{{{}, \"{}\"{}}}", entry.name, entry.vsn, entry.rest);
        let entries: Vec<_> = self.entries.iter().map(entry).collect();
        format!(
            "{{release, {{\"rel\", \"{}\"}}, {{erts, \"{}\"}},\n [{}]}}.\n",
            self.vsn,
            self.erts,
            entries.join(",\n  ")
        )
    }

    pub(crate) fn vsn_of(&self, name: &str) -> Option<&str> {
        self.entries
            .iter()
            .find(|entry| entry.name == name)
            .map(|entry| entry.vsn.as_str())
    }
}

impl Set {
    /// Makes a random set, based on OTP's own applications.
    pub(crate) fn new(dice: &mut Dice) -> Set {
        let bases = 1 + dice.below(3);
        let names = &NAMES[..2 + dice.below(NAMES.len() - 1)];
        let plans: Vec<Plan> = names
            .iter()
            .map(|name| Plan::new(dice, name, bases))
            .collect();
        let apps = apps(dice, &plans);
        let releases = (0..=bases).map(|at| release(dice, &plans, at)).collect();
        let bases: Vec<usize> = (1..=bases).collect();
        let mut set = Set {
            releases,
            apps,
            appups: Vec::new(),
            up_from: dice.some(&bases, bases.len()),
            down_to: dice.some(&bases, bases.len()),
            descriptions: bases
                .iter()
                .map(|_| dice.pick(&["[]", "[]", "[]", "x", "\"why\"", "{a,1}"]))
                .collect(),
            options: Options {
                restart_emulator: dice.one_in(10),
                warnings_as_errors: dice.one_in(20),
            },
            broken: Vec::new(),
        };
        set.appups = scripts::appups(dice, &set);
        set
    }

    pub(crate) fn new_release(&self) -> &Release {
        &self.releases[0]
    }

    pub(crate) fn app(&self, name: &str, vsn: &str) -> &App {
        let found = self
            .apps
            .iter()
            .find(|app| app.name == name && app.vsn == vsn);
        found.unwrap_or_else(|| panic!("no {name}-{vsn}"))
    }

    /// The question for the relup of these releases.
    pub(crate) fn case(&self) -> Case {
        let mut files = Files::default();
        files.add_otp(NEEDED);
        for (at, release) in self.releases.iter().enumerate() {
            files.0.insert(rel_file(at), release.text());
        }
        files
            .0
            .extend(self.apps.iter().map(|app| (app.file(), app.text())));
        files
            .0
            .extend(self.appups.iter().map(|appup| (appup.file(), appup.text())));
        for (file, text) in &self.broken {
            match text {
                Some(text) => files.0.insert(file.clone(), text.clone()),
                None => files.0.remove(file),
            };
        }
        let described = |at: &usize| RelFile {
            description: read_term(self.descriptions[at - 1]).unwrap(),
            ..RelFile::from(rel_file(*at))
        };
        Case {
            files,
            new: RelFile::from(rel_file(0)),
            up_from: self.up_from.iter().map(described).collect(),
            down_to: self.down_to.iter().map(described).collect(),
            options: self.options,
        }
    }

    /// The dependencies in the instructions from which this script was made, for the upgrade or downgrade of this
    /// version.
    pub(crate) fn dependencies(&self, side: Side, vsn: &str, script: &[Term]) -> Dependencies {
        let mut dependencies = Dependencies::default();
        let release = self
            .releases
            .iter()
            .find(|release| release.vsn == vsn)
            .unwrap();
        let went_astray = |name: &str| {
            let mark = scripts::mark_of_stranger(name);
            script.iter().any(|step| step.to_string() == mark)
        };
        let is_used = |appup: &&Appup| {
            self.new_release().vsn_of(appup.name) == Some(appup.vsn) && !went_astray(appup.name)
        };
        for appup in self.appups.iter().filter(is_used) {
            let base = release.vsn_of(appup.name);
            let ways = appup
                .side(side)
                .iter()
                .filter(|way| way.base.is_some() && way.base == base);
            let steps = ways.flat_map(|way| &way.steps);
            steps.for_each(|step| dependencies.add(&read_term(step).unwrap()));
        }
        dependencies
    }
}

pub(crate) fn rel_file(at: usize) -> PathBuf {
    PathBuf::from(format!("R{at}.rel"))
}

/// The version of an application in each release that has it; the new release comes first.
struct Plan {
    name: &'static str,
    vsns: Vec<Option<&'static str>>,
}

impl Plan {
    fn new(dice: &mut Dice, name: &'static str, bases: usize) -> Plan {
        let new = dice.pick(&VERSIONS);
        let mut vsns = vec![(!dice.one_in(6)).then_some(new)];
        for _ in 0..bases {
            let vsn = if dice.one_in(4) {
                new
            } else {
                dice.pick(&VERSIONS)
            };
            vsns.push((!dice.one_in(6)).then_some(vsn));
        }
        Plan { name, vsns }
    }

    fn distinct(&self) -> BTreeSet<&'static str> {
        self.vsns.iter().flatten().copied().collect()
    }

    /// Whether the application is in each release that has the other one in this version.
    fn accompanies(&self, other: &Plan, vsn: &str) -> bool {
        let mut pairs = self.vsns.iter().zip(&other.vsns);
        pairs.all(|(own, theirs)| own.is_some() || *theirs != Some(vsn))
    }
}

fn apps(dice: &mut Dice, plans: &[Plan]) -> Vec<App> {
    let mut apps = Vec::new();
    // An application requires only those before it in this order, so all of them can be started.
    let mut ranked: Vec<&Plan> = plans.iter().collect();
    dice.shuffle(&mut ranked);
    for (rank, plan) in ranked.iter().enumerate() {
        for vsn in plan.distinct() {
            let below = ranked[..rank]
                .iter()
                .filter(|other| other.accompanies(plan, vsn));
            let below: Vec<String> = below.map(|other| other.name.to_string()).collect();
            apps.push(app(dice, plan.name, vsn, &below));
        }
    }
    apps
}

fn app(dice: &mut Dice, name: &'static str, vsn: &'static str, below: &[String]) -> App {
    let mut modules: Vec<String> = (1..=4).map(|number| format!("{name}{number}")).collect();
    modules.retain(|_| !dice.one_in(5));
    let place = VERSIONS
        .iter()
        .position(|known| *known == vsn)
        .unwrap_or_default();
    modules.push(format!("{name}_of_{place}"));
    dice.shuffle(&mut modules);
    let mut applications = vec!["kernel".to_string(), "stdlib".to_string()];
    applications.extend(dice.some(below, 2));
    let more = match dice.below(8) {
        0 => format!(", {{mod, {{{name}1, []}}}}, {{env, [{{k, v}}]}}"),
        1 => {
            applications.push("absent".to_string());
            ", {optional_applications, [absent]}".to_string()
        }
        _ => String::new(),
    };
    App {
        name,
        vsn,
        modules,
        registered: vec![format!("{name}_server")],
        applications,
        more,
    }
}

fn release(dice: &mut Dice, plans: &[Plan], at: usize) -> Release {
    let entry = |name: &str, vsn: &str, rest: &str| Entry {
        name: name.to_string(),
        vsn: vsn.to_string(),
        rest: rest.to_string(),
    };
    let mut entries: Vec<Entry> = NEEDED
        .iter()
        .map(|(name, vsn)| entry(name, vsn, ""))
        .collect();
    for plan in plans {
        let kinds = [
            "",
            "",
            "",
            ", permanent",
            ", transient",
            ", temporary",
            ", load",
            ", none",
            ", []",
            ", load, []",
        ];
        let rest = dice.pick(&kinds);
        entries.extend(plan.vsns[at].map(|vsn| entry(plan.name, vsn, rest)));
    }
    dice.shuffle(&mut entries);
    Release {
        vsn: format!("{at}.0"),
        erts: if dice.one_in(12) { "14.0" } else { "13.1.5" },
        entries,
    }
}

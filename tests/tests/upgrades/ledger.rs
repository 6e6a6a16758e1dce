//! The processes before an attempt, and the checks of each of them after it.

use std::collections::BTreeSet;

use pq_otp::application::{AppReply, AppRequest};
use pq_otp::spec::{SupReply, SupRequest};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Pid, ProcessInfo, Term};
use pq_tests::house::House;

use super::crowd::{Crowd, version_of};

/// The number of heroes that are suspended during an attempt, so that their states can be compared exactly.
const FROZEN: usize = 3;

/// The three processes of a hero.
#[derive(Debug)]
struct Family {
    name: String,
    player: Pid,
    sup: Pid,
    events: Pid,
}

pub(crate) struct Ledger {
    families: Vec<Family>,
    frozen: Vec<(Pid, Term)>,
}

impl Ledger {
    /// Records the processes, and suspends a few heroes.
    pub(crate) fn open(house: &mut House, crowd: &mut Crowd, draw: u64) -> Ledger {
        crowd.crashed.clear();
        crowd.left.clear();
        let mut families = Vec::new();
        for process in house.sim.processes() {
            let known = crowd.heroes.get(&process.pid);
            let name = known.map(|(name, _)| name.clone());
            if let (Some(name), Some(sup)) = (name, process.parent)
                && let Some(events) = house.events_of(&name)
            {
                let player = process.pid;
                families.push(Family {
                    name,
                    player,
                    sup,
                    events,
                });
            }
        }
        let first = draw as usize % families.len();
        let some = families.iter().cycle().skip(first).take(FROZEN);
        let frozen = some.map(|family| {
            let pid = family.player;
            house
                .sim
                .sys(pid, SysMessage::Suspend, pq_otp::sys::TIMEOUT_MS)
                .unwrap();
            (
                pid,
                house
                    .sim
                    .sys(pid, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
                    .unwrap(),
            )
        });
        let frozen = frozen.collect();
        Ledger { families, frozen }
    }

    /// The name of the hero that the draw selects.
    pub(crate) fn somebody(&self, draw: u64) -> &str {
        &self.families[draw as usize % self.families.len()].name
    }

    /// Whether this hero or its player was affected by something other than the attempt.
    pub(crate) fn is_disturbed(&self, crowd: &Crowd, name: &str) -> bool {
        let family = self.families.iter().find(|family| family.name == name);
        family.is_none_or(|family| family.is_disturbed(crowd))
    }

    /// Checks that no process is missing except the `killed` heroes that the attempt was allowed to kill; resumes the
    /// suspended heroes.
    pub(crate) fn close(self, house: &mut House, crowd: &Crowd, changed: bool, killed: u64) {
        let processes = house.sim.processes();
        let alive: BTreeSet<Pid> = processes.iter().map(|process| process.pid).collect();
        let undisturbed = self.families.iter();
        let undisturbed = undisturbed.filter(|family| !family.is_disturbed(crowd));
        let missing: Vec<&Family> = undisturbed
            .filter(|family| !family.pids().iter().all(|pid| alive.contains(pid)))
            .collect();
        assert!(missing.len() as u64 <= killed, "missing: {missing:?}");
        for (pid, before) in &self.frozen {
            if alive.contains(pid) {
                let after = house
                    .sim
                    .sys(*pid, SysMessage::GetState, pq_otp::sys::TIMEOUT_MS)
                    .unwrap();
                let same = match changed {
                    true => hero(&after) == hero(before),
                    false => after == *before,
                };
                assert!(same, "{pid} was {before} and is {after}");
                house
                    .sim
                    .sys(*pid, SysMessage::Resume, pq_otp::sys::TIMEOUT_MS)
                    .unwrap();
            }
        }
    }
}

impl Family {
    fn pids(&self) -> [Pid; 3] {
        [self.player, self.sup, self.events]
    }

    fn is_disturbed(&self, crowd: &Crowd) -> bool {
        let crashed = self.pids().iter().any(|pid| crowd.crashed.contains(pid));
        crashed || crowd.left.contains(&self.name)
    }
}

/// The parts of a hero's state that both versions have.
fn hero(state: &Term) -> (Option<Term>, Term) {
    let field = |key: &'static str| state.as_map()?.get(&Term::atom(key)).cloned();
    let data = field("data").unwrap();
    let of_both = data.as_map().unwrap().pairs().iter();
    let of_both = of_both.filter(|(key, _)| !key.is_atom("quest")).cloned();
    (field("state"), Term::map(of_both))
}

/// Checks that each hero has one process of each kind, under a supervisor with exactly these two children, and that
/// settings and applications are those of the release.
pub(crate) fn check_world(house: &mut House, release: &str) {
    let processes = house.sim.processes();
    let of = |module: &str| -> Vec<&ProcessInfo> {
        let all = processes.iter();
        all.filter(|process| process.module == module).collect()
    };
    let (sups, players, events) = (of("pq_sup"), of("pq_player"), of("pq_events"));
    assert!(!sups.is_empty(), "no hero plays");
    assert_eq!((players.len(), events.len()), (sups.len(), sups.len()));
    assert_eq!(house.count_children("pq_supersup"), sups.len() as u64);
    for sup in &sups {
        let children = house
            .sim
            .ask_supervisor(sup.pid, &SupRequest::WhichChildren, 60_000);
        let Ok(SupReply::Children(children)) = children else {
            panic!("{sup:?}: {children:?}")
        };
        let of_sup = |process: &&&ProcessInfo| process.parent == Some(sup.pid);
        let expected = players.iter().chain(&events).filter(of_sup);
        let expected: BTreeSet<Option<Pid>> = expected.map(|child| Some(child.pid)).collect();
        let found: BTreeSet<Option<Pid>> = children.iter().map(|child| child.pid).collect();
        assert_eq!((found, children.len()), (expected, 2), "{sup:?}");
    }
    let node = house.sim.node();
    assert_eq!(
        node.env("sockserv", "release"),
        Some(Term::string(release)),
        "the settings are of another release"
    );
    assert!(node.env_of("processquest").is_empty());
    check_applications(house, release);
}

fn check_applications(house: &mut House, release: &str) {
    let AppReply::Running(running) = house.application(&AppRequest::Which) else {
        panic!("the controller does not know what runs")
    };
    let vsn = |application: &str| {
        let found = running.iter().find(|(name, ..)| name == application);
        found.map(|(_, _, vsn)| vsn.as_str())
    };
    assert_eq!(vsn("processquest"), Some(release));
    let sockserv = version_of("sockserv_serv", release);
    assert_eq!(vsn("sockserv"), Some(sockserv));
}

/// Checks the node after an attempt that could not be rolled back, before the restart: each module was exchanged for
/// all processes or for none, and no process is held.
pub(crate) fn check_half_way(house: &mut House, (from, to): (&str, &str)) {
    house.sim.run_ms(5);
    let processes = house.sim.processes();
    for process in processes.iter().filter(|process| process.kind != "native") {
        let module = process.module.as_str();
        let fits = [from, to].map(|release| version_of(module, release));
        assert!(
            !process.held && fits.contains(&process.vsn.as_str()),
            "{process:?}"
        );
        let others = processes.iter().filter(|other| other.module == module);
        let versions: BTreeSet<&str> = others.map(|other| other.vsn.as_str()).collect();
        assert_eq!(versions.len(), 1, "{module} runs in {versions:?}");
    }
}

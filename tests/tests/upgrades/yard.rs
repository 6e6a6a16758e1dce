//! Random scripts for the yard (`tests/plugins/yard-*`): accepted scripts succeed, refused scripts have changed
//! nothing, and a check predicts the result of the install. After each success the test kills every supervised process
//! once, and all of them are restarted.
//!
//! The test has detected a wrong judge: one that treated a supervisor whose code is only loaded like one that is asked
//! for its children again. The first script failed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pq_otp::application::{AppReply, AppRequest};
use pq_otp::spec::{SupReply, SupRequest};
use pq_release::handler::{FailedStep, Options, ReleaseHandler};
use pq_tests::house::House;
use pq_tests::running::{build, copy_folder, once};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use tempfile::TempDir;

use super::yard_scripts::{RELEASES, below, draw, good, relup};
use super::{number, side_by_side};

/// The number of scripts per node; the next constant is the number of nodes in a run.
const EPISODES: u64 = 150;
const YARDS: u64 = 2;

/// The number of scripts after which a node is booted again, because accepted scripts may leave little that can fail.
const LIFE: u64 = 15;

/// A release tree with the releases of the yard, which boots 1.0.0.
struct Land {
    folder: TempDir,
}

impl Land {
    fn new() -> Land {
        let folder = tempfile::tempdir().unwrap();
        let built = once("yard", |folder| {
            for vsn in &RELEASES[1..] {
                let rel = folder.join("yard.rel");
                fs::write(&rel, rel_text(vsn)).unwrap();
                build(&rel, folder);
            }
        });
        let land = Land { folder };
        for name in ["releases", "lib"] {
            copy_folder(&built.join(name), &land.root().join(name));
        }
        let bare = land.root().join("releases/0.0.0");
        fs::create_dir_all(&bare).unwrap();
        fs::write(bare.join("yard.rel"), rel_text("0.0.0")).unwrap();
        land
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("tree")
    }
}

fn rel_text(vsn: &str) -> String {
    let yard = match vsn {
        "0.0.0" => String::new(),
        vsn => format!(",{{yard,\"{vsn}\"}}"),
    };
    format!(
        "{{release,{{\"yard\",\"{vsn}\"}},{{erts,\"1.0.0\"}},\
         [{{kernel,\"1.0.0\"}},{{stdlib,\"1.0.0\"}},{{sasl,\"1.0.0\"}}{yard}]}}."
    )
}

/// A simulated node on the tree.
struct Yard {
    house: House,
    handler: ReleaseHandler,
    root: PathBuf,
}

impl Yard {
    fn boot(root: &Path, seed: u64) -> Yard {
        let (mut house, mut handler) = House::boot_tree(root, seed);
        for vsn in RELEASES {
            let rel = root.join(format!("releases/{vsn}/yard.rel"));
            let listed = handler
                .registry()
                .which_releases()
                .iter()
                .any(|it| it.vsn == vsn);
            if !listed {
                handler.registry_mut().set_unpacked(&rel, &[]).unwrap();
            }
        }
        for animals in 1..4_u64 {
            let args = vec![0x91, animals as u8];
            let started = house.ask_supervisor("yard_pens", &SupRequest::StartChild(args));
            assert!(matches!(started, SupReply::Started(Some(_))), "{started:?}");
        }
        Yard {
            house,
            handler,
            root: root.to_path_buf(),
        }
    }

    fn running(&self) -> String {
        self.handler.registry().running().vsn.clone()
    }

    /// All state that a script may change, as text.
    fn everything(&mut self) -> String {
        let mut processes: Vec<String> = self
            .house
            .sim
            .processes()
            .iter()
            .map(|it| format!("{} {}-{} {}", it.pid, it.module, it.vsn, it.suspended))
            .collect();
        processes.sort();
        let code = format!("{:?}", self.house.code.loaded());
        let apps = match self.house.application(&AppRequest::Data) {
            AppReply::Data(apps, settings) => format!("{apps:?} {settings:?}"),
            other => panic!("{other:?}"),
        };
        let env = format!("{:?}", self.house.sim.node().env_of("yard"));
        format!("{processes:#?}\n{code}\n{apps}\n{env}\n{}", self.running())
    }

    fn offer(&self, to: &str, script: &[String]) {
        let folder = self.root.join("releases");
        for vsn in RELEASES {
            // Without checksums the release handler accepts the files of a release as they are.
            let _ = fs::remove_file(folder.join(vsn).join("relup"));
            let _ = fs::remove_file(folder.join(vsn).join("SHA256SUMS"));
        }
        let text = relup(&self.running(), to, script);
        fs::write(folder.join(to).join("relup"), text).unwrap();
    }

    /// Kills the processes that run code of the yard; their supervisors restart them. No permanent process may be
    /// missing.
    fn survives(&mut self, what: &str) {
        let is_permanent = |name: &Option<String>| name.is_some();
        let named: Vec<String> = self
            .house
            .sim
            .processes()
            .into_iter()
            .filter(|it| {
                it.kind == "gen_server"
                    && it.module.starts_with("yard")
                    && is_permanent(&it.registered)
            })
            .map(|it| it.registered.unwrap_or_default())
            .collect();
        for name in named {
            let before = self.house.local(&name);
            self.house.kill(before);
            self.house.sim.run_ms(10);
            let after = self.house.sim.node().whereis(&name);
            assert!(
                after.is_some_and(|after| after != before),
                "{what}: {name} does not come back"
            );
        }
        assert_eq!(self.house.ended(), Vec::<String>::new(), "{what}");
    }
}

#[test]
fn what_the_judge_lets_pass_succeeds_and_what_it_refuses_has_changed_nothing() {
    let episodes = number("PQ_EPISODES").unwrap_or(EPISODES);
    let seeds = match number("PQ_SEED") {
        Some(seed) => vec![seed],
        None => (0..YARDS).map(|yard| 11_000 + yard).collect(),
    };
    println!("seeds {seeds:?}");
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    for word in side_by_side(&seeds, |seed| play(seed, episodes)).concat() {
        *outcomes.entry(word).or_default() += 1;
    }
    println!("{outcomes:#?}");
    if number("PQ_SEED").is_none() && episodes >= EPISODES {
        let times = |what: &str| outcomes.get(what).copied().unwrap_or(0);
        let refused = outcomes.values().sum::<u64>() - times("installed");
        assert!(times("installed") > 50 && refused > 50, "{outcomes:?}");
        for word in ["undef", "badarg", "not_found", "running", "bad_child"] {
            assert!(times(word) > 0, "never {word}: {outcomes:?}");
        }
    }
}

/// Runs scripts on one node; returns the result of each.
fn play(seed: u64, episodes: u64) -> Vec<String> {
    let land = Land::new();
    let mut ended = Vec::new();
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut yard = Yard::boot(&land.root(), seed);
    for episode in 0..episodes {
        if episode % LIFE == LIFE - 1 {
            drop(yard);
            yard = Yard::boot(&land.root(), seed + episode);
        }
        let from = yard.running();
        let others: Vec<&str> = RELEASES.into_iter().filter(|vsn| *vsn != from).collect();
        let to = others[below(&mut dice, others.len())];
        let script = draw(&mut dice, &from, to);
        let what = format!("seed {seed}, episode {episode}, {from} to {to}: {script:#?}");
        ended.push(episode_of(&mut yard, to, &script, &what));
    }
    ended
}

/// Offers a script, checks and installs the release, and returns the result.
fn episode_of(yard: &mut Yard, to: &str, script: &[String], what: &str) -> String {
    yard.offer(to, script);
    // A random script omits modules.
    let options = Options {
        partial: true,
        ..Options::default()
    };
    let before = yard.everything();
    let checked = yard
        .handler
        .check_install(&mut yard.house.sim, to, &options);
    let unchanged = yard.everything();
    assert_eq!(before, unchanged, "a check changed something: {what}");
    let installed = yard
        .house
        .install(&mut yard.handler, to, &options, |_, _| ());
    match (checked, installed) {
        (Ok(plan), Ok(report)) => {
            assert_eq!(yard.running(), to, "{what}");
            let gone = before_and_not_after(&before, &yard.everything());
            assert!(
                gone >= plan.ends.count as usize,
                "{what}: {plan:?}, {report:?}"
            );
            yard.survives(what);
            "installed".to_string()
        }
        (Err(checked), Err(installed)) => {
            assert!(!installed.touched, "{installed}: {what}");
            assert_eq!(checked.to_string(), installed.to_string(), "{what}");
            let FailedStep::Judged(_) = *installed.step else {
                panic!("{installed}: {what}");
            };
            assert_eq!(before, yard.everything(), "{installed}: {what}");
            let term = installed.to_term();
            let tag = term
                .as_tuple()
                .and_then(|parts| parts.first())
                .unwrap_or(&term);
            tag.to_string()
        }
        (checked, installed) => {
            panic!("the check says {checked:?}, and the install {installed:?}: {what}")
        }
    }
}

/// The number of processes that ended between the two texts.
fn before_and_not_after(before: &str, after: &str) -> usize {
    let pids = |text: &str| -> Vec<String> {
        let lines = text
            .lines()
            .filter(|line| line.trim_start().starts_with("\"<"));
        lines
            .filter_map(|line| line.trim_start().split(' ').next().map(str::to_string))
            .collect()
    };
    let after = pids(after);
    pids(before)
        .iter()
        .filter(|pid| !after.contains(pid))
        .count()
}

#[test]
fn what_an_author_would_write_passes_and_says_who_ends() {
    let land = Land::new();
    let mut yard = Yard::boot(&land.root(), 3);
    let mut ends = |to: &str| {
        let script = good(&yard.running(), to);
        yard.offer(to, &script);
        let plan = yard
            .handler
            .check_install(&mut yard.house.sim, to, &Options::default())
            .unwrap_or_else(|error| panic!("failed to {error}"));
        yard.house
            .install(&mut yard.handler, to, &Options::default(), |_, _| ())
            .unwrap_or_else(|error| panic!("failed to {error}"));
        let line = |it: &pq_release::judge::Ending| {
            let name = it.name.as_deref().unwrap_or("-");
            format!("{name} {} {}", it.module, it.instruction)
        };
        (
            plan.ends.count,
            plan.ends.processes.iter().map(line).collect::<Vec<_>>(),
        )
    };
    assert_eq!(ends("2.0.0"), (0, vec![]));
    let dog = "yard_dog yard_dog {apply,{supervisor,terminate_child,[yard_sup,dog]}}";
    assert_eq!(ends("1.0.0"), (1, vec![dog.to_string()]));
    let (count, named) = ends("0.0.0");
    assert_eq!(count, 6, "{named:?}");
    assert!(
        named[0].starts_with("yard_sup yard_sup {apply,{application,stop"),
        "{named:?}"
    );
    assert_eq!(ends("2.0.0"), (0, vec![]));
}

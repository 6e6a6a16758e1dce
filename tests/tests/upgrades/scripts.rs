//! Every instruction of a relup, carried out on a house with heroes: what it does, and what its failure leaves.

use std::collections::BTreeSet;

use pq_otp::application::{AppReply, AppRequest};
use pq_otp::{Atom, Term};
use pq_protocol::Exit;
use pq_protocol::record::InstallRecord;
use pq_release::handler::{InstallError, Options, ReleaseHandler};
use pq_tests::house::House;
use pq_tests::running::Tree;

use super::faults::put;
use super::variant::Variant;

/// A tree, a house on it, and its release handler.
struct Site {
    tree: Tree,
    house: House,
    handler: ReleaseHandler,
}

impl Site {
    fn new() -> Site {
        let tree = Tree::new();
        let (house, handler) = House::boot_tree(tree.root(), 5);
        Site {
            tree,
            house,
            handler,
        }
    }

    fn with(variant: &Variant<'_>) -> Site {
        let mut site = Site::new();
        variant.register(site.tree.root(), &mut site.handler);
        site
    }

    fn install(&mut self, vsn: &str) -> Result<InstallRecord, InstallError> {
        let options = Options::default();
        self.house
            .install(&mut self.handler, vsn, &options, |_, _| ())
    }

    fn install_partly(&mut self, vsn: &str) -> Result<InstallRecord, InstallError> {
        let options = Options {
            partial: true,
            ..Options::default()
        };
        self.house
            .install(&mut self.handler, vsn, &options, |_, _| ())
    }

    fn running(&mut self) -> BTreeSet<String> {
        match self.house.application(&AppRequest::Which) {
            AppReply::Running(apps) => apps
                .into_iter()
                .map(|(name, _, vsn)| format!("{name}-{vsn}"))
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    fn env(&self, application: &str, key: &str) -> Option<Term> {
        self.house.sim.node().env(application, key)
    }
}

/// The failure as OTP's term, and whether anything was touched.
fn failure(outcome: Result<InstallRecord, InstallError>) -> (String, bool) {
    let error = outcome.unwrap_err();
    (error.to_term().to_string(), error.touched)
}

#[test]
fn settings_of_the_release_are_in_force_with_it_and_gone_with_it() {
    let mut site = Site::with(&Variant {
        sys_config: "[{sockserv,[{port,9000},{greeting,\"hi\"}]}].",
        ..Variant::default()
    });
    let port = |site: &Site| site.env("sockserv", "port").unwrap().as_i64();
    assert_eq!(port(&site), Some(8_082));
    site.install("1.0.9").unwrap();
    assert_eq!(port(&site), Some(9_000));
    assert_eq!(site.env("sockserv", "greeting"), Some(Term::string("hi")));
    site.install("1.0.0").unwrap();
    assert_eq!(port(&site), Some(8_082));
    assert_eq!(site.env("sockserv", "greeting"), None);
}

#[test]
fn settings_that_do_not_parse_are_refused_before_anything_happens() {
    let mut site = Site::with(&Variant::default());
    let file = site.tree.root().join("releases/1.0.9/sys.config");
    std::fs::write(file, "[{sockserv,[{port,9000}]").unwrap();
    let error = site.install("1.0.9").unwrap_err();
    assert!(
        !error.touched && error.to_string().contains("sys.config: line 1"),
        "{error}"
    );
    assert_eq!(site.env("sockserv", "port").unwrap().as_i64(), Some(8_082));
}

/// What systools makes of an application that only one of two releases has.
#[test]
fn an_application_is_removed_and_added_and_heroes_play_on() {
    let mut site = Site::with(&Variant {
        applications: "{processquest,\"1.0.0\"}",
        sys_config: "[].",
        up: "[point_of_no_return,{apply,{application,stop,[sockserv]}},\
             {remove,{sockserv_serv,brutal_purge,brutal_purge}},{remove,{sockserv_sup,brutal_purge,brutal_purge}},\
             {remove,{sockserv_trans,brutal_purge,brutal_purge}},{remove,{sockserv_pq_events,brutal_purge,brutal_purge}},\
             {remove,{sockserv,brutal_purge,brutal_purge}},\
             {purge,[sockserv_serv,sockserv_sup,sockserv_trans,sockserv_pq_events,sockserv]},\
             {apply,{application,unload,[sockserv]}}]",
        down: "[{load_object_code,{sockserv,\"1.0.0\",[sockserv,sockserv_serv,sockserv_sup,sockserv_trans,sockserv_pq_events]}},\
               point_of_no_return,{load,{sockserv,brutal_purge,brutal_purge}},{load,{sockserv_serv,brutal_purge,brutal_purge}},\
               {load,{sockserv_sup,brutal_purge,brutal_purge}},{load,{sockserv_trans,brutal_purge,brutal_purge}},\
               {load,{sockserv_pq_events,brutal_purge,brutal_purge}},{apply,{application,start,[sockserv,permanent]}}]",
        ..Variant::default()
    });
    let guest = site.house.enter_as("Ann");
    let hero = site.house.whereis("Ann");
    let installed = site.install("1.0.9").unwrap();
    assert_eq!(installed.warnings, Vec::<String>::new());
    assert!(guest.is_closed() && !site.running().contains("sockserv-1.0.0"));
    assert_eq!(site.house.code.current("sockserv_serv"), None);
    assert_eq!(site.env("sockserv", "port"), None);
    assert_eq!(site.house.whereis("Ann"), hero, "her hero plays on");
    site.install("1.0.0").unwrap();
    assert!(site.running().contains("sockserv-1.0.0"));
    site.house.enter_as("Bob");
}

/// OTP's own scripts ask for what is so already, also of an application that the new release does not have.
#[test]
fn what_is_so_already_is_nothing_to_do() {
    let mut site = Site::with(&Variant {
        applications: "{processquest,\"1.0.0\"}",
        sys_config: "[].",
        up: "[point_of_no_return,{apply,{application,load,[sockserv]}},{apply,{application,start,[sockserv]}},\
             {apply,{application,ensure_all_started,[sockserv]}},{apply,{application,stop,[sockserv]}},\
             {apply,{application,stop,[sockserv]}},{apply,{application,load,[sockserv]}},\
             {remove,{sockserv_serv,brutal_purge,brutal_purge}},{remove,{sockserv_sup,brutal_purge,brutal_purge}},\
             {remove,{sockserv_trans,brutal_purge,brutal_purge}},{remove,{sockserv_pq_events,brutal_purge,brutal_purge}},\
             {remove,{sockserv,brutal_purge,brutal_purge}},\
             {purge,[sockserv_serv,sockserv_sup,sockserv_trans,sockserv_pq_events,sockserv]},\
             {apply,{application,unload,[sockserv]}},{apply,{application,unload,[sockserv]}},\
             {apply,{application,stop,[sockserv]}}]",
        ..Variant::default()
    });
    site.install("1.0.9").unwrap();
    assert_eq!(site.env("sockserv", "port"), None);
}

#[test]
fn a_module_that_the_relup_forgets_is_said() {
    let mut site = Site::new();
    site.handler
        .registry_mut()
        .unpack("processquest-1.1.0")
        .unwrap();
    let variant = Variant {
        vsn: "1.1.9",
        applications: "{processquest,\"1.1.0\"},{sockserv,\"1.0.1\"}",
        up: "[{load_object_code,{processquest,\"1.1.0\",[pq_enemy]}},point_of_no_return,\
             {load,{pq_enemy,brutal_purge,brutal_purge}}]",
        ..Variant::default()
    };
    variant.register(site.tree.root(), &mut site.handler);
    let forgotten = |warnings: &[String]| {
        let mut words: Vec<_> = warnings
            .iter()
            .map(|warning| warning.replace("the relup leaves ", ""))
            .collect();
        words.sort();
        words
    };
    let error = site.install("1.1.9").unwrap_err();
    assert!(!error.touched && error.exit() == Exit::Refused, "{error}");
    let said = error.to_string();
    for module in [
        "pq_quest",
        "pq_events",
        "pq_player",
        "sockserv_serv",
        "--partial",
    ] {
        assert!(said.contains(module), "{said}");
    }
    let installed = site.install_partly("1.1.9").unwrap();
    assert_eq!(
        forgotten(&installed.warnings),
        [
            "no version of pq_quest, and release 1.1.9 boots with version 1.1.0",
            "version 1.0.0 of pq_events, and release 1.1.9 boots with version 1.1.0",
            "version 1.0.0 of pq_player, and release 1.1.9 boots with version 1.1.0",
            "version 1.0.0 of sockserv_serv, and release 1.1.9 boots with version 1.0.1",
        ]
    );
}

#[test]
fn a_function_that_fails_before_the_point_of_no_return_changes_nothing() {
    let mut site = Site::with(&Variant {
        sys_config: "[{sockserv,[{port,9000}]}].",
        up: "[{apply,{pq_enemy,no_such,[]}},point_of_no_return]",
        ..Variant::default()
    });
    let (term, touched) = failure(site.install("1.0.9"));
    assert!(term.contains("undef") && !touched, "{term}");
    assert_eq!(site.env("sockserv", "port").unwrap().as_i64(), Some(8_082));
    assert_eq!(site.handler.registry().running().vsn, "1.0.0");
}

/// Starts the hero Ann, who is there already: no judge knows whether a child wants to start.
const ANN_AGAIN: &str = "{apply,{supervisor,start_child,[pq_supersup,[\"Ann\",#{}]]}}";

#[test]
fn a_call_that_fails_behind_it_is_told_as_something_that_cannot_be_undone() {
    let mut site = Site::with(&Variant {
        up: &format!("[point_of_no_return,{ANN_AGAIN}]"),
        ..Variant::default()
    });
    site.house.enter_as("Ann");
    let (term, touched) = failure(site.install("1.0.9"));
    assert!(term.contains("name_taken") && touched, "{term}");
    assert_eq!(site.handler.registry().running().vsn, "1.0.0");
}

#[test]
fn what_could_only_fail_behind_it_is_refused_before_it() {
    for (up, expected) in [
        (
            "[point_of_no_return,{apply,{pq_enemy,no_such,[]}}]",
            "{undef,\"pq_enemy:no_such/0\"}",
        ),
        (
            "[point_of_no_return,{apply,{io,format,[\"hello\"]}}]",
            "{undef,\"io:format/1\"}",
        ),
        (
            "[point_of_no_return,{apply,{sockserv_trans,to_output,[7]}}]",
            "{badarg,\"sockserv_trans:to_output/1\"}",
        ),
        (
            "[point_of_no_return,{apply,{application,start,[nobody]}}]",
            "{no_such_application,\"nobody\"}",
        ),
        (
            "[point_of_no_return,{apply,{supervisor,restart_child,[pq_supersup,x]}}]",
            "simple_one_for_one",
        ),
        (
            "[point_of_no_return,{apply,{supervisor,start_child,[pq_supersup,[7]]}}]",
            "{failed,\"pq_sup:init/1\"}",
        ),
        (
            "[point_of_no_return,{apply,{supervisor,which_children,[nobody]}}]",
            "{noproc,nobody}",
        ),
        (
            "[point_of_no_return,{apply,{application,stop,[sockserv]}},{apply,{application,stop,[sockserver]}}]",
            "{no_such_application,\"sockserver\"}",
        ),
        (
            "[point_of_no_return,{remove,{pq_stats,brutal_purge,brutal_purge}},{purge,[pq_stats]}]",
            "{undef,\"pq_stats:initial_roll/0\"}",
        ),
        (
            "[point_of_no_return,{remove,{sockserv_serv,brutal_purge,brutal_purge}},{purge,[sockserv_serv]}]",
            "{bad_child,\"sockserv_serv\"}",
        ),
    ] {
        let mut site = Site::with(&Variant {
            up,
            ..Variant::default()
        });
        let guest = site.house.enter_as("Ann");
        let (term, touched) = failure(site.install("1.0.9"));
        assert_eq!((&*term, touched), (expected, false), "{up}");
        assert!(!guest.is_closed());
        assert_eq!(site.handler.registry().running().vsn, "1.0.0");
    }
}

#[test]
fn children_are_stopped_and_started_and_those_that_cannot_be_are_named() {
    let mut site = Site::with(&Variant {
        up: "[point_of_no_return,{stop,[regis_server]},{start,[regis_server]}]",
        down: "[point_of_no_return,{stop,[sockserv_serv]},{start,[sockserv_serv]}]",
        ..Variant::default()
    });
    let guest = site.house.enter_as("Ann");
    let before = site.house.local("regis_server");
    site.install("1.0.9").unwrap();
    assert_ne!(site.house.local("regis_server"), before);
    let (term, _) = failure(site.install("1.0.0"));
    assert_eq!(term, "simple_one_for_one");
    assert!(!guest.is_closed());
}

#[test]
fn processes_stay_suspended_across_a_barrier_until_they_are_resumed() {
    let mut site = Site::with(&Variant {
        up: "[point_of_no_return,{suspend,[pq_player]},{apply,{pq_enemy,module_info,[]}},{resume,[pq_player]}]",
        down: &format!(
            "[point_of_no_return,{{suspend,[pq_player]}},{ANN_AGAIN},{{resume,[pq_player]}}]"
        ),
        ..Variant::default()
    });
    let guest = site.house.enter_as("Ann");
    let suspended = |site: &Site| {
        let processes = site.house.sim.processes();
        processes.iter().filter(|process| process.suspended).count()
    };
    site.install("1.0.9").unwrap();
    assert_eq!(suspended(&site), 0);
    site.install("1.0.0").unwrap_err();
    assert_eq!(suspended(&site), 1, "the script ended before their resume");
    assert!(!guest.is_closed());
}

#[test]
fn a_removed_module_lingers_softly_and_goes_when_the_release_is_permanent() {
    let mut site = Site::with(&Variant {
        up: "[point_of_no_return,{remove,{sockserv,soft_purge,soft_purge}},\
             {remove,{sockserv_pq_events,brutal_purge,brutal_purge}}]",
        ..Variant::default()
    });
    let guest = site.house.enter_as("Ann");
    let installed = site.install_partly("1.0.9").unwrap();
    assert_eq!(
        installed.unpurged,
        ["sockserv_pq_events-1.0.0"],
        "nothing runs the other"
    );
    assert!(site.house.code.old("sockserv_pq_events").is_some());
    site.handler
        .make_permanent(&mut site.house.sim, "1.0.9")
        .unwrap();
    site.house.sim.settle();
    assert!(!guest.is_closed(), "a manager only loses its handler");
    assert_eq!(site.house.code.old("sockserv_pq_events"), None);
    assert_eq!(site.handler.unpurged(), Vec::<String>::new());
}

#[test]
fn one_application_goes_up_and_down_by_itself_and_keeps_its_settings() {
    let mut site = Site::new();
    site.handler
        .registry_mut()
        .unpack("processquest-1.1.0")
        .unwrap();
    let guest = site.house.enter_as("Ann");
    let name = Atom::from_static("processquest");
    let folder = |vsn: &str| site.tree.root().join(format!("lib/processquest-{vsn}"));
    let (older, newer) = (folder("1.0.0"), folder("1.1.0"));
    let options = Options::default();
    let up = site
        .handler
        .upgrade_app(&mut site.house.sim, name, &newer, &options);
    assert_eq!(up.unwrap().processes["pq_player"], 1);
    assert!(site.running().contains("processquest-1.1.0"));
    assert_eq!(
        site.handler.registry().running().vsn,
        "1.0.0",
        "no release has changed"
    );
    site.house.sim.run_ms(3_600_000);
    assert!(guest.read().contains("Completed quest: "));
    let down = site
        .handler
        .downgrade_app(&mut site.house.sim, name, &older, &options);
    assert_eq!(down.unwrap().processes["pq_player"], 1);
    assert_eq!(site.env("sockserv", "port").unwrap().as_i64(), Some(8_082));
    assert_eq!(site.house.code.current("pq_quest"), None);
}

#[test]
fn a_check_converts_copies_and_changes_nothing() {
    let mut site = Site::new();
    site.handler
        .registry_mut()
        .unpack("processquest-1.1.0")
        .unwrap();
    let guest = site.house.enter_as("Ann");
    site.house.sim.run_ms(60_000);
    let before = site.house.state_of("Ann");
    let options = Options::default();
    let report = site
        .handler
        .check_install(&mut site.house.sim, "1.1.0", &options)
        .unwrap();
    assert_eq!(
        (report.processes["pq_player"], report.differing),
        (1, 0),
        "{report:?}"
    );
    assert!(
        report.converted >= 2 && report.script.len() == 11,
        "{report:?}"
    );
    assert_eq!(site.house.code.current("pq_player").unwrap().vsn(), "1.0.0");
    assert!(before.is_some() && !guest.is_closed());
    assert_eq!(site.handler.registry().running().vsn, "1.0.0");
}

/// A script that does nothing between two releases that differ, and one that leaves what the new release does not have.
#[test]
fn a_relup_that_leaves_the_old_release_in_force_is_refused() {
    let mut site = Site::new();
    let registry = site.handler.registry_mut();
    registry.unpack("processquest-1.1.0").unwrap();
    let relup = site.tree.root().join("releases/1.1.0/relup");
    let whole = std::fs::read_to_string(&relup).unwrap();
    let empty = r#"{"1.1.0",[{"1.0.0",[],[]}],[{"1.0.0",[],[]}]}."#;
    let refused = |site: &mut Site, vsn: &str, words: &[&str]| {
        let options = Options::default();
        let checked = site
            .handler
            .check_install(&mut site.house.sim, vsn, &options);
        for error in [checked.unwrap_err(), site.install(vsn).unwrap_err()] {
            assert!(!error.touched && error.exit() == Exit::Refused, "{error}");
            let said = error.to_string();
            for word in words {
                assert!(said.contains(word), "no {word} in {said}");
            }
        }
    };
    put(&relup, empty.as_bytes());
    let up = [
        "version 1.0.0 of pq_player",
        "no version of pq_quest",
        "--partial",
    ];
    refused(&mut site, "1.1.0", &up);
    put(&relup, whole.as_bytes());
    site.install("1.1.0").unwrap();
    put(&relup, empty.as_bytes());
    let down = [
        "version 1.1.0 of pq_player",
        "pq_quest, and release 1.0.0 has no such module",
    ];
    refused(&mut site, "1.0.0", &down);
    assert_eq!(site.handler.registry().running().vsn, "1.1.0");
}

/// The book's way up, with somebody who is called in the middle of it.
#[test]
fn a_check_tries_each_exchange_by_itself() {
    let mut site = Site::new();
    site.handler
        .registry_mut()
        .unpack("processquest-1.1.0")
        .unwrap();
    let relup = site.tree.root().join("releases/1.1.0/relup");
    let text = std::fs::read_to_string(&relup).unwrap();
    let (piece, barrier) = ("{load,{pq_enemy,", "{apply,{regis,get_names,[]}},");
    put(
        &relup,
        text.replace(piece, &format!("{barrier}{piece}")).as_bytes(),
    );
    site.house.enter_as("Ann");
    let options = Options::default();
    let report = site
        .handler
        .check_install(&mut site.house.sim, "1.1.0", &options);
    assert_eq!(report.unwrap().processes["pq_player"], 1);
    let installed = site.install("1.1.0").unwrap();
    assert_eq!((installed.processes["pq_player"], installed.killed), (1, 0));
    assert!(
        installed.bytes_loaded > 100_000,
        "two libraries: {installed:?}"
    );
    assert_eq!(
        site.install("1.0.0").unwrap().bytes_loaded,
        0,
        "they are there already"
    );
}

//! Applications: the controller and the supervision trees that it starts (`application(3)`).

use std::sync::{Arc, Mutex};

use pq_abi::spec::{self, Start, Strategy};
use pq_otp::application::{
    AppReply, AppRequest, AppSpec, Controller, LoadedApp, Settings, StartType,
};
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Atom, Pid, Reason, Term};

use crate::actor::Do;
use crate::rig::{Rig, child, tree};

/// A rig with a controller, and a list of the ends that would end the node.
struct Estate {
    rig: Rig,
    controller: Pid,
    ends: Arc<Mutex<Vec<String>>>,
}

impl Estate {
    fn new() -> Estate {
        Estate::with(Settings::new(), Settings::new())
    }

    fn with(sys_config: Settings, command_line: Settings) -> Estate {
        let (mut rig, ends) = (Rig::new(), Arc::new(Mutex::new(Vec::new())));
        let list = ends.clone();
        let on_end = Box::new(move |name: &str, reason: &Reason| {
            list.lock().unwrap().push(format!("{name}: {reason}"))
        });
        let controller = rig
            .sim
            .start_native(
                Box::new(Controller::new(sys_config, command_line, on_end)),
                60_000,
            )
            .unwrap();
        rig.call_it("controller", controller);
        Estate {
            rig,
            controller,
            ends,
        }
    }

    fn ask(&mut self, request: &AppRequest) -> AppReply {
        let reply = self
            .rig
            .sim
            .call(self.controller, &spec::encode(request), 120_000)
            .unwrap();
        spec::decode(&reply).unwrap()
    }

    /// Sends a request to the controller; returns the answer as text.
    fn say(&mut self, request: &AppRequest) -> String {
        match self.ask(request) {
            AppReply::Ok => "ok".to_string(),
            AppReply::Error(term) => term.to_string(),
            AppReply::Running(apps) => format!(
                "{:?}",
                Vec::from_iter(apps.into_iter().map(|(name, ..)| name))
            ),
            AppReply::Data(apps, _) => {
                let line = |app: &LoadedApp| {
                    let state = if app.running { "runs" } else { "is loaded" };
                    format!("{}-{} {state}", app.spec.name, app.spec.vsn)
                };
                apps.iter().map(line).collect::<Vec<_>>().join(", ")
            }
        }
    }

    fn load(&mut self, app: AppSpec) -> String {
        self.say(&AppRequest::Load(app))
    }

    fn start(&mut self, name: &str) -> String {
        self.say(&AppRequest::Start(name.to_string(), StartType::Temporary))
    }

    fn stop(&mut self, name: &str) -> String {
        self.say(&AppRequest::Stop(name.to_string()))
    }

    fn which(&mut self) -> String {
        self.say(&AppRequest::Which)
    }

    fn top(&self) -> Pid {
        self.rig
            .sim
            .processes()
            .into_iter()
            .find(|process| process.parent == Some(self.controller))
            .unwrap()
            .pid
    }
}

fn app(name: &str, top: Option<Start>, applications: &[&str]) -> AppSpec {
    AppSpec {
        name: name.to_string(),
        vsn: "1.0.0".to_string(),
        description: "a test".to_string(),
        modules: vec![],
        applications: applications.iter().map(ToString::to_string).collect(),
        callback: top.map(|top| (Atom::from_static("house"), Term::binary(spec::encode(&top)))),
        env: vec![],
    }
}

fn one_child(script: Vec<Do>) -> Start {
    tree(Strategy::OneForOne, vec![child("a", script)])
}

#[test]
fn applications_are_loaded_started_and_stopped_in_order() {
    let mut estate = Estate::new();
    assert_eq!(estate.start("a"), "{not_loaded,\"a\"}");
    assert_eq!(estate.load(app("a", Some(one_child(vec![])), &[])), "ok");
    assert_eq!(estate.load(app("a", None, &[])), "{already_loaded,\"a\"}");
    estate.load(app(
        "b",
        Some(one_child(vec![Do::Trap(true)])),
        &["lib", "a"],
    ));
    estate.load(app("lib", None, &[]));
    assert_eq!(estate.start("b"), "{not_started,\"lib\"}");
    assert_eq!(estate.start("lib"), "ok");
    assert_eq!(estate.start("b"), "{not_started,\"a\"}");
    assert_eq!(estate.start("a"), "ok");
    assert_eq!(estate.start("b"), "ok");
    assert_eq!(estate.start("b"), "{already_started,\"b\"}");
    assert_eq!(estate.which(), r#"["b", "a", "lib"]"#);
    estate.rig.lines();
    assert_eq!(estate.stop("b"), "ok");
    let lines = estate.rig.lines();
    assert!(
        lines[0].ends_with("terminate shutdown") && lines[1] == "controller house stopped",
        "{lines:?}"
    );
    assert_eq!(estate.stop("b"), "{not_started,\"b\"}");
    assert_eq!(estate.stop("a"), "ok");
    assert_eq!(estate.stop("lib"), "ok");
    assert_eq!(estate.which(), "[]");
    assert_eq!(estate.rig.sim.processes().len(), 1);
    assert_eq!(estate.start("a"), "ok");
}

#[test]
fn the_command_line_beats_sys_config_and_sys_config_beats_the_file() {
    let setting = |key: &str, value: i64| (("a".to_string(), key.to_string()), Term::from(value));
    let sys_config = Settings::from([setting("two", 2), setting("three", 2), setting("only", 2)]);
    let mut estate = Estate::with(sys_config, Settings::from([setting("three", 3)]));
    let file = ["one", "two", "three"].map(|key| (key.to_string(), Term::from(1_i64)));
    estate.load(AppSpec {
        env: file.into(),
        ..app("a", None, &[])
    });
    let env = |key: &str| {
        estate
            .rig
            .sim
            .node()
            .env("a", key)
            .and_then(|term| term.as_i64())
    };
    assert_eq!(
        ["one", "two", "three", "only", "none"].map(env),
        [Some(1), Some(2), Some(3), Some(2), None]
    );
}

#[test]
fn an_application_that_does_not_start_says_why_and_can_be_started_again() {
    let mut estate = Estate::new();
    estate.load(AppSpec {
        callback: Some((Atom::from_static("house"), Term::atom("x"))),
        ..app("a", None, &[])
    });
    estate.load(app(
        "b",
        Some(one_child(vec![Do::Stop(Term::atom("no"))])),
        &[],
    ));
    estate.load(AppSpec {
        callback: Some((Atom::from_static("nonsense"), Term::atom("x"))),
        ..app("c", None, &[])
    });
    for _ in 0..2 {
        assert_eq!(
            estate.start("a"),
            "{failed_to_start,\"a\",{refused,\"no top\"}}"
        );
        let reason = "{shutdown,{failed_to_start_child,a,no}}";
        assert_eq!(
            estate.start("b"),
            format!("{{failed_to_start,\"b\",{reason}}}")
        );
        assert_eq!(
            estate.start("c"),
            "{failed_to_start,\"c\",{undef,\"nonsense:start\"}}"
        );
    }
    assert_eq!(estate.which(), "[]");
    assert_eq!(estate.rig.sim.processes().len(), 1);
}

#[test]
fn the_end_of_an_application_is_the_nodes_end_if_it_was_started_so() {
    for (start_type, reason, ends) in [
        (StartType::Permanent, Reason::Kill, true),
        (StartType::Permanent, Reason::Shutdown, true),
        (StartType::Transient, Reason::Kill, true),
        (StartType::Transient, Reason::Shutdown, false),
        (StartType::Temporary, Reason::Kill, false),
    ] {
        let mut estate = Estate::new();
        estate.load(app("a", Some(one_child(vec![])), &[]));
        estate.say(&AppRequest::Start("a".to_string(), start_type));
        let top = estate.top();
        estate
            .rig
            .sim
            .sys(
                top,
                SysMessage::Terminate(reason.clone()),
                pq_otp::sys::TIMEOUT_MS,
            )
            .unwrap();
        estate.rig.sim.settle();
        assert_eq!(estate.which(), "[]");
        let what = format!("{start_type:?} {reason}");
        let ended = estate.ends.lock().unwrap().clone();
        assert_eq!(
            ended,
            Vec::from_iter(ends.then(|| format!("a: {reason}"))),
            "{what}"
        );
        assert_eq!(
            estate.rig.lines(),
            ["controller house starts", "controller house stopped"],
            "{what}"
        );
    }
}

#[test]
fn an_application_that_is_stopped_is_no_end_of_the_node() {
    let mut estate = Estate::new();
    estate.load(app("a", Some(one_child(vec![])), &[]));
    estate.say(&AppRequest::Start("a".to_string(), StartType::Permanent));
    assert_eq!(estate.stop("a"), "ok");
    assert_eq!(*estate.ends.lock().unwrap(), Vec::<String>::new());
}

#[test]
fn new_files_make_the_environment_anew_and_the_command_line_stays_above_them() {
    let setting = |key: &str, value: i64| (("a".to_string(), key.to_string()), Term::from(value));
    let settings = |list: &[(&str, i64)]| -> Settings {
        list.iter()
            .map(|(key, value)| setting(key, *value))
            .collect()
    };
    let mut estate = Estate::with(settings(&[("x", 1)]), settings(&[("z", 9)]));
    let file = |vsn: &str, keys: &[(&str, i64)]| AppSpec {
        name: "a".to_string(),
        vsn: vsn.to_string(),
        description: String::new(),
        modules: vec![],
        applications: vec![],
        callback: None,
        env: keys
            .iter()
            .map(|(key, value)| (key.to_string(), Term::from(*value)))
            .collect(),
    };
    assert_eq!(
        estate.load(file("1", &[("x", 0), ("y", 0), ("z", 0)])),
        "ok"
    );
    let env = |estate: &Estate| format!("{:?}", estate.rig.sim.node().env_of("a"));
    let node = estate.rig.sim.node().clone();
    node.set_env("a", "by_hand", Term::from(5_i64));
    let before = estate.ask(&AppRequest::Data);
    let change = AppRequest::ChangeData(
        vec![file("2", &[("y", 2), ("z", 2)])],
        settings(&[("w", 3)]),
    );
    assert_eq!(estate.say(&change), "ok");
    let values = |estate: &Estate| {
        let env = estate.rig.sim.node().env_of("a").into_iter();
        env.map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(values(&estate), "w=3 y=2 z=9", "{}", env(&estate));
    assert_eq!(estate.say(&AppRequest::Data), "a-2 is loaded");
    let AppReply::Data(apps, sys_config) = before else {
        panic!("{before:?}")
    };
    let specs = apps.into_iter().map(|app| app.spec).collect();
    assert_eq!(estate.say(&AppRequest::ChangeData(specs, sys_config)), "ok");
    assert_eq!(values(&estate), "x=1 y=0 z=9", "as before");
    assert_eq!(estate.say(&AppRequest::Unload("a".to_string())), "ok");
    assert_eq!(values(&estate), "");
}

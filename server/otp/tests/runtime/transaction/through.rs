//! Ways of several steps: states go through the versions in between, and each conversion has the modules and the random numbers
//! of its own step.
//!
//! Two nodes take the same walk over five versions of a server, one step after the other and several at once. The state notes
//! in each step what the module `post` of that step says, and a random number. A step down keeps the note of the newer version.

use pq_otp::Ask as _;
use pq_otp::upgrade::Through;
use pq_sdk::{
    Ctx, Export, From, Function, Functions, GenServer, InitError, Migrate, Migration, Module, Next,
    Reason, Remote, RngExt,
};
use proptest::prelude::*;
use proptest::strategy::Strategy as Strategy2;
use serde::{Deserialize, Serialize};

use super::*;

/// A message that all versions understand.
#[derive(Serialize, Deserialize, Clone, Debug)]
enum Ask {
    Tell,
    /// Adds a line to the state.
    Write(String),
}

/// A line that version 3 does not convert.
const UNKNOWN: &str = "an unknown word";

/// What the post of the current step says.
static SAYS: Remote<(), String> = Remote::new("post", "says");

/// The note of a version, in a step up to it.
fn note(vsn: &str, ctx: &mut Ctx<'_>) -> String {
    let says = SAYS.call(ctx, ());
    format!(
        "{vsn} of post {says}, dice {}",
        ctx.random_range(0..1_000_000)
    )
}

/// A version of the server, and the post of the same version. `converts` and `keeps` name the version before it.
macro_rules! version {
    ($name:ident $vsn:literal $(, $how:ident $older:ident $older_vsn:literal)?) => {
        mod $name {
            use super::*;

            #[derive(Serialize, Deserialize)]
            pub(super) struct Traveller {
                pub(super) lines: Vec<String>,
                pub(super) notes: Vec<String>,
            }

            static SAYS: Function<(), String> = Function::new("post", "says", |_, ()| $vsn.to_string());

            struct Post;

            impl Module for Post {
                const NAME: &'static str = "post";
                const VSN: &'static str = $vsn;
                const FUNCTIONS: &'static [&'static dyn Export] = &[&SAYS];
            }

            impl Functions for Post {}

            impl Module for Traveller {
                const NAME: &'static str = "traveller";
                const VSN: &'static str = $vsn;
            }

            impl GenServer for Traveller {
                type Args = ();
                type Call = Ask;
                type Cast = ();
                const MIGRATIONS: &'static [Migration] =
                    &[$(Migration::$how::<$older::Traveller, Traveller>($older_vsn))?];

                fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Self, InitError> {
                    Ok(Traveller { lines: Vec::new(), notes: Vec::new() })
                }

                fn handle_call(&mut self, ask: Ask, from: From, ctx: &mut Ctx<'_>) -> Next {
                    if let Ask::Write(line) = ask {
                        self.lines.push(line);
                    }
                    ctx.reply(from, &(&self.lines, &self.notes));
                    Next::Wait
                }
            }

            $(impl Migrate<$older::Traveller> for Traveller {
                fn up(old: $older::Traveller, ctx: &mut Ctx<'_>) -> Result<Self, Reason> {
                    let $older::Traveller { lines, mut notes } = old;
                    if $vsn == "3" && lines.iter().any(|line| line == UNKNOWN) {
                        return Err(Reason::tagged("unknown", UNKNOWN));
                    }
                    let kept = ctx.kept()?;
                    notes.push(kept.unwrap_or_else(|| note($vsn, ctx)));
                    Ok(Traveller { lines, notes })
                }

                fn down(self, ctx: &mut Ctx<'_>) -> Result<$older::Traveller, Reason> {
                    let Traveller { lines, mut notes } = self;
                    ctx.keep(&notes.pop());
                    Ok($older::Traveller { lines, notes })
                }
            })?

            pq_sdk::library! {
                application: "travel", vsn: $vsn,
                gen_server Traveller,
                functions Post,
            }
        }
    };
}

version! { v1 "1" }
version! { v2 "2", converts v1 "1" }
version! { v3 "3", converts v2 "2" }
version! { v4 "4", keeps v3 "3" }
version! { v5 "5", converts v4 "4" }

static LIBRARIES: [&LibraryTable; 5] = [
    &v1::LIBRARY,
    &v2::LIBRARY,
    &v3::LIBRARY,
    &v4::LIBRARY,
    &v5::LIBRARY,
];

/// The version whose states are those of the version before it.
const KEEPS: usize = 3;

/// A node with one server.
struct Walk {
    rig: Rig,
    server: Pid,
    version: usize,
}

impl Walk {
    fn begin() -> Walk {
        let mut rig = Rig::new();
        rig.modules.load(LIBRARIES[0]);
        let server = rig.begin("server", "traveller", &()).unwrap();
        Walk {
            rig,
            server,
            version: 0,
        }
    }

    fn tell(&mut self, ask: &Ask) -> (Vec<String>, Vec<String>) {
        let reply = self.rig.sim.call(self.server, &encode(ask), 1_000);
        rmp_serde::from_slice(&reply.unwrap()).unwrap()
    }

    /// The state as its library exports it.
    fn state(&mut self) -> String {
        let server = self.server;
        let state = self
            .rig
            .sim
            .sys(server, pq_otp::sys::SysMessage::GetState, 1_000);
        state.unwrap().to_string()
    }

    /// The versions between this one and another, in the order of the way, with the other.
    fn way(&self, to: usize) -> Vec<usize> {
        match to > self.version {
            true => (self.version + 1..=to).collect(),
            false => (to..self.version).rev().collect(),
        }
    }

    fn plan(&self, way: &[usize]) -> Plan {
        let (to, between) = way.split_last().unwrap();
        let is_up = *to > self.version;
        let conversion = |version: usize| {
            let newer = if is_up { version } else { version + 1 };
            match newer == KEEPS {
                true => Conversion::Carry,
                false => Conversion::CodeChange {
                    direction: if is_up {
                        Direction::Up
                    } else {
                        Direction::Down
                    },
                    extra: Vec::new(),
                },
            }
        };
        let through = between.iter().map(|version| {
            let modules: Arc<dyn Modules> = Arc::new(self.rig.modules.preview(LIBRARIES[*version]));
            Through {
                module: modules.current("traveller").unwrap(),
                conversion: conversion(*version),
                modules,
            }
        });
        let mut plan = plan(&self.rig.modules, (LIBRARIES[*to], UP.1), &["traveller"]);
        plan.targets[0].through = through.collect();
        plan.targets[0].conversion = conversion(*to);
        plan
    }

    fn go(&mut self, way: &[usize]) -> Result<Committed, Abort> {
        let to = *way.last().unwrap();
        let plan = self.plan(way);
        let gone = self.rig.change(plan, LIBRARIES[to], |_, _| ())?;
        self.version = to;
        Ok(gone)
    }
}

#[derive(Clone, Debug)]
enum Event {
    Go(usize),
    Try(usize),
    Write(String),
}

fn event() -> impl Strategy2<Value = Event> {
    prop_oneof![
        4 => (0..LIBRARIES.len()).prop_map(Event::Go),
        1 => (0..LIBRARIES.len()).prop_map(Event::Try),
        2 => "[a-z]{0,20}".prop_map(Event::Write),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn several_steps_at_once_are_one_upgrade_after_the_other(events in prop::collection::vec(event(), 1..20)) {
        let (mut stepwise, mut at_once) = (Walk::begin(), Walk::begin());
        // At the end, everything that was kept comes back.
        for event in events.into_iter().chain([Event::Go(0), Event::Go(LIBRARIES.len() - 1)]) {
            match event {
                Event::Go(version) => {
                    let way = at_once.way(version);
                    for step in &way {
                        stepwise.go(&[*step]).unwrap();
                    }
                    if !way.is_empty() {
                        at_once.go(&way).unwrap();
                    }
                }
                Event::Try(version) if version == at_once.version => (),
                Event::Try(version) => {
                    let way = at_once.way(version);
                    let plan = Plan { trial: true, ..at_once.plan(&way) };
                    let tried = Transaction::begin(&mut at_once.rig.sim, plan).try_all().unwrap();
                    prop_assert_eq!((tried.converted, tried.differing), (1, 0));
                }
                Event::Write(line) => {
                    stepwise.tell(&Ask::Write(line.clone()));
                    at_once.tell(&Ask::Write(line));
                }
            }
            prop_assert_eq!(stepwise.state(), at_once.state());
        }
        let (_, notes) = at_once.tell(&Ask::Tell);
        let begins = |vsn: &str| notes.iter().any(|note| note.starts_with(&format!("{vsn} of post {vsn}, ")));
        prop_assert!(["2", "3", "5"].into_iter().all(begins), "{:?}", notes);
    }
}

#[test]
fn a_step_that_fails_is_named_and_nothing_has_changed() {
    let mut walk = Walk::begin();
    walk.tell(&Ask::Write(UNKNOWN.to_string()));
    let before = walk.state();
    let abort = walk.go(&[1, 2, 3, 4]).unwrap_err();
    let Abort::Convert(failed) = &abort else {
        panic!("{abort}")
    };
    let step = failed.step.map(|(from, to)| (from.vsn(), to.vsn()));
    assert_eq!(step, Some(("2", "3")));
    let text = abort.to_string();
    assert!(
        text.contains("from traveller-1 to traveller-5, in the step from 2 to 3"),
        "{text}"
    );
    assert_eq!(walk.state(), before);
    walk.go(&[1]).unwrap();
}

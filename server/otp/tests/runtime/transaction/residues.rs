//! Residues: walks over the versions of a server and of the handlers of an event manager, by short and long ways, with
//! changes of the states in between, compared with a simple model.
//!
//! Version `n` has the parts 0 to `n`. Each step down keeps the part that the older version does not have, and each
//! step up gives the part back.

use pq_abi::spec::ManagerReply;
use pq_otp::Ask as _;
use pq_otp::sys::SysMessage;
use pq_sdk::{
    Ctx, From, GenEvent, GenServer, Handled, InitError, Migrate, Migration, Next, Reason,
};
use proptest::prelude::*;
use proptest::strategy::Strategy as Strategy2;
use serde::{Deserialize, Serialize};

use super::*;

const VSNS: [&str; 5] = ["1", "2", "3", "4", "5"];

/// The parts of a state of version `N`: that of a server, or of the handler with the number `WHICH`.
#[derive(Serialize, Deserialize)]
struct Parts<const WHICH: usize, const N: usize>(Vec<String>);

const NAMES: [&str; 3] = ["walker", "left_ear", "right_ear"];

/// A message that all versions understand.
#[derive(Serialize, Deserialize, Clone, Debug)]
enum Ask {
    Tell,
    /// Changes a part of the state.
    Set(usize, String),
}

/// The initial value of a part.
fn fresh(part: usize) -> String {
    format!("part {part}")
}

impl<const WHICH: usize, const N: usize> pq_sdk::Module for Parts<WHICH, N> {
    const NAME: &'static str = NAMES[WHICH];
    const VSN: &'static str = VSNS[N];
}

impl<const WHICH: usize, const N: usize> Parts<WHICH, N> {
    fn begin() -> Self {
        Parts((0..=N).map(fresh).collect())
    }

    fn answer(&mut self, ask: Ask, from: From, ctx: &mut Ctx<'_>) {
        if let Ask::Set(part, text) = ask
            && let Some(own) = self.0.get_mut(part)
        {
            *own = text;
        }
        ctx.reply(from, &self.0);
    }

    const WAYS: &'static [Migration] = &[
        Migration::converts::<Parts<WHICH, 0>, Self>(VSNS[0]),
        Migration::converts::<Parts<WHICH, 1>, Self>(VSNS[1]),
        Migration::converts::<Parts<WHICH, 2>, Self>(VSNS[2]),
        Migration::converts::<Parts<WHICH, 3>, Self>(VSNS[3]),
    ];
}

/// A conversion over several versions consists of its steps.
impl<const WHICH: usize, const M: usize, const N: usize> Migrate<Parts<WHICH, M>>
    for Parts<WHICH, N>
{
    fn up(Parts(mut parts): Parts<WHICH, M>, ctx: &mut Ctx<'_>) -> Result<Self, Reason> {
        for (step, vsn) in VSNS.iter().enumerate().take(N + 1).skip(M + 1) {
            let kept = match step == N {
                true => ctx.kept()?,
                false => ctx.acting_as(vsn, |ctx| ctx.kept())?,
            };
            parts.push(kept.unwrap_or_else(|| fresh(step)));
        }
        Ok(Parts(parts))
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<Parts<WHICH, M>, Reason> {
        let Parts(mut parts) = self;
        while parts.len() > M + 1 {
            let (step, part) = (parts.len() - 1, parts.pop());
            match step == N {
                true => ctx.keep(&part),
                false => ctx.acting_as(VSNS[step], |ctx| ctx.keep(&part)),
            }
        }
        Ok(Parts(parts))
    }
}

impl<const N: usize> GenServer for Parts<0, N> {
    type Args = ();
    type Call = Ask;
    type Cast = ();
    const MIGRATIONS: &'static [Migration] = Self::WAYS;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Self, InitError> {
        Ok(Self::begin())
    }

    fn handle_call(&mut self, ask: Ask, from: From, ctx: &mut Ctx<'_>) -> Next {
        self.answer(ask, from, ctx);
        Next::Wait
    }
}

impl<const WHICH: usize, const N: usize> GenEvent for Parts<WHICH, N> {
    type Args = ();
    type Event = ();
    type Call = Ask;
    const MIGRATIONS: &'static [Migration] = Self::WAYS;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Self, InitError> {
        Ok(Self::begin())
    }

    fn handle_event(&mut self, (): (), _ctx: &mut Ctx<'_>) -> Handled {
        Handled::Ok
    }

    fn handle_call(&mut self, ask: Ask, from: From, ctx: &mut Ctx<'_>) -> Handled {
        self.answer(ask, from, ctx);
        Handled::Ok
    }
}

macro_rules! versions {
    ($($version:ident $n:literal),*) => {
        $(mod $version {
            use super::Parts;

            pq_sdk::library! {
                application: "walk", vsn: "1",
                gen_server Parts<0, $n>,
                gen_event Parts<1, $n>,
                gen_event Parts<2, $n>,
            }
        })*

        static LIBRARIES: [&LibraryTable; VSNS.len()] = [$(&$version::LIBRARY),*];
    };
}
versions! { v1 0, v2 1, v3 2, v4 3, v5 4 }

/// A rig with a server, and an event manager with two handlers, all of the first version.
struct Walk {
    rig: Rig,
    server: Pid,
    manager: Pid,
    version: usize,
    /// The parts that each of the three states would have in the last version.
    model: [Vec<String>; 3],
}

impl Walk {
    fn begin() -> Walk {
        let mut rig = Rig::new();
        rig.modules.load(LIBRARIES[0]);
        let server = rig.begin("server", NAMES[0], &()).unwrap();
        let manager = rig.begin("manager", "bell", &()).unwrap();
        for handler in &NAMES[1..] {
            let add = ManagerRequest::AddHandler(Atom::from_static(handler), encode(&()));
            rig.sim.call(manager, &spec::encode(&add), 1_000).unwrap();
        }
        let model = [(); 3].map(|()| (0..VSNS.len()).map(fresh).collect());
        Walk {
            rig,
            server,
            manager,
            version: 0,
            model,
        }
    }

    fn tell(&mut self, which: usize, ask: &Ask) -> Vec<String> {
        let reply = match which {
            0 => self.rig.sim.call(self.server, &encode(ask), 1_000),
            _ => {
                let handler = Atom::from_static(NAMES[which]);
                let request = ManagerRequest::Call(handler, encode(ask));
                self.rig
                    .sim
                    .call(self.manager, &spec::encode(&request), 1_000)
            }
        };
        rmp_serde::from_slice(&reply.unwrap()).unwrap()
    }

    fn play(&mut self, which: usize, part: usize, text: &str) {
        self.tell(which, &Ask::Set(part, text.to_string()));
        if part <= self.version {
            self.model[which][part] = text.to_string();
        }
    }

    fn plan_to(&self, version: usize) -> Plan {
        let direction = match version > self.version {
            true => Direction::Up,
            false => Direction::Down,
        };
        plan(&self.rig.modules, (LIBRARIES[version], direction), &NAMES)
    }

    fn go(&mut self, version: usize) -> Result<Committed, Abort> {
        let plan = self.plan_to(version);
        let gone = self.rig.change(plan, LIBRARIES[version], |_, _| ())?;
        self.version = version;
        Ok(gone)
    }

    /// Changes the version of the server alone, by system messages.
    fn go_by_hand(&mut self, version: usize) {
        let change = SysMessage::ChangeCode {
            module: NAMES[0].to_string(),
            direction: if version > self.version {
                Direction::Up
            } else {
                Direction::Down
            },
            vsn: VSNS[version.min(self.version)].to_string(),
            extra: Vec::new(),
        };
        self.rig.modules.load(LIBRARIES[version]);
        for message in [SysMessage::Suspend, change, SysMessage::Resume] {
            let reply = self
                .rig
                .sim
                .sys(self.server, message, pq_otp::sys::TIMEOUT_MS)
                .unwrap();
            assert_eq!(reply.to_string(), "ok");
        }
        self.version = version;
    }

    fn is_as_the_model(&mut self) {
        for (which, name) in NAMES.iter().enumerate() {
            let (told, all) = (self.tell(which, &Ask::Tell), &self.model[which]);
            assert_eq!(
                told,
                all[..=self.version],
                "{name} in version {}",
                VSNS[self.version]
            );
        }
    }
}

#[derive(Clone, Debug)]
enum Event {
    Go(usize),
    Try(usize),
    Play {
        which: usize,
        part: usize,
        text: String,
    },
}

fn event() -> impl Strategy2<Value = Event> {
    prop_oneof![
        4 => (0..VSNS.len()).prop_map(Event::Go),
        1 => (0..VSNS.len()).prop_map(Event::Try),
        3 => (0_usize..3, 0..VSNS.len(), "[a-z]{0,20}").prop_map(|(which, part, text)| Event::Play { which, part, text }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_over_versions_loses_nothing_that_is_kept(events in prop::collection::vec(event(), 1..25)) {
        let mut walk = Walk::begin();
        for event in events.into_iter().chain([Event::Go(0), Event::Go(VSNS.len() - 1)]) {
            match event {
                Event::Go(version) if version == walk.version => (),
                Event::Go(version) => drop(walk.go(version).unwrap()),
                Event::Try(version) if version == walk.version => (),
                Event::Try(version) => {
                    let plan = Plan { trial: true, ..walk.plan_to(version) };
                    let tried = Transaction::begin(&mut walk.rig.sim, plan).try_all().unwrap();
                    prop_assert_eq!((tried.converted, tried.differing), (2, 0));
                }
                Event::Play { which, part, text } => walk.play(which, part, &text),
            }
            walk.is_as_the_model();
        }
    }
}

#[test]
fn one_step_after_another_down_and_up_again_is_nothing_at_all() {
    let mut walk = Walk::begin();
    let top = VSNS.len() - 1;
    walk.go(top).unwrap();
    for which in 0..NAMES.len() {
        for part in 0..=top {
            walk.play(which, part, &format!("{which} has played {part}"));
        }
    }
    for version in (0..top).rev().chain(1..=top) {
        walk.go(version).unwrap();
        walk.is_as_the_model();
    }
}

#[test]
fn what_is_kept_stays_where_states_are_carried() {
    let mut walk = Walk::begin();
    walk.go(1).unwrap();
    walk.play(0, 1, "before");
    walk.go(0).unwrap();
    // `load_module` of the running version: the state is exported and imported without a conversion.
    let mut plan = walk.plan_to(0);
    plan.targets
        .iter_mut()
        .for_each(|target| target.conversion = Conversion::Carry);
    walk.rig.change(plan, LIBRARIES[0], |_, _| ()).unwrap();
    walk.go(1).unwrap();
    walk.is_as_the_model();
}

#[test]
fn a_conversion_by_system_messages_keeps_and_gives_back_as_well() {
    let mut walk = Walk::begin();
    for version in [2, 1, 0, 2] {
        walk.go_by_hand(version);
        if version == 2 && walk.model[0][2] == fresh(2) {
            walk.play(0, 2, "by hand");
        }
        let told = walk.tell(0, &Ask::Tell);
        assert_eq!(told, walk.model[0][..=version]);
    }
    assert_eq!(walk.model[0][2], "by hand");
}

#[test]
fn a_way_down_that_would_lose_something_is_refused() {
    let mut walk = Walk::begin();
    walk.go(2).unwrap();
    walk.play(2, 2, &"x".repeat(70_000));
    let abort = walk.go(1).unwrap_err();
    let Abort::Convert(failed) = &abort else {
        panic!("{abort}")
    };
    assert_eq!(failed.pid, walk.manager);
    assert!(
        failed.reason.to_string().contains("65536 is the maximum"),
        "{}",
        failed.reason
    );
    walk.is_as_the_model();
    walk.play(2, 2, "short enough");
    walk.go(0).unwrap();
    walk.go(2).unwrap();
    walk.is_as_the_model();
}

#[test]
fn a_handler_that_goes_takes_what_was_kept_for_it_along() {
    let mut walk = Walk::begin();
    walk.go(1).unwrap();
    walk.play(1, 1, "gone");
    walk.play(2, 1, "stays");
    walk.go(0).unwrap();
    let handler = Atom::from_static(NAMES[1]);
    for request in [
        ManagerRequest::DeleteHandler(handler),
        ManagerRequest::AddHandler(handler, encode(&())),
    ] {
        let reply = walk
            .rig
            .sim
            .call(walk.manager, &spec::encode(&request), 1_000)
            .unwrap();
        assert_eq!(
            spec::decode::<ManagerReply>(&reply).unwrap(),
            ManagerReply::Ok
        );
    }
    walk.model[1][1] = fresh(1);
    walk.go(1).unwrap();
    walk.is_as_the_model();
}

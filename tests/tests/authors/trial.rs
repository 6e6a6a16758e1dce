//! The trial of an author: a new field, a new module and a new child for each hero, from the scaffold to an installed release
//! under three clients.

use pq_tests::campaign::length;
use pq_tests::running::{PATIENCE, Player, Tree};

use crate::authors::desk::Desk;
use crate::comeback::player::with_word;

/// The lines that the author writes by hand, at most.
const LINES_MAX: usize = 150;

/// A place in a file that the scaffold has written, and the author's text there.
struct Edit {
    file: &'static str,
    from: &'static str,
    to: &'static str,
}

const PLAYER: &str = "game-plugins/processquest-1.3.0/src/pq_player.rs";
const SUP: &str = "game-plugins/processquest-1.3.0/src/pq_sup.rs";
const PET: &str = "game-plugins/processquest-1.3.0/src/pq_pet.rs";
const MIGRATE: &str = "game-plugins/processquest-1.3.0/src/migrate.rs";

/// A hero has a pet, a process of its own, and gives it a treat for each kill.
const EDITS: [Edit; 15] = [
    Edit {
        file: PET,
        from: "use pq_sdk::{Ctx, From, GenServer, InitError, Module, Next};\n",
        to: "use pq_sdk::{Ctx, GenServer, InitError, Module, Next, Reason, Term, regis};\n",
    },
    Edit {
        file: PLAYER,
        from: "use serde::",
        to: "use pq_sdk::{SupRequest, Term, regis};\nuse serde::",
    },
    Edit {
        file: PLAYER,
        from: "type Older",
        to: "use crate::pq_pet::{Treat, pet_name};\n\ntype Older",
    },
    Edit {
        file: PLAYER,
        from: "    // New fields: each gets its value in `init` and in `migrate.rs`.\n",
        to: "    /// The treats that the hero has given its pet.\n    pub treats: u64,\n",
    },
    Edit {
        file: PLAYER,
        from: "Ok((Player { old }, next))",
        to: "Ok((Player { old, treats: 0 }, next))",
    },
    Edit {
        file: PLAYER,
        from: "        self.old.handle_event(state, event, ctx)",
        to: "        if let (State::Killing, Event::Kill) = (state, &event) {\n            self.feed(ctx);\n        }\n        \
             self.old.handle_event(state, event, ctx)",
    },
    Edit {
        file: PLAYER,
        from: "impl GenFsm for Player {",
        to: "impl Player {\n    /// A hero that was born in an older version has no pet yet, and asks its supervisor for it.\n    \
             fn feed(&mut self, ctx: &mut Ctx<'_>) {\n        let name = pet_name(&self.old.hero.name);\n        \
             match (regis::whereis(ctx, name), ctx.parent()) {\n            (Some(pet), _) => {\n                \
             self.treats += 1;\n                ctx.cast(pet, &Treat {});\n            }\n            \
             (None, Some(supervisor)) => {\n                let pet = SupRequest::RestartChild(Term::atom(\"pet\"));\n                \
             ctx.ask_supervisor(supervisor, &pet, 5_000);\n            }\n            (None, None) => (),\n        }\n    }\n}\n\n\
             impl GenFsm for Player {",
    },
    Edit {
        file: MIGRATE,
        from: "    fn up(old: OldPlayer, _ctx",
        to: "    fn up(old: OldPlayer, ctx",
    },
    Edit {
        file: MIGRATE,
        from: "        Ok(Player { old })",
        to: "        let treats = ctx.kept()?.unwrap_or_default();\n        Ok(Player { old, treats })",
    },
    Edit {
        file: MIGRATE,
        from: "    fn down(self, _ctx",
        to: "    fn down(self, ctx",
    },
    Edit {
        file: MIGRATE,
        from: "        Ok(self.old)",
        to: "        ctx.keep(&self.treats);\n        Ok(self.old)",
    },
    Edit {
        file: SUP,
        from: "use pq_sdk::supervisor::Supervisor;\nuse pq_sdk::{Export, InitError, Module, SupSpec};\n",
        to: "use pq_sdk::supervisor::{Refine, Supervisor, worker};\nuse pq_sdk::{Export, InitError, Module, Restart, SupSpec};\n\n\
             use crate::pq_pet::PqPet;\n",
    },
    Edit {
        file: SUP,
        from: "        <Older as Supervisor>::init(args)\n",
        to: "        let pet = worker::<PqPet>(\"pet\", &(&args.0,)).restart(Restart::Temporary);\n        \
             let mut spec = <Older as Supervisor>::init(args)?;\n        spec.children.push(pet);\n        Ok(spec)\n",
    },
    Edit {
        file: PET,
        from: "pub struct PqPet {}\n",
        to: "pub struct PqPet {\n    /// The treats that the pet has eaten.\n    pub eaten: u64,\n}\n\n/// A treat of the hero.\n\
             #[derive(Serialize, Deserialize)]\npub struct Treat {}\n\n/// The name of a hero's pet in the registry.\n\
             pub fn pet_name(hero: &str) -> Term {\n    Term::tuple([Term::atom(\"pet\"), Term::string(hero)])\n}\n",
    },
    Edit {
        file: PET,
        from: PET_SERVER,
        to: "    type Args = (String,);\n    type Call = ();\n    type Cast = Treat;\n\n    \
             fn init((hero,): (String,), ctx: &mut Ctx<'_>) -> Result<PqPet, InitError> {\n        \
             // A second pet of a hero would be a mistake: its start fails.\n        \
             regis::register(ctx, pet_name(&hero)).map_err(|_| Reason::tagged(\"name_taken\", &hero))?;\n        \
             Ok(PqPet { eaten: 0 })\n    }\n\n    \
             fn handle_cast(&mut self, _treat: Treat, _ctx: &mut Ctx<'_>) -> Next {\n        self.eaten += 1;\n        \
             Next::Wait\n    }\n",
    },
];

const PET_SERVER: &str = "    type Args = ();
    type Call = ();
    type Cast = ();

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<PqPet, InitError> {
        Ok(PqPet {})
    }

    fn handle_call(&mut self, (): (), from: From, ctx: &mut Ctx<'_>) -> Next {
        ctx.reply(from, &());
        Next::Wait
    }
";

/// The first number behind a key in the text of a state.
fn number_after(state: &str, key: &str) -> Option<u64> {
    let (_, rest) = state.split_once(key)?;
    let digits: String = rest
        .chars()
        .skip_while(|c| !c.is_ascii_digit())
        .take_while(char::is_ascii_digit)
        .collect();
    digits.parse().ok()
}

fn treats(tree: &Tree, name: &str) -> Option<u64> {
    number_after(&tree.state_of(name), "treats")
}

#[test]
fn a_version_of_ones_own_takes_four_commands_and_is_installed_under_three_clients() {
    // The libraries of a whole release take minutes to build: `.ci/full authors`.
    if !length(false, true) {
        return;
    }
    let tree = Tree::with_third();
    let node = tree.starts_third(&[]);
    let names = ["Ann", "Bob", "Eve"];
    let mut players = names.map(|name| with_word(&node, name, "open sesame"));
    let desk = Desk::of_project();
    let root = tree.root().display();

    desk.does("pq new 1.3.0 --module pq_player --module pq_sup --new pq_pet");
    let mut lines = 0;
    for Edit { file, from, to } in EDITS {
        desk.edit(file, from, to);
        lines += to.lines().count();
    }
    assert!(lines <= LINES_MAX, "{lines} lines by hand");
    let said = desk.does(&format!("pq release 1.3.0 --root {root}"));
    assert!(said.contains("installs    from 1.2.0"), "{said}");
    desk.does(&format!("pq unpack processquest-1.3.0 --root {root}"));
    desk.does(&format!("pq install 1.3.0 --root {root}"));

    for name in names {
        let fed = node.poll(PATIENCE, || {
            treats(&tree, name).filter(|treats| *treats > 1)
        });
        assert!(fed.is_some(), "{name} has no pet: {}", tree.state_of(name));
    }
    Player::all_play_on(&mut players);
    // The pets run a module that 1.2.0 does not have, and no appup can end children of supervisors without names.
    let refused = tree.refuses(&["install", "1.2.0"], 3);
    assert!(refused.contains("`pq_pet` is removed"), "{refused}");
    Player::all_play_on(&mut players);
    let mut complaints = node.complaints();
    complaints.retain(|line| !line.contains("`pq_pet` is removed"));
    assert_eq!(complaints, [""; 0]);
    with_word(&node, "Zoe", "open sesame").plays_on();
}

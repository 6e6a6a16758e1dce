//! A conversion at a boot gets the argument `Extra` of the appup, up and down.

use std::sync::Arc;

use pq_code::CodeServer;
use pq_otp::moved::{Moving, PutIn, Subtree};
use pq_otp::spec::Start;
use pq_otp::sys::SysMessage;
use pq_otp::{Ask, Atom, Config, Direction, Sim, Term};
use pq_saves::{Extra, Opening, Version};

/// How long an answer may take on the virtual clock.
const PATIENCE_MS: u64 = 10_000;

/// Two versions of a server whose state is a number.
mod older {
    use pq_sdk::{Ctx, From, GenServer, InitError, Module, Next};
    use serde::{Deserialize, Serialize};

    pq_sdk::library! { application: "bank", vsn: "1.0.0", gen_server Account }

    #[derive(Serialize, Deserialize)]
    pub(super) struct Account {
        pub(super) cents: u64,
    }

    impl Module for Account {
        const NAME: &'static str = "account";
        const VSN: &'static str = "1.0.0";
    }

    impl GenServer for Account {
        type Args = (u64,);
        type Call = ();
        type Cast = ();

        fn init((cents,): (u64,), _: &mut Ctx<'_>) -> Result<Account, InitError> {
            Ok(Account { cents })
        }

        fn handle_call(&mut self, (): (), _: From, _: &mut Ctx<'_>) -> Next {
            Next::Wait
        }
    }
}

mod newer {
    use pq_sdk::{Ctx, From, GenServer, InitError, Migrate, Migration, Module, Next, Reason};
    use serde::{Deserialize, Serialize};

    use super::older;

    pq_sdk::library! { application: "bank", vsn: "2.0.0", gen_server Account }

    /// The state and the last `Extra`.
    #[derive(Serialize, Deserialize)]
    struct Account {
        cents: u64,
        extra: Option<u64>,
    }

    impl Module for Account {
        const NAME: &'static str = "account";
        const VSN: &'static str = "2.0.0";
    }

    impl GenServer for Account {
        type Args = (u64,);
        type Call = ();
        type Cast = ();
        const MIGRATIONS: &'static [Migration] =
            &[Migration::converts::<older::Account, Account>("1.0.0")];

        fn init((cents,): (u64,), _: &mut Ctx<'_>) -> Result<Account, InitError> {
            Ok(Account { cents, extra: None })
        }

        fn handle_call(&mut self, (): (), _: From, _: &mut Ctx<'_>) -> Next {
            Next::Wait
        }
    }

    impl Migrate<older::Account> for Account {
        fn up(older: older::Account, ctx: &mut Ctx<'_>) -> Result<Account, Reason> {
            // An appup without an argument gives an empty list.
            let extra = ctx.extra::<u64>().ok().flatten();
            let cents = older.cents;
            Ok(Account { cents, extra })
        }

        fn down(self, ctx: &mut Ctx<'_>) -> Result<older::Account, Reason> {
            let fee = ctx.extra::<u64>().ok().flatten().unwrap_or_default();
            let cents = self.cents - fee;
            Ok(older::Account { cents })
        }
    }
}

/// A node with both versions; those of `is_newer` are current.
fn node(is_newer: bool) -> (Sim, Vec<Version>, Arc<CodeServer>) {
    let code = Arc::new(CodeServer::new());
    let libraries =
        [&older::LIBRARY, &newer::LIBRARY].map(|table| code.link_library(table).unwrap());
    code.make_all_current(libraries[usize::from(is_newer)])
        .unwrap();
    let mut versions = Vec::new();
    for library in code.libraries() {
        for (module, entry) in library.modules.iter().zip(library.entries) {
            let declared = entry.declared.unwrap_or_default();
            versions.push(Version {
                module: *module,
                converts: declared.converts,
                keeps: declared.keeps,
                extras: Vec::new(),
            });
        }
    }
    (Sim::new(Config::new(code.clone())), versions, code)
}

/// The state of a server that comes from these bytes.
fn opened(is_newer: bool, bytes: &[u8], extras: &[Extra]) -> (String, Vec<u8>) {
    let (mut sim, mut versions, _code) = node(is_newer);
    for version in &mut versions {
        if version.module.vsn() == "2.0.0" {
            version.extras = extras.to_vec();
        }
    }
    let put = PutIn {
        subtree: Subtree::from_bytes(bytes).unwrap(),
        under: None,
        opens: Arc::new(Opening::new(versions)),
    };
    let pid = sim.put_in(put, PATIENCE_MS).unwrap();
    let state = sim.sys(pid, SysMessage::GetState, PATIENCE_MS).unwrap();
    let copy = sim.copy_out(pid, PATIENCE_MS).unwrap();
    (state.to_string(), copy.to_bytes())
}

fn extra(direction: Direction, number: i64) -> Extra {
    Extra {
        direction,
        older: "1.0.0".to_string(),
        bytes: pq_term::msgpack::to_plain_msgpack(&Term::from(number)),
    }
}

#[test]
fn a_saved_state_is_converted_with_the_extra_of_the_appup_in_each_direction() {
    let (mut sim, _, _code) = node(false);
    let args = pq_term::msgpack::list_to_msgpack(&[Term::from(100)]);
    let module = Atom::from_static("account");
    let pid = sim.start(Start { module, args }).unwrap();
    let saved = sim.copy_out(pid, PATIENCE_MS).unwrap().to_bytes();
    let both = [extra(Direction::Up, 7), extra(Direction::Down, 30)];
    let (state, above) = opened(true, &saved, &both);
    assert_eq!(state, "#{cents => 100,extra => 7}");
    let (state, _) = opened(false, &above, &both);
    assert_eq!(state, "#{cents => 70}");
    let (state, _) = opened(true, &saved, &[]);
    assert_eq!(state, "#{cents => 100,extra => undefined}");
}

//! The application: its start, and the three requests that others may make of it.
//!
//! In the book these wait for their result. Here a request is an effect like any other: each function
//! returns a [`RequestId`] at once, and the result comes to the *calling process* as
//! [`pq_sdk::Info::Response`] with that id. Called by `sockserv` and by the operator.

use pq_sdk::application::Application;
use pq_sdk::regis::{self, RegisterError};
use pq_sdk::supervisor::{self, TopSupervisor};
use pq_sdk::{
    Atom, Ctx, Export, Function, InitError, Module, Pid, Reason, RequestId, SupRequest, Term,
};
use pq_words::{Name, Opts};

use crate::pq_supersup::PqSupersup;

/// How long the caller waits for a hero to be started or for a handler to be added: the default of
/// `gen_server:call/2`, which the book's functions use.
const REQUEST_TIMEOUT_MS: u64 = 5_000;

/// How long the caller waits for a hero to be stopped: `pq_sup` gives the player 2 000 ms and the event
/// manager 5 000 ms, and 3 000 more are for everybody else who wants something of `pq_supersup`.
const STOP_TIMEOUT_MS: u64 = 10_000;

/// The pid that no process ever has; a request to it is answered with `noproc`.
const NOBODY: Pid = Pid::from_raw(0);

/// The application's callback module.
pub struct Processquest;

impl Module for Processquest {
    const NAME: &'static str = "processquest";
    const VSN: &'static str = "1.0.0";
    const FUNCTIONS: &'static [&'static dyn Export] = &[&START_PLAYER, &STOP_PLAYER, &SUBSCRIBE];
}

impl Application for Processquest {
    fn start(_args: Term, _ctx: &mut Ctx<'_>) -> Result<TopSupervisor, Reason> {
        Ok(supervisor::start::<PqSupersup>(&()))
    }
}

/// `start_player(Name, Opts)`: a new hero of that name, with the parts of its state that `Opts` gives.
///
/// The response is a [`pq_sdk::SupReply`]: `Started(Some(pid))` with the pid of the hero's `pq_sup`, which
/// [`STOP_PLAYER`] wants, or `Error` with the reason of the process that could not start; `name_taken`
/// is inside it when there is a hero of that name. It is `noproc` while the application does not run.
pub static START_PLAYER: Function<(Name, Opts), RequestId> =
    Function::new("processquest", "start_player", |ctx, player| {
        let supersup = supersup(ctx);
        ctx.start_child(supersup, &player, REQUEST_TIMEOUT_MS)
    });

/// `stop_player(Sup)`: ends the hero under this `pq_sup`, and with it its name and its event manager.
///
/// `Sup` is what [`START_PLAYER`] answered; who has only the name asks the hero itself
/// ([`crate::pq_player::Call::Supervisor`]). The response is a [`pq_sdk::SupReply`]: `Ok`, or `Error` with
/// `not_found` when no such hero runs.
pub static STOP_PLAYER: Function<(Pid,), RequestId> =
    Function::new("processquest", "stop_player", |ctx, (sup,)| {
        let supersup = supersup(ctx);
        ctx.ask_supervisor(supersup, &SupRequest::TerminatePid(sup), STOP_TIMEOUT_MS)
    });

/// `subscribe(Name, Handler, Args)`: adds a handler of module `Handler` to the hero's event manager.
///
/// `Args` is what the handler's `init` reads: a list where that takes a tuple. The response is a
/// [`pq_sdk::ManagerReply`]; it is `noproc` when there is no hero of that name.
pub static SUBSCRIBE: Function<(Name, Atom, Term), RequestId> =
    Function::new("processquest", "subscribe", |ctx, (name, handler, args)| {
        let manager = regis::whereis(ctx, events_name(&name)).unwrap_or(NOBODY);
        ctx.add_handler(manager, handler, &args, REQUEST_TIMEOUT_MS)
    });

/// The name of a hero's event manager in the registry: `{events, Name}`.
pub fn events_name(name: &str) -> Term {
    Term::tuple([Term::atom("events"), Term::string(name)])
}

/// Registers the process that is starting, or stops its start: with `name_taken` when another one has
/// the name.
pub fn register(ctx: &mut Ctx<'_>, name: Term) -> Result<(), InitError> {
    regis::register(ctx, name).map_err(|error| InitError::Stop(reason(error)))
}

fn reason(error: RegisterError) -> Reason {
    match error {
        RegisterError::NameTaken(_) => Reason::Other(Term::atom("name_taken")),
        RegisterError::AlreadyNamed(_) => Reason::Other(Term::atom("already_named")),
        RegisterError::Dead => Reason::NoProc,
    }
}

fn supersup(ctx: &mut Ctx<'_>) -> Pid {
    ctx.whereis(PqSupersup::REGISTERED).unwrap_or(NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_sdk::pq_abi::host::linked_library;

    /// The value of a key in `processquest.app`.
    fn of_app(key: &str) -> Term {
        let app = pq_term::read_one(include_str!("../processquest.app")).unwrap();
        let keys = app.as_tuple().unwrap()[2].as_list().unwrap();
        let pair = keys
            .iter()
            .map(|pair| pair.as_tuple().unwrap())
            .find(|pair| pair[0].is_atom(key));
        pair.unwrap()[1].clone()
    }

    #[test]
    fn the_app_file_lists_every_module_of_the_library() {
        let modules = linked_library(&crate::LIBRARY).unwrap();
        let names: Vec<&str> = modules.iter().map(|module| module.name()).collect();
        assert_eq!(
            of_app("modules").to_string(),
            format!("[{}]", names.join(","))
        );
        assert!(modules.iter().all(|module| module.vsn() == "1.0.0"));
    }

    #[test]
    fn the_app_file_says_where_the_application_begins() {
        assert_eq!(of_app("vsn").to_string(), "\"1.0.0\"");
        assert_eq!(
            of_app("mod").to_string(),
            format!("{{{},[]}}", Processquest::NAME)
        );
        assert_eq!(
            of_app("registered").to_string(),
            format!("[{}]", PqSupersup::REGISTERED)
        );
        assert_eq!(
            of_app("applications").to_string(),
            "[stdlib,kernel,regis,crypto]"
        );
    }

    #[test]
    fn a_taken_name_says_just_that() {
        let taken = reason(RegisterError::NameTaken(Pid::new(0, 1, 2)));
        assert_eq!(taken, Reason::Other(Term::atom("name_taken")));
    }

    #[test]
    fn an_event_manager_is_registered_as_events_of_its_hero() {
        assert_eq!(events_name("Gandalf").to_string(), "{events,\"Gandalf\"}");
    }
}

//! The functions `regis:register/2`, `unregister/1`, `whereis/1`, `get_names/0` and `sweep/0`, from any thread.

use std::sync::Arc;

use pq_otp::{Config, Pid, Reason, Service, ServiceCall, Term};
use pq_term::msgpack::{self, DecodeError};
use regis::{Regis, RegisterError};

/// The names of a node.
pub type Names = Arc<Regis<Term, Pid>>;

/// Gives a node its registry: the service, and the hook that frees the names of the dead.
pub fn install(config: &mut Config) -> Names {
    let names: Names = Arc::new(Regis::new());
    let hook = names.clone();
    config.services.insert(
        "regis",
        Arc::new(Registry {
            names: names.clone(),
        }),
    );
    config.exited = Some(Box::new(move |pid| drop(hook.exited(pid))));
    names
}

struct Registry {
    names: Names,
}

impl Service for Registry {
    fn call(&self, call: ServiceCall<'_>) -> Result<Vec<u8>, Reason> {
        match call.function {
            "register" => match args(&call)? {
                [name, Term::Pid(pid)] => self.register(call, name, pid),
                _ => Err(undef(&call)),
            },
            "whereis" => args(&call).map(|[name]| self.whereis(&name)),
            "unregister" => args(&call).map(|[name]| self.unregister(&name)),
            _ => self.about_all(&call),
        }
    }
}

impl Registry {
    fn register(&self, call: ServiceCall<'_>, name: Term, pid: Pid) -> Result<Vec<u8>, Reason> {
        if pid != call.caller {
            let why = "a process can register only itself";
            return Err(Reason::tagged("badarg", why));
        }
        let is_alive = |pid| call.node.is_alive(pid);
        let outcome = self.names.register_alive(name, pid, is_alive);
        *call.holds_name |= outcome.is_ok();
        Ok(outcome.map_or_else(refusal, |()| msgpack::OK.to_vec()))
    }

    fn whereis(&self, name: &Term) -> Vec<u8> {
        let holder = self.names.whereis(name);
        msgpack::to_msgpack(&holder.map_or(Term::undefined(), Term::from))
    }

    fn unregister(&self, name: &Term) -> Vec<u8> {
        self.names.unregister(name);
        msgpack::OK.to_vec()
    }

    /// The functions that take no argument; a caller may also write that as `undefined`, which is Rust's `()`.
    fn about_all(&self, call: &ServiceCall<'_>) -> Result<Vec<u8>, Reason> {
        let answer = match (call.function, arity(call)?) {
            ("get_names", 0) => Term::list(self.names.get_names()),
            ("sweep", 0) => Term::from(self.sweep(call) as i64),
            _ => return Err(undef(call)),
        };
        Ok(msgpack::to_msgpack(&answer))
    }

    /// Frees the names of processes that do not live; there are none unless the hook has a bug.
    fn sweep(&self, call: &ServiceCall<'_>) -> u64 {
        let dead = self.names.get_names().into_iter().filter_map(|name| {
            let owner = self.names.whereis(&name)?;
            (!call.node.is_alive(owner)).then(|| self.names.unregister_if(&name, owner))
        });
        dead.filter(|removed| *removed).count() as u64
    }
}

/// `{error, Why}`, as `pq_sdk::regis` reads it.
fn refusal(error: RegisterError<Term, Pid>) -> Vec<u8> {
    let why = match error {
        RegisterError::NameTaken { holder } => {
            Term::tuple([Term::atom("name_taken"), holder.into()])
        }
        RegisterError::AlreadyNamed { name } => Term::tuple([Term::atom("already_named"), name]),
        RegisterError::Dead => Term::atom("dead"),
    };
    msgpack::to_msgpack(&Term::tuple([Term::atom("error"), why]))
}

/// That many arguments, without a list around them: each hero passes here three times.
fn args<const N: usize>(call: &ServiceCall<'_>) -> Result<[Term; N], Reason> {
    let args = msgpack::list_of(call.args).map_err(badarg)?;
    args.ok_or_else(|| undef(call))
}

fn arity(call: &ServiceCall<'_>) -> Result<usize, Reason> {
    let args = msgpack::from_msgpack(call.args).map_err(badarg)?;
    Ok(args.as_list().map_or(0, <[Term]>::len))
}

fn undef(call: &ServiceCall<'_>) -> Reason {
    arity(call).map_or_else(
        |badarg| badarg,
        |arity| Reason::tagged("undef", &format!("regis:{}/{arity}", call.function)),
    )
}

fn badarg(error: DecodeError) -> Reason {
    Reason::tagged("badarg", &error.to_string())
}

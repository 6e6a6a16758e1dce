//! The functions `regis:register/2`, `unregister/1`, `whereis/1`, `get_names/0` and `sweep/0`, from any thread.

use std::sync::Arc;

use pq_otp::{Config, Pid, Reason, Service, ServiceCall, Term};
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
        let args = pq_term::msgpack::from_msgpack(call.args)
            .map_err(|error| Reason::tagged("badarg", &error.to_string()))?;
        let answer = match (call.function, args.as_list().unwrap_or_default()) {
            ("register", [name, Term::Pid(pid)]) => self.register(call, name, *pid)?,
            ("unregister", [name]) => {
                self.names.unregister(name);
                Term::atom("ok")
            }
            ("whereis", [name]) => self
                .names
                .whereis(name)
                .map_or(Term::undefined(), Term::from),
            ("get_names", []) => Term::list(self.names.get_names()),
            ("sweep", []) => Term::from(self.sweep(&call) as i64),
            (other, args) => {
                let what = format!("regis:{other}/{}", args.len());
                return Err(Reason::tagged("undef", &what));
            }
        };
        Ok(pq_term::msgpack::to_msgpack(&answer))
    }
}

impl Registry {
    fn register(&self, call: ServiceCall<'_>, name: &Term, pid: Pid) -> Result<Term, Reason> {
        if pid != call.caller {
            let why = "a process can register only itself";
            return Err(Reason::tagged("badarg", why));
        }
        let is_alive = |pid| call.node.is_alive(pid);
        let outcome = self.names.register_alive(name.clone(), pid, is_alive);
        *call.holds_name |= outcome.is_ok();
        Ok(outcome.map_or_else(refusal, |()| Term::atom("ok")))
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
fn refusal(error: RegisterError<Term, Pid>) -> Term {
    let why = match error {
        RegisterError::NameTaken { holder } => {
            Term::tuple([Term::atom("name_taken"), holder.into()])
        }
        RegisterError::AlreadyNamed { name } => Term::tuple([Term::atom("already_named"), name]),
        RegisterError::Dead => Term::atom("dead"),
    };
    Term::tuple([Term::atom("error"), why])
}

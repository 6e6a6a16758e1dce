//! `pq call`: a function of a module's current version (`rpc:call/4`).

use clap::Args;
use pq_otp::spec::{self, ManagerReply, SupReply};
use pq_otp::{Ask, Called, Node, Pid, Reason, RequestError, Term};
use pq_protocol::{Exit, Failure};
use pq_term::{msgpack, pretty, read_outside};
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::{Question, exit_of};
use crate::client::Show;
use crate::running::RunningNode;

/// How long a function, and whoever it asks, may take: a game may give an avatar ten seconds to end.
const CALL_TIMEOUT_MS: u64 = 10_000;

/// The module that is compiled into the node (`regis_application::install`). It reads terms, where libraries read Rust's
/// types: to it `{events, "Ann"}` and `[events, "Ann"]` are two names.
const SERVICE: &str = "regis";

/// What is there and not for operators: a name is given to whoever asks for one.
const ONLY_FOR_PROCESSES: (&str, usize) = ("regis:register", 2);

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Call {
    /// The module
    module: String,
    /// The function
    function: String,
    /// Its arguments: a list of terms
    #[arg(default_value = "[]", value_parser = list)]
    args: String,
}

/// What a function returned.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Returned {
    /// A term.
    result: String,
}

impl Words for Call {
    const NAME: &'static str = "call";
    type Answer = Returned;
}

impl Question for Call {
    fn answer(self, node: &RunningNode) -> Result<Returned, Failure> {
        let failed = |exit, why: String| {
            Failure::new(exit, format!("failed to call {}: {why}", self.name()))
        };
        let term =
            read_outside(&self.args).map_err(|error| failed(Exit::Usage, error.to_string()))?;
        let args = term
            .as_list()
            .ok_or_else(|| failed(Exit::Usage, format!("`{term}` is no list of arguments")))?;
        if (self.name().as_str(), args.len()) == ONLY_FOR_PROCESSES {
            let why = "badarg: a process registers only itself, and an operator is none";
            return Err(failed(Exit::Refused, why.to_string()));
        }
        let (module, function) = (&self.module, &self.function);
        tracing::info!(module, function, "call from an operator");
        let result = self.apply(node.node(), args).map_err(|error| Failure {
            term: term_of(&error),
            ..failed(exit_of(&error), self.why_not(args.len(), &error))
        })?;
        match result.returned_error() {
            None => Ok(Returned {
                result: pretty(&result),
            }),
            Some(reason) => Err(Failure {
                term: Some(result.to_string()),
                ..failed(Exit::Refused, in_words(reason))
            }),
        }
    }
}

impl Call {
    fn name(&self) -> String {
        format!("{}:{}", self.module, self.function)
    }

    fn apply(&self, node: &Node, args: &[Term]) -> Result<Term, RequestError> {
        let (module, function) = (&self.module, &self.function);
        if module != SERVICE {
            return match node
                .asking()
                .call_module(module, function, args, CALL_TIMEOUT_MS)?
            {
                Called::Returned(term) => Ok(term),
                Called::Answered(bytes) => answered(&bytes).map_err(RequestError::BadReply),
            };
        }
        let args = msgpack::to_msgpack(&Term::list(args));
        let answer = node
            .asking()
            .call_function(module, function, &args, CALL_TIMEOUT_MS)?;
        msgpack::from_msgpack(&answer).map_err(|error| RequestError::BadReply(error.to_string()))
    }

    /// Why it has not returned, called with so many arguments.
    fn why_not(&self, arity: usize, error: &RequestError) -> String {
        let name = &self.name();
        match error {
            RequestError::Exit(reason) if is_undef(reason, name) => {
                format!("undef: no code that runs has the function {name}/{arity}")
            }
            RequestError::Exit(Reason::NoProc) => in_words(&Term::atom("noproc")),
            RequestError::Exit(reason) => format!("it failed with {reason}"),
            RequestError::Timeout(ms) => format!(
                "it has not returned within {ms} ms; it goes on, on a thread for calls: `pq status` says whether it takes a processor"
            ),
            other => other.to_string(),
        }
    }
}

impl Show for Returned {
    fn show(&self) -> String {
        self.result.clone()
    }
}

/// A list of terms, kept as it was written: the node reads it again.
fn list(text: &str) -> Result<String, String> {
    let term = pq_term::read_term(text).map_err(|error| error.to_string())?;
    match term.as_list() {
        Some(_) => Ok(text.to_string()),
        None => Err(format!(
            "`{term}` is no list: write the arguments between `[` and `]`"
        )),
    }
}

/// A reason for people: OTP's word, and what it means where it is one of those that everybody meets.
fn in_words(reason: &Term) -> String {
    let known = [
        ("not_found", "the supervisor has no such child"),
        ("noproc", "no such process runs"),
        ("name_taken", "somebody has this name already"),
        ("already_present", "it is there already"),
        ("timeout", "the answer did not come in time"),
    ];
    let meant = known.iter().find(|(word, _)| mentions(reason, word));
    match meant {
        Some((_, words)) => format!("{reason}: {words}"),
        None => reason.to_string(),
    }
}

/// Whether this atom is anywhere in a reason: each supervisor on the way wraps that of its child.
fn mentions(reason: &Term, word: &str) -> bool {
    let items = reason.as_tuple().or(reason.as_list()).unwrap_or_default();
    reason.is_atom(word) || items.iter().any(|item| mentions(item, word))
}

/// What a process has answered to a request that a function made, in OTP's words: a supervisor, an event manager, or a
/// module in its own.
fn answered(bytes: &[u8]) -> Result<Term, String> {
    if let Ok(reply) = spec::decode_reply(bytes) {
        return Ok(of_supervisor(reply));
    }
    match spec::decode(bytes) {
        Ok(ManagerReply::Ok) => Ok(Term::atom("ok")),
        Ok(ManagerReply::Error(reason)) => Ok(pair("error", reason)),
        Ok(ManagerReply::Handlers(modules)) => Ok(listed(modules.into_iter().map(Term::from))),
        Err(_) => msgpack::from_msgpack(bytes).map_err(|error| error.to_string()),
    }
}

fn of_supervisor(reply: SupReply) -> Term {
    let pid = |pid: Option<Pid>| pid.map_or(Term::undefined(), Term::from);
    match reply {
        SupReply::Ok => Term::atom("ok"),
        SupReply::Started(child) => pair("ok", pid(child)),
        SupReply::Error(reason) => pair("error", reason),
        SupReply::Children(children) => listed(
            children
                .into_iter()
                .map(|child| pair_of(child.id, pid(child.pid))),
        ),
        SupReply::Count(count) => Term::list([
            pair("specs", count.specs.into()),
            pair("active", count.active.into()),
            pair("supervisors", count.supervisors.into()),
            pair("workers", count.workers.into()),
        ]),
    }
}

fn listed(items: impl Iterator<Item = Term>) -> Term {
    Term::list(items.collect::<Vec<_>>())
}

fn pair(tag: &'static str, value: Term) -> Term {
    pair_of(Term::atom(tag), value)
}

fn pair_of(first: Term, second: Term) -> Term {
    Term::tuple([first, second])
}

fn term_of(error: &RequestError) -> Option<String> {
    match error {
        RequestError::Exit(reason) => Some(reason.to_string()),
        _ => None,
    }
}

/// Whether it is this function that is not there, and not another one that it calls. The node names it with its module,
/// a service with its arity, a library without its module.
fn is_undef(reason: &Reason, name: &str) -> bool {
    let term = reason.to_term();
    let Some([tag, Term::String(what)]) = term.as_tuple() else {
        return false;
    };
    let what: &str = what;
    let function = name.split_once(':').map_or(name, |(_, function)| function);
    let with_module = what.split('/').next() == Some(name);
    tag.is_atom("undef") && (with_module || what.strip_prefix("function ") == Some(function))
}

#[cfg(test)]
mod tests {
    use super::*;
    use pq_otp::spec::ChildCount;

    fn check(bytes: &[u8], expected: &str) {
        assert_eq!(answered(bytes).unwrap().to_string(), expected);
    }

    #[test]
    fn answers_of_supervisors_and_managers_are_in_otps_words() {
        let sup = |reply: &SupReply| spec::encode_reply(reply);
        check(&sup(&SupReply::Ok), "ok");
        check(
            &sup(&SupReply::Started(Some(Pid::new(0, 5, 1)))),
            "{ok,<0.5.1>}",
        );
        check(&sup(&SupReply::Started(None)), "{ok,undefined}");
        check(
            &sup(&SupReply::Error(Term::atom("not_found"))),
            "{error,not_found}",
        );
        check(
            &sup(&SupReply::Count(ChildCount::default())),
            "[{specs,0},{active,0},{supervisors,0},{workers,0}]",
        );
        let manager = |reply: &ManagerReply| spec::encode(reply);
        check(&manager(&ManagerReply::Ok), "ok");
        check(
            &manager(&ManagerReply::Error(Term::atom("bad_module"))),
            "{error,bad_module}",
        );
        check(
            &msgpack::to_msgpack(&Term::list([Term::from(7_i64)])),
            "[7]",
        );
    }

    #[test]
    fn a_reason_is_in_words_where_everybody_meets_it() {
        let reason = "{shutdown,{failed_to_start_child,player,name_taken}}";
        let words = in_words(&pq_term::read_term(reason).unwrap());
        assert_eq!(words, format!("{reason}: somebody has this name already"));
    }
}

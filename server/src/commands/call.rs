//! `pq call`: a function of a module's current version (`rpc:call/4`).

use clap::Args;
use pq_otp::spec::{self, ManagerReply, SupReply};
use pq_otp::{Ask, Called, Node, Pid, Reason, RequestError, Term};
use pq_protocol::{Exit, Failure};
use pq_term::{msgpack, pretty, read_outside};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::Words;
use super::kinds::{Question, exit_of};
use crate::client::Show;
use crate::running::RunningNode;

/// The limit for a function and the processes that it asks: a game may allow an avatar 10 s to end.
const CALL_TIMEOUT_MS: u64 = 10_000;

/// The module that is compiled into the node (`regis_application::install`). Its functions read terms, whereas
/// functions of libraries read Rust types: for `regis`, `{events, "Ann"}` and `[events, "Ann"]` are two names.
const SERVICE: &str = "regis";

/// A function that operators may not call: it registers the calling process.
const ONLY_FOR_PROCESSES: (&str, usize) = ("regis:register", 2);

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Call {
    /// The name of the module
    module: String,
    /// The name of the function
    function: String,
    /// The arguments of the function as a list of terms
    #[arg(default_value = "[]", value_parser = list)]
    args: String,
}

/// The answer to `call`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
pub(crate) struct Returned {
    /// The returned value as a term.
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
            .ok_or_else(|| failed(Exit::Usage, format!("`{term}` is not a list of arguments")))?;
        if (self.name().as_str(), args.len()) == ONLY_FOR_PROCESSES {
            let why = "badarg: a process registers only itself, and an operator is not a process";
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

    /// The reason for a call that has not returned; `arity` is the number of its arguments.
    fn why_not(&self, arity: usize, error: &RequestError) -> String {
        let name = &self.name();
        match error {
            RequestError::Exit(reason) if is_undef(reason, name) => {
                format!("undef: no code that runs has the function {name}/{arity}")
            }
            RequestError::Exit(Reason::NoProc) => in_words(&Term::atom("noproc")),
            RequestError::Exit(reason) => format!("the function failed with {reason}"),
            RequestError::Timeout(ms) => format!(
                "the function has not returned within {ms} ms and still runs on a thread for calls: \
                 `pq status` says whether it takes a processor"
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

/// Checks that the text is a list of terms. The text itself is kept, because the node parses it again.
fn list(text: &str) -> Result<String, String> {
    let term = pq_term::read_term(text).map_err(|error| error.to_string())?;
    match term.as_list() {
        Some(_) => Ok(text.to_string()),
        None => Err(format!(
            "`{term}` is not a list: write the arguments between `[` and `]`"
        )),
    }
}

/// The text of a reason: OTP's term, followed by an explanation if the term is common.
fn in_words(reason: &Term) -> String {
    let known = [
        ("not_found", "the supervisor has no such child"),
        ("noproc", "no such process runs"),
        ("name_taken", "another process has this name"),
        ("already_present", "the child exists already"),
        ("timeout", "no answer arrived within the limit"),
    ];
    let meant = known.iter().find(|(word, _)| mentions(reason, word));
    match meant {
        Some((_, words)) => format!("{reason}: {words}"),
        None => reason.to_string(),
    }
}

/// Whether the reason contains this atom: each supervisor on the way wraps the reason of its child.
fn mentions(reason: &Term, word: &str) -> bool {
    let items = reason.as_tuple().or(reason.as_list()).unwrap_or_default();
    reason.is_atom(word) || items.iter().any(|item| mentions(item, word))
}

/// Decodes the answer of a process that a function has asked. Supervisors and event managers answer in OTP's terms,
/// other modules in their own.
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

/// Whether the called function itself is missing, rather than a function that it calls. The node reports a missing
/// function with its module, a service with its arity, and a library without its module.
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
        assert_eq!(words, format!("{reason}: another process has this name"));
    }
}

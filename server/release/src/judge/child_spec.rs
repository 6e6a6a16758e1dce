//! Parses a term as a child specification (`supervisor(3)`, `child_spec()`): a map or the older tuple.
//!
//! A start is data here: `{Module, start_link, Args}` is the module of the process and the argument of its `init`.

use pq_otp::Atom;
use pq_otp::spec::{ChildSpec, ChildType, Modules, Restart, Shutdown, Start};
use pq_term::{Map, Term, msgpack};

use crate::terms;

/// The default `shutdown` of `supervisor(3)`, in ms.
const SHUTDOWN_MS: u32 = 5_000;

/// Parses a child specification; the error is a clause.
pub(super) fn read(term: &Term) -> Result<ChildSpec, String> {
    match (term.as_map(), term.as_tuple()) {
        (Some(map), _) => of_map(map),
        (_, Some([id, start, restart, shutdown, kind, modules])) => {
            let parts = [Some(restart), Some(shutdown), Some(kind), Some(modules)];
            spec(id.clone(), start, parts)
        }
        _ => Err(format!(
            "`{term}` is no child specification; `#{{id => Id, start => {{Module, start_link, Args}}}}` would be right"
        )),
    }
}

fn of_map(map: &Map) -> Result<ChildSpec, String> {
    let known = ["id", "start", "restart", "shutdown", "type", "modules"];
    let stranger = map.pairs().iter().map(|(key, _)| key);
    if let Some(key) = stranger
        .into_iter()
        .find(|key| !known.iter().any(|word| key.is_atom(word)))
    {
        return Err(format!(
            "`{key}` is no key of a child specification; there are {}",
            known.join(", ")
        ));
    }
    let part = |key: &'static str| map.get(&Term::atom(key));
    let id = part("id").ok_or("a child specification has an `id`")?;
    let start = part("start").ok_or("a child specification has a `start`")?;
    spec(
        id.clone(),
        start,
        ["restart", "shutdown", "type", "modules"].map(part),
    )
}

fn spec(
    id: Term,
    start: &Term,
    [restart, shutdown, kind, modules]: [Option<&Term>; 4],
) -> Result<ChildSpec, String> {
    let start = read_start(start)?;
    let kind = kind.map_or(Ok(ChildType::Worker), read_kind)?;
    Ok(ChildSpec {
        id,
        restart: restart.map_or(Ok(Restart::Permanent), read_restart)?,
        shutdown: match (shutdown, kind) {
            (Some(term), _) => read_shutdown(term)?,
            (None, ChildType::Supervisor) => Shutdown::Infinity,
            (None, ChildType::Worker) => Shutdown::Timeout(SHUTDOWN_MS),
        },
        kind,
        modules: match modules {
            Some(term) => read_modules(term)?,
            None => Modules::Of(vec![start.module]),
        },
        start,
    })
}

fn read_start(term: &Term) -> Result<Start, String> {
    let wrong = || {
        format!(
            "`{term}` is no start; `{{Module, start_link, Args}}` would be right, with a list of the arguments of `init`"
        )
    };
    match term.as_tuple() {
        Some([Term::Atom(module), function, args]) if function.is_atom("start_link") => {
            let args = terms::elements(args).ok_or_else(wrong)?;
            Ok(Start {
                module: *module,
                args: msgpack::to_plain_msgpack(&Term::list(args)),
            })
        }
        _ => Err(wrong()),
    }
}

fn one_of<T: Copy>(term: &Term, all: &[(&str, T)]) -> Result<T, String> {
    let known = all.iter().find(|(word, _)| term.is_atom(word));
    let words = || {
        all.iter()
            .map(|(word, _)| *word)
            .collect::<Vec<_>>()
            .join(", ")
    };
    known
        .map(|(_, value)| *value)
        .ok_or_else(|| format!("`{term}` is none of {}", words()))
}

fn read_restart(term: &Term) -> Result<Restart, String> {
    let all = [
        ("permanent", Restart::Permanent),
        ("transient", Restart::Transient),
        ("temporary", Restart::Temporary),
    ];
    one_of(term, &all)
}

fn read_kind(term: &Term) -> Result<ChildType, String> {
    let all = [
        ("worker", ChildType::Worker),
        ("supervisor", ChildType::Supervisor),
    ];
    one_of(term, &all)
}

fn read_shutdown(term: &Term) -> Result<Shutdown, String> {
    match term.as_i64().map(u32::try_from) {
        Some(Ok(ms)) => Ok(Shutdown::Timeout(ms)),
        _ => {
            let all = [
                ("brutal_kill", Shutdown::BrutalKill),
                ("infinity", Shutdown::Infinity),
            ];
            one_of(term, &all).map_err(|error| format!("{error}, and no time in milliseconds"))
        }
    }
}

fn read_modules(term: &Term) -> Result<Modules, String> {
    if term.is_atom("dynamic") {
        return Ok(Modules::Dynamic);
    }
    let atoms: Option<Vec<Atom>> = terms::atoms(term);
    atoms
        .map(Modules::Of)
        .ok_or_else(|| format!("`{term}` is neither a list of modules nor `dynamic`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<ChildSpec, String> {
        read(&pq_term::read_one(&format!("{text}.")).unwrap())
    }

    #[test]
    fn both_forms_are_the_same_and_have_the_defaults_of_supervisor() {
        let map = read_text("#{id => a, start => {m, start_link, [1]}}").unwrap();
        let tuple = read_text("{a,{m,start_link,[1]},permanent,5000,worker,[m]}").unwrap();
        assert_eq!(map, tuple);
        assert_eq!(map.start.args, [0x91, 1]);
        let sup =
            read_text("#{id => a, start => {m, start_link, []}, type => supervisor}").unwrap();
        assert_eq!(sup.shutdown, Shutdown::Infinity);
    }

    #[test]
    fn what_is_none_is_refused_with_what_is_wrong() {
        for (text, wanted) in [
            ("{a,b}", "is no child specification"),
            ("#{start => {m,start_link,[]}}", "has an `id`"),
            ("#{id => a}", "has a `start`"),
            ("#{id => a, start => {m,go,[]}}", "is no start"),
            ("#{id => a, start => {m,start_link,x}}", "is no start"),
            (
                "#{id => a, start => {m,start_link,[]}, restart => often}",
                "`often` is none of permanent",
            ),
            (
                "#{id => a, start => {m,start_link,[]}, shutdown => -1}",
                "no time in milliseconds",
            ),
            (
                "#{id => a, start => {m,start_link,[]}, modules => m}",
                "neither a list of modules",
            ),
            (
                "#{id => a, start => {m,start_link,[]}, mood => good}",
                "`mood` is no key",
            ),
        ] {
            let error = read_text(text).unwrap_err();
            assert!(error.contains(wanted), "{text}: {error}");
        }
    }
}

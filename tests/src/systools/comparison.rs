//! The exact comparison of an answer with OTP's.
//!
//! It allows four differences: `[]` and `""` are one value in Erlang; the words of a syntax error differ between
//! parsers, while file and line are compared; a circle of applications may begin at any of them; and where OTP crashes,
//! any error of ours is right.

use pq_term::Term;

/// Describes the difference; `None` when the answers are equal.
pub fn difference(ours: &Term, otps: &Term) -> Option<String> {
    if is_tagged(otps, "exception") {
        return (!is_tagged(ours, "error"))
            .then(|| "OTP crashes, ours does not refuse".to_string());
    }
    (normal(ours) != normal(otps)).then(|| "another answer".to_string())
}

/// Whether the term is a tuple that begins with this atom.
pub fn is_tagged(term: &Term, tag: &str) -> bool {
    term.as_tuple()
        .and_then(|parts| parts.first())
        .is_some_and(|first| first.is_atom(tag))
}

/// The normal form of a value.
pub fn normal(term: &Term) -> Term {
    match term {
        Term::String(text) if text.is_empty() => Term::list([]),
        Term::List(items) => items.iter().map(normal).collect(),
        Term::Tuple(parts) => match &parts[..] {
            [line, parser, _] if parser.is_atom("erl_parse") => {
                Term::tuple([line.clone(), parser.clone()])
            }
            [tag, circle] if tag.is_atom("circular_dependencies") => {
                let mut circle = circle.as_list().unwrap_or_default().to_vec();
                circle.sort();
                Term::tuple([tag.clone(), Term::from(circle)])
            }
            [tag, what] if tag.is_atom("parse_error") => {
                let place = what.as_tuple().and_then(|parts| parts.get(..2));
                Term::tuple([tag.clone(), place.map_or(what.clone(), Term::tuple)])
            }
            parts => Term::tuple(parts.iter().map(normal).collect::<Vec<_>>()),
        },
        other => other.clone(),
    }
}

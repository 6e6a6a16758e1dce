//! Accessors and constructors of terms that all formats need. No format is defined here.

use pq_term::{Atom, Term};

/// The text of a string. In Erlang `[]` and `""` are equal, so an empty list is an empty string.
pub(crate) fn text(term: &Term) -> Option<String> {
    match term {
        Term::String(text) => Some(text.to_string()),
        Term::List(items) if items.is_empty() => Some(String::new()),
        _ => None,
    }
}

/// The elements of a list; `""` is the empty list.
pub(crate) fn list(term: &Term) -> Option<&[Term]> {
    match term {
        Term::List(items) => Some(items),
        Term::String(text) if text.is_empty() => Some(&[]),
        _ => None,
    }
}

/// A part of a term; the path has an index (from 0) for each bracket. When the path does not exist, its last existing part.
pub(crate) fn part<'a>(term: &'a Term, path: &[usize]) -> &'a Term {
    path.iter().fold(term, |term, index| {
        let parts = term.as_tuple().or_else(|| list(term));
        parts.and_then(|parts| parts.get(*index)).unwrap_or(term)
    })
}

/// The atoms of a list; `None` when it has other elements.
pub(crate) fn atoms(term: &Term) -> Option<Vec<Atom>> {
    list(term)?.iter().map(Term::as_atom).collect()
}

/// The pairs of a list of `{Atom, Term}`; `None` when it has other elements.
pub(crate) fn pairs(term: &Term) -> Option<Vec<(Atom, Term)>> {
    list(term)?.iter().map(pair).collect()
}

fn pair(term: &Term) -> Option<(Atom, Term)> {
    match term.as_tuple()? {
        [Term::Atom(key), value] => Some((*key, value.clone())),
        _ => None,
    }
}

/// Makes the tuple `{Tag, Item}`.
pub(crate) fn tagged(tag: &'static str, item: impl Into<Term>) -> Term {
    Term::tuple([Term::atom(tag), item.into()])
}

/// Makes the tuple `{Name, Vsn}`.
pub(crate) fn name_vsn(name: Atom, vsn: &str) -> Term {
    Term::tuple([Term::Atom(name), Term::string(vsn)])
}

/// Makes a list of atoms.
pub(crate) fn atom_list(atoms: &[Atom]) -> Term {
    atoms.iter().copied().map(Term::Atom).collect()
}

/// True for Erlang's lists: strings are lists of numbers.
pub(crate) fn is_list(term: &Term) -> bool {
    matches!(term, Term::List(_) | Term::String(_))
}

/// The elements of an Erlang list; a string has numbers as elements.
pub(crate) fn elements(term: &Term) -> Option<Vec<Term>> {
    match term {
        Term::List(items) => Some(items.to_vec()),
        Term::String(text) => Some(text.chars().map(|c| Term::from(u32::from(c))).collect()),
        _ => None,
    }
}

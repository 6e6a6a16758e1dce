//! The name of a child: one of its start arguments.

use pq_otp::moved::Subtree;
use pq_term::Term;
use pq_term::msgpack::from_msgpack;

use crate::finding::folded;
use crate::settings::{Durable, SEPARATOR};

/// The name of a child, and the key of its row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Name {
    /// The name as it was typed.
    pub(crate) name: String,
    /// The supervisor and the folded name: names that look alike are one.
    pub(crate) key: String,
}

impl Name {
    /// The name of a copied child.
    ///
    /// # Errors
    /// A sentence, when the start arguments are not known or have no name at the place of the key.
    pub(crate) fn of(subtree: &Subtree, durable: &Durable) -> Result<Name, String> {
        let Some(args) = subtree.args() else {
            return Err("its start arguments are not known: a durable child is a supervisor, or its supervisor restarts it".to_string());
        };
        let args = from_msgpack(args).map_err(|error| error.to_string())?;
        let name = named(&args, durable.key).ok_or_else(|| {
            let place = durable.key;
            format!("start argument {place} is no name: the arguments are {args}")
        })?;
        let key = format!("{}{SEPARATOR}{}", durable.supervisor, folded(&name));
        Ok(Name { name, key })
    }
}

/// The text at this place of the arguments.
fn named(args: &Term, place: usize) -> Option<String> {
    let arg = args.as_list()?.get(place - 1)?;
    let text = arg.as_str().map(str::to_string);
    text.or_else(|| Some(arg.as_atom()?.as_str().to_string()))
}

/// The folded name in the key of a row.
pub(crate) fn folded_of(key: &str) -> &str {
    key.split_once(SEPARATOR).map_or(key, |(_, folded)| folded)
}

/// The name of the supervisor in the key of a row.
pub(crate) fn supervisor_of(key: &str) -> &str {
    key.split(SEPARATOR).next().unwrap_or_default()
}

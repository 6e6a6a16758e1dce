//! The questions before a child comes from a file: whether it belongs below a durable supervisor here, and whether its name
//! is free.

use pq_store::{Row, State};

use crate::export::{Exported, word};
use crate::key::{Name, supervisor_of};
use crate::settings::Durable;

/// Keeps a row outside of the store before it is removed from the store.
pub type Keep<'a> = &'a dyn Fn(&Row) -> Result<(), String>;

/// Checks that a child may come into a node with these durable supervisors and modules.
///
/// # Errors
/// A sentence.
pub(crate) fn admit(
    exported: &Exported,
    durable: &[Durable],
    is_known: &dyn Fn(&str) -> bool,
) -> Result<(), String> {
    let row = &exported.row;
    let name = supervisor_of(&row.key);
    let Some(supervisor) = durable.iter().find(|it| it.supervisor == name) else {
        return Err(format!(
            "it is a child of {name:?}, and no such supervisor is durable in this release"
        ));
    };
    if let Some((module, vsn)) = exported
        .subtree
        .versions()
        .find(|(module, _)| !is_known(module))
    {
        return Err(format!(
            "it has a process of {module}-{vsn}, and this release has no module {module}"
        ));
    }
    let own = Name::of(&exported.subtree, supervisor)?;
    match own.key == row.key && own.name == row.name {
        true => Ok(()),
        false => {
            let (says, is) = (&row.name, &own.name);
            Err(format!("the file says {says:?}, and its processes {is:?}"))
        }
    }
}

/// The rows that an import replaces; `found` are all rows with its name.
///
/// # Errors
/// A sentence, when the name is not free.
pub(crate) fn replaced(found: Vec<Row>, replace: bool) -> Result<Vec<Row>, String> {
    let mut replaced = Vec::new();
    for row in found {
        let (name, id, is) = (&row.name, row.id, word(row.state));
        match row.state {
            State::Ended => (),
            State::SetAside if replace => replaced.push(row),
            State::SetAside => {
                return Err(format!(
                    "row {id} with the name {name:?} is set aside; --replace removes it, or see `retry`"
                ));
            }
            State::Playing | State::Resting => {
                return Err(format!(
                    "row {id} has the name {name:?} and is {is}; end or remove it first"
                ));
            }
        }
    }
    Ok(replaced)
}

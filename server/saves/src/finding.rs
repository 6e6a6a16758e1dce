//! Rows by the name of the child, as an operator types it.

use std::ops::ControlFlow;

use pq_store::{Page, Read, Row, State, StoreError};
use regis_confusable::skeleton;

use crate::settings::SEPARATOR;

/// The rows that are read at once.
const PAGE: usize = 1_000;

/// The rows with this name, or one that looks the same, in all states. `supervisors` are those that are durable now: for
/// them an index finds rows that play or rest. If nothing is found, all rows are read.
///
/// # Errors
/// The error of the store.
pub fn find(
    store: &mut impl Read,
    supervisors: &[String],
    name: &str,
) -> Result<Vec<Row>, StoreError> {
    let folded = folded(name);
    let mut rows = Vec::new();
    for supervisor in supervisors {
        rows.extend(store.get(&format!("{supervisor}{SEPARATOR}{folded}"))?);
    }
    for state in [State::SetAside, State::Ended] {
        of_state(store, state, &folded, &mut rows)?;
    }
    if rows.is_empty() {
        store.load(&[State::Playing, State::Resting], &mut |row| {
            rows.extend(Some(row).filter(|row| has_name(row, &folded)));
            ControlFlow::Continue(())
        })?;
    }
    rows.sort_unstable_by_key(|row| row.id);
    Ok(rows)
}

fn of_state(
    store: &mut impl Read,
    state: State,
    folded: &str,
    rows: &mut Vec<Row>,
) -> Result<(), StoreError> {
    let mut after = 0;
    loop {
        let page = Page {
            state,
            after,
            limit: PAGE,
        };
        let found = store.list(page)?;
        let Some(last) = found.last() else {
            return Ok(());
        };
        after = last.id;
        rows.extend(found.into_iter().filter(|row| has_name(row, folded)));
    }
}

fn has_name(row: &Row, folded: &str) -> bool {
    row.key.split_once(SEPARATOR).map(|(_, name)| name) == Some(folded)
}

/// The name as it is in keys: names that look alike are one.
pub(crate) fn folded(name: &str) -> String {
    let folded = skeleton(name);
    String::from_utf8_lossy(folded.as_bytes()).into_owned()
}

//! The check of a store: SQLite's own, and the rules that the store keeps by itself. Each finding is a sentence.

use std::path::Path;

use rusqlite::{Connection, ErrorCode};

use super::{failed, file};
use crate::store::StoreError;

/// The largest number of findings of one kind.
const FINDINGS_MAX: usize = 20;

/// A rule, as a query for the sentences of what breaks it. `NOT INDEXED` asks the rows and not an index over them.
const RULES: &[&str] = &[
    "SELECT format('%d rows hold the key %Q, the first is row %d', count(*), key, min(id))
        FROM save NOT INDEXED WHERE state < 2 GROUP BY key HAVING count(*) > 1",
    "SELECT format('row %d refers to versions %d, which are not there', id, versions)
        FROM save NOT INDEXED WHERE versions NOT IN (SELECT number FROM versions)",
    "SELECT format('row %d is set aside without a reason', id)
        FROM save NOT INDEXED WHERE state = 3 AND why IS NULL",
    "SELECT format('row %d has a reason, and is not set aside', id)
        FROM save NOT INDEXED WHERE state <> 3 AND why IS NOT NULL",
    "SELECT format('row %d has a negative number: seq %d, changed %d', id, seq, changed)
        FROM save NOT INDEXED WHERE seq < 0 OR changed < 0",
    "SELECT format('place %d of the tail is a state of row %d, which is not there', place, id)
        FROM tail WHERE id NOT IN (SELECT id FROM save)",
    "SELECT format('place %d of the tail refers to versions %d, which are not there', place, versions)
        FROM tail WHERE versions NOT IN (SELECT number FROM versions)",
    "SELECT format('place %d of the tail has seq %d of row %d, and an earlier place has seq %d', place, seq, id, before)
        FROM (SELECT place, id, seq, lag(seq) OVER (PARTITION BY id ORDER BY place) AS before FROM tail)
        WHERE seq <= before",
    "SELECT format('row %d has ended or was removed, and has a word', id)
        FROM word WHERE id IN (SELECT id FROM save WHERE state IN (2, 4))",
];

/// The findings of a check; none for a file that is as it has to be. A node may write meanwhile.
///
/// # Errors
/// Returns the error for a file that cannot be opened or read at all.
pub fn check(store: &Path) -> Result<Vec<String>, StoreError> {
    let connection = file::connect_readonly(store)?;
    let findings = connection
        .execute_batch("BEGIN")
        .and_then(|()| examine(&connection));
    findings.map_err(failed("check", store))
}

/// The findings in an open file.
pub(super) fn examine(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut findings = intact(connection)?;
    // The rows of a damaged file prove nothing.
    if findings.is_empty() {
        for rule in RULES {
            findings.extend(sentences(connection, rule)?);
        }
    }
    Ok(findings)
}

/// The findings of SQLite alone. Some kinds of damage are an error rather than an answer.
pub(super) fn intact(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    match sentences(connection, "PRAGMA quick_check(20)") {
        Ok(mut findings) => {
            findings.retain(|finding| finding != "ok");
            Ok(findings)
        }
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Ok(vec![error.to_string()])
        }
        Err(error) => Err(error),
    }
}

fn sentences(connection: &Connection, query: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(query)?;
    let sentences = statement.query_map((), |record| record.get(0))?;
    sentences.take(FINDINGS_MAX).collect()
}

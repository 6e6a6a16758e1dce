//! `pq history`: reads the history file, so the command works while no node runs. The output is a line for each
//! operation, or all fields of one operation.

use clap::Args;
use pq_protocol::history::{Entry, Past};
use pq_protocol::record::Micros;
use pq_protocol::{Exit, Failure, Who};
use pq_term::printable_json;
use serde::Serialize;

use super::command::Typed;
use crate::client::{At, Show, cut, lines, printable, say, table, terminal_width, warn};
use crate::history;

#[derive(Args, Debug)]
pub(crate) struct HistoryArgs {
    /// The ID of the entry to show with all fields
    #[arg(value_name = "ID")]
    entry: Option<u64>,
    #[command(flatten)]
    at: At,
}

const HEADING: [&str; 10] = [
    "#",
    "WHEN",
    "WHO",
    "OPERATION",
    "FROM",
    "TO",
    "RESULT",
    "TOOK",
    "PAUSE",
    "MESSAGE",
];

/// The index of the first of the two columns with sentences, which are cut at the width of the terminal.
const RESULT: usize = 6;
const MESSAGE: usize = 9;

/// The minimum length of a shown sentence, in characters: enough to tell one sentence from another.
const CUT_MIN: usize = 12;

/// The number of blanks between two columns.
const GAP: usize = 2;

impl Typed for HistoryArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let past = read(&self.at)?;
        match self.entry {
            Some(id) => tell(&self.at, find(&past, id)?),
            None => tell(&self.at, &past),
        }
        Ok(())
    }
}

fn tell(at: &At, answer: &(impl Show + Serialize)) {
    match at.json {
        true => {
            let text = serde_json::to_string(answer).unwrap_or_default();
            say(&printable_json(&text));
        }
        false => say(answer.show().trim_end()),
    }
}

fn find(past: &Past, id: u64) -> Result<&Entry, Failure> {
    let mut entries = past.entries.iter();
    entries.find(|entry| entry.id == id).ok_or_else(|| {
        let count = past.entries.len();
        let sentence = format!("failed to find entry {id}: the history has {count}");
        Failure::new(Exit::Refused, sentence)
    })
}

fn read(at: &At) -> Result<Past, Failure> {
    let releases = at.root.join("releases");
    if !releases.is_dir() {
        let sentence = format!(
            "failed to read the history: there is no release tree at {}",
            at.root.display()
        );
        return Err(Failure::new(Exit::Unreachable, sentence));
    }
    let file = history::file(&at.root);
    let past = history::read(&file).map_err(|error| {
        let sentence = format!("failed to read {}: {error}", file.display());
        Failure::new(Exit::Internal, sentence)
    })?;
    let file = file.display();
    for line in &past.too_long {
        warn(&format!(
            "line {line} of {file} is left out: it is longer than any entry; `sed -n {line}p` shows it"
        ));
    }
    match past.unreadable - past.too_long.len() as u64 {
        0 => (),
        lines => {
            let lines = match lines {
                1 => "1 line that is no entry is".to_string(),
                lines => format!("{lines} lines that are no entries are"),
            };
            warn(&format!(
                "{lines} left out of {file}: a node was killed while it wrote there"
            ));
        }
    }
    Ok(past)
}

impl Show for Past {
    fn show(&self) -> String {
        table(&HEADING, rows(&self.entries, terminal_width()))
    }
}

/// All fields of an entry, one per line.
impl Show for Entry {
    fn show(&self) -> String {
        let deed = &self.deed;
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        lines(&[
            ("entry", self.id.to_string()),
            ("when", self.when.clone()),
            ("who", self.who.to_string()),
            ("operation", deed.operation.clone()),
            ("from", or_none(&deed.from)),
            ("to", or_none(&deed.to)),
            ("result", deed.result.clone()),
            ("exit code", u8::from(deed.exit).to_string()),
            ("took", format!("{} ms", deed.took_ms)),
            ("pause", deed.pause_us.map_or(String::new(), all_of)),
            ("message", or_none(&deed.message)),
            ("author", or_none(&deed.author)),
        ])
    }
}

fn all_of(pause: Micros) -> String {
    let Micros { median, p99, max } = pause;
    format!("median {median} us, p99 {p99} us, max {max} us")
}

/// The rows of the table, limited to the width of the terminal.
fn rows(entries: &[Entry], width: Option<usize>) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = entries.iter().map(cells).collect();
    let Some(width) = width else {
        return rows;
    };
    let wide = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(HEADING[column].len())
    };
    let others = (0..HEADING.len()).filter(|column| ![RESULT, MESSAGE].contains(column));
    let taken: usize = others.map(|column| wide(column) + GAP).sum();
    let room = width.saturating_sub(taken + 2 * GAP);
    let (result, message) = share(room, wide(RESULT), wide(MESSAGE));
    for row in &mut rows {
        row[RESULT] = cut(&row[RESULT], result);
        row[MESSAGE] = cut(&row[MESSAGE], message);
    }
    rows
}

/// Divides `room` columns: each text gets half, and room that one text does not need goes to the other.
fn share(room: usize, one: usize, other: usize) -> (usize, usize) {
    let half = room / 2;
    let second = other.min(half.max(room.saturating_sub(one)));
    let first = room.saturating_sub(second);
    (first.max(CUT_MIN), second.max(CUT_MIN))
}

fn cells(entry: &Entry) -> Vec<String> {
    let deed = &entry.deed;
    let pause = deed.pause_us.map(|pause| format!("{} us", pause.max));
    let cells = [
        entry.id.to_string(),
        to_the_second(&entry.when),
        user(&entry.who),
        deed.operation.clone(),
        deed.from.clone().unwrap_or_default(),
        deed.to.clone().unwrap_or_default(),
        deed.result.clone(),
        format!("{} ms", deed.took_ms),
        pause.unwrap_or_default(),
        deed.message.clone().unwrap_or_default(),
    ];
    cells.map(|cell| printable(&cell).into_owned()).to_vec()
}

/// A time stamp of the history without milliseconds.
fn to_the_second(when: &str) -> String {
    match when.split_once('.') {
        Some((second, _)) => format!("{second}Z"),
        None => when.to_string(),
    }
}

fn user(who: &Who) -> String {
    let number = || format!("user {}", who.uid);
    who.user.clone().unwrap_or_else(number)
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use pq_protocol::Exit;
    use pq_protocol::history::Deed;

    use super::*;

    fn past() -> Past {
        let entry = |id, deed| Entry {
            id,
            when: "2026-01-31T23:59:59.042Z".to_string(),
            who: Who {
                uid: 1_000,
                user: Some("ann".to_string()),
                pid: Some(7),
            },
            node: None,
            deed,
        };
        let deed = Deed {
            operation: "install 1.1.0".to_string(),
            from: Some("1.0.0".to_string()),
            to: Some("1.1.0".to_string()),
            result: "done".to_string(),
            exit: Exit::Done,
            took_ms: 43,
            pause_us: Some(Micros {
                median: 12,
                p99: 40,
                max: 55,
            }),
            message: Some("a\u{1b}[2J".to_string()),
            author: None,
        };
        let refused = Deed {
            result: "failed to find a way from release 1.0.0 to 1.1.0: no relup has one"
                .to_string(),
            exit: Exit::Refused,
            pause_us: None,
            ..deed.clone()
        };
        let stop = Deed {
            operation: "stop".to_string(),
            to: None,
            pause_us: None,
            message: None,
            ..deed.clone()
        };
        Past {
            entries: vec![entry(1, deed), entry(2, refused), entry(3, stop)],
            unreadable: 0,
            too_long: vec![],
        }
    }

    #[test]
    fn a_history_has_a_line_for_each_operation() {
        expect![[r#"
            #  WHEN                  WHO  OPERATION      FROM   TO     RESULT                                                              TOOK   PAUSE  MESSAGE
            1  2026-01-31T23:59:59Z  ann  install 1.1.0  1.0.0  1.1.0  done                                                                43 ms  55 us  a\u{1b}[2J
            2  2026-01-31T23:59:59Z  ann  install 1.1.0  1.0.0  1.1.0  failed to find a way from release 1.0.0 to 1.1.0: no relup has one  43 ms         a\u{1b}[2J
            3  2026-01-31T23:59:59Z  ann  stop           1.0.0         done                                                                43 ms"#]].assert_eq(&table(&HEADING, rows(&past().entries, None)));
    }

    #[test]
    fn sentences_end_where_the_terminal_does() {
        let table = table(&HEADING, rows(&past().entries, Some(110)));
        expect![[r#"
            #  WHEN                  WHO  OPERATION      FROM   TO     RESULT                   TOOK   PAUSE  MESSAGE
            1  2026-01-31T23:59:59Z  ann  install 1.1.0  1.0.0  1.1.0  done                     43 ms  55 us  a\u{1b}[2J
            2  2026-01-31T23:59:59Z  ann  install 1.1.0  1.0.0  1.1.0  failed to find a way f…  43 ms         a\u{1b}[2J
            3  2026-01-31T23:59:59Z  ann  stop           1.0.0         done                     43 ms"#]].assert_eq(&table);
        assert!(table.lines().all(|line| line.chars().count() <= 110));
    }

    #[test]
    fn a_sentence_gets_what_the_other_does_not_need() {
        assert_eq!(share(60, 100, 20), (40, 20));
        assert_eq!(share(60, 20, 100), (20, 40));
        assert_eq!(share(60, 100, 100), (30, 30));
        assert_eq!(share(0, 100, 100), (CUT_MIN, CUT_MIN));
    }

    #[test]
    fn one_entry_is_shown_whole() {
        expect![[r#"
            entry      2
            when       2026-01-31T23:59:59.042Z
            who        ann (process 7)
            operation  install 1.1.0
            from       1.0.0
            to         1.1.0
            result     failed to find a way from release 1.0.0 to 1.1.0: no relup has one
            exit code  3
            took       43 ms
            message    a\u{1b}[2J
        "#]]
        .assert_eq(&past().entries[1].show());
        let first = past().entries[0].show();
        assert!(
            first.contains("median 12 us, p99 40 us, max 55 us"),
            "{first}"
        );
    }
}

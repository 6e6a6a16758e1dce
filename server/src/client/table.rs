//! Tables for terminals: columns that fit the width, without control sequences.

use comfy_table::{ContentArrangement, Table, presets};
pub(crate) use pq_term::printable;

/// Formats a table with a heading. Without a terminal the length of lines is not limited.
pub(crate) fn table(heading: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(heading.to_vec());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// The number of columns of the terminal; `None` if stdout is no terminal.
pub(crate) fn terminal_width() -> Option<usize> {
    Table::new().width().map(usize::from)
}

/// Returns the text, or its beginning and `…` if the text is longer than `room` columns.
pub(crate) fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_string(),
        Some(_) => {
            let kept = text.chars().take(room.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// A number with its words in the singular or the plural: `1 client`, `2 clients`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        _ => format!("{count} {many}"),
    }
}

/// Formats lines of a label and a value; lines with an empty value are left out.
pub(crate) fn lines(lines: &[(&str, String)]) -> String {
    let filled = || lines.iter().filter(|(_, text)| !text.is_empty());
    let width = filled().map(|(label, _)| label.len()).max().unwrap_or(0);
    let line = |(label, text): &(&str, String)| format!("{label:width$}  {}\n", printable(text));
    filled().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn columns_stand_below_their_headings() {
        let row = |cells: [&str; 3]| cells.map(str::to_string).to_vec();
        let rows = [
            row(["Ann", "", "gen_fsm"]),
            row(["勇者", "<0.1.2>", "\u{1b}[31m"]),
        ];
        expect![[r"
            NAME  PID      KIND
            Ann            gen_fsm
            勇者  <0.1.2>  \u{1b}[31m"]]
        .assert_eq(&table(&["NAME", "PID", "KIND"], rows));
    }

    #[test]
    fn one_thing_is_not_counted_as_many() {
        let clients = |count| counted(count, "client", "clients");
        assert_eq!(
            [0, 1, 2].map(clients),
            ["0 clients", "1 client", "2 clients"]
        );
    }

    #[test]
    fn what_is_cut_says_so() {
        assert_eq!(cut("quests", 6), "quests");
        assert_eq!(cut("quests", 5), "ques…");
        assert_eq!(cut("勇者勇者", 3), "勇者…");
    }

    #[test]
    fn labels_stand_above_each_other_and_nothing_stands_for_itself() {
        let text = lines(&[
            ("release", "1.0.0".to_string()),
            ("operations", String::new()),
            ("up", "3 s".to_string()),
        ]);
        assert_eq!(text, "release  1.0.0\nup       3 s\n");
    }
}

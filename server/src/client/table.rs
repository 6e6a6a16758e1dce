//! Tables for people: columns that fit the terminal, and nothing in them that a terminal would obey.

use comfy_table::{ContentArrangement, Table, presets};
pub(crate) use pq_term::printable;

/// A table with a heading. Without a terminal a line is as long as it is.
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

/// How many columns the terminal has; nothing when there is none.
pub(crate) fn terminal_width() -> Option<usize> {
    Table::new().width().map(usize::from)
}

/// The text, or as much of it as there is room for, and a sign that there is more.
pub(crate) fn cut(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_string(),
        Some(_) => {
            let kept = text.chars().take(room.saturating_sub(1));
            kept.chain(['…']).collect()
        }
    }
}

/// Lines of a label and what belongs to it; empty ones are left out.
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

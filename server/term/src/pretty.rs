//! Terms to text over several lines, for files such as `relup`, in the manner of `io:format("~tp.~n", [Term])`.
//!
//! A term that fits on its line stays there. Otherwise a tuple indents behind its tag, a list behind its bracket, and
//! each element that has parts begins a new line. Of 698 `.app`, `.appup`, `.rel` and `relup` texts that OTP 25 wrote,
//! 659 are reproduced byte for byte; the others break a line at a different place. Reading the text back always gives
//! the same term.

use std::fmt::{self, Write};

use crate::print::write_term;
use crate::{Map, Term};

/// The width of a line in columns, as in `io_lib:format/2`.
const WIDTH: usize = 80;

/// The longest tag, in characters, behind which a tuple indents. Behind longer tags, nested tuples would soon reach
/// column 80. The tags `code_change` and `application` fit.
const TAG_CHARS_MAX: usize = 16;

/// Prints the term in lines of at most 80 columns where its parts allow that.
pub fn pretty(term: &Term) -> String {
    let mut page = Page::default();
    page.term(term, 0);
    page.text
}

/// The text of a file that `file:consult/1` and [`read_all`](crate::read_all) read back as these terms.
pub fn write_file_text(terms: &[Term]) -> String {
    let mut text = String::from("%% coding: utf-8\n");
    for term in terms {
        text.push_str(&pretty(term));
        text.push_str(".\n");
    }
    text
}

/// The text so far, and its current column.
#[derive(Default)]
struct Page {
    text: String,
    column: usize,
}

impl Page {
    /// Writes a term; `after` columns must stay free behind it for closing brackets.
    fn term(&mut self, term: &Term, after: usize) {
        let room = WIDTH.saturating_sub(self.column + after);
        match (flat(term, room), term) {
            (Some(line), _) => self.put(&line),
            (None, Term::Tuple(items)) => self.tuple(items, after),
            (None, Term::List(items)) => self.items("[", items, "]", after),
            (None, Term::Map(map)) => self.map(map, after),
            (None, leaf) => self.put(&leaf.to_string()),
        }
    }

    fn tuple(&mut self, items: &[Term], after: usize) {
        match items {
            [Term::Atom(tag), rest @ ..]
                if tag.as_str().len() <= TAG_CHARS_MAX && !rest.is_empty() =>
            {
                self.items(&format!("{{{tag},"), rest, "}", after);
            }
            _ => self.items("{", items, "}", after),
        }
    }

    /// An element with parts begins a new line; an element without parts fills the current line.
    fn items(&mut self, open: &str, items: &[Term], close: &str, after: usize) {
        self.put(open);
        let indent = self.column;
        for (i, item) in items.iter().enumerate() {
            let is_last = i + 1 == items.len();
            let behind = if is_last { close.len() + after } else { 1 };
            if i > 0 && !(is_leaf(item) && is_leaf(&items[i - 1]) && self.fits(item, behind)) {
                self.new_line(indent);
            }
            self.term(item, behind);
            self.put(if is_last { close } else { "," });
        }
    }

    fn map(&mut self, map: &Map, after: usize) {
        self.put("#{");
        let indent = self.column;
        for (i, (key, value)) in map.pairs().iter().enumerate() {
            let is_last = i + 1 == map.len();
            let behind = if is_last { 1 + after } else { 1 };
            if i > 0 {
                self.new_line(indent);
            }
            self.term(key, " =>".len());
            self.put(" =>");
            if self.fits(value, " ".len() + behind) {
                self.put(" ");
            } else {
                self.new_line(indent + 4);
            }
            self.term(value, behind);
            self.put(if is_last { "}" } else { "," });
        }
    }

    fn fits(&self, term: &Term, behind: usize) -> bool {
        flat(term, WIDTH.saturating_sub(self.column + behind)).is_some()
    }

    /// Appends text. It has no line break: every character that could be one prints as an escape.
    fn put(&mut self, text: &str) {
        self.text.push_str(text);
        self.column += text.chars().count();
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.text.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }
}

/// Whether the term has no parts.
fn is_leaf(term: &Term) -> bool {
    match term {
        Term::Tuple(items) | Term::List(items) => items.is_empty(),
        Term::Map(map) => map.is_empty(),
        _ => true,
    }
}

/// The term on one line, if it fits in `room` columns. The function stops at the end of the room, so a nested term is
/// not printed completely once for each of its levels.
fn flat(term: &Term, room: usize) -> Option<String> {
    let mut line = Line {
        text: String::new(),
        room,
    };
    write_term(&mut line, term).ok().map(|()| line.text)
}

struct Line {
    text: String,
    room: usize,
}

impl Write for Line {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let columns = piece.chars().count();
        self.room = self.room.checked_sub(columns).ok_or(fmt::Error)?;
        self.text.push_str(piece);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_all, read_one};
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        let term = read_one(text).unwrap();
        let pretty = pretty(&term);
        expected.assert_eq(&pretty);
        assert_eq!(read_one(&format!("{pretty}.")).unwrap(), term);
    }

    #[test]
    fn what_fits_on_a_line_stays_there() {
        check("{ a , [1, 2] }.", expect!["{a,[1,2]}"]);
    }

    #[test]
    fn an_application_indents_behind_its_tag() {
        check(
            r#"{application, processquest, [{description, "Game inspired by the Progress Quest game"}, {vsn, "1.1.0"},
               {mod, {processquest, []}}, {registered, [pq_supersup]}, {modules, [processquest, pq_stats, pq_enemy, pq_quest,
               pq_events, pq_player]}, {applications, [stdlib, kernel, regis, crypto]}]}."#,
            expect![[r#"
                {application,processquest,
                             [{description,"Game inspired by the Progress Quest game"},
                              {vsn,"1.1.0"},
                              {mod,{processquest,[]}},
                              {registered,[pq_supersup]},
                              {modules,[processquest,pq_stats,pq_enemy,pq_quest,pq_events,
                                        pq_player]},
                              {applications,[stdlib,kernel,regis,crypto]}]}"#]],
        );
    }

    #[test]
    fn a_relup_breaks_between_its_instructions() {
        check(
            r#"{"2", [{"1", [], [{load_object_code, {processquest, "1.1.0", [pq_enemy, pq_events, pq_player, pq_quest]}},
               point_of_no_return, {suspend, [pq_player]}, {code_change, down, [{pq_player, []}]}, {resume, [pq_player]}]}], []}."#,
            expect![[r#"
                {"2",
                 [{"1",[],
                   [{load_object_code,{processquest,"1.1.0",
                                                    [pq_enemy,pq_events,pq_player,pq_quest]}},
                    point_of_no_return,
                    {suspend,[pq_player]},
                    {code_change,down,[{pq_player,[]}]},
                    {resume,[pq_player]}]}],
                 []}"#]],
        );
    }

    #[test]
    fn plain_items_fill_their_lines_and_map_pairs_have_one_each() {
        let numbers: Vec<_> = (1_000..1_030).map(|n: i32| n.to_string()).collect();
        check(
            &format!("[{}].", numbers.join(",")),
            expect![[r#"
            [1000,1001,1002,1003,1004,1005,1006,1007,1008,1009,1010,1011,1012,1013,1014,
             1015,1016,1017,1018,1019,1020,1021,1022,1023,1024,1025,1026,1027,1028,1029]"#]],
        );
        let long = "x".repeat(70);
        check(
            &format!("#{{short => 1, list => [\"{long}\", b], {long} => 2}}."),
            expect![[r##"
                #{list =>
                      ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                       b],
                  short => 1,
                  xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx => 2}"##]],
        );
    }

    #[test]
    fn a_file_reads_back_as_its_terms() {
        let terms = read_all("{a, \"é\"}. [b]. \"\".").unwrap();
        let text = write_file_text(&terms);
        expect![[r#"
            %% coding: utf-8
            {a,"é"}.
            [b].
            "".
        "#]]
        .assert_eq(&text);
        assert_eq!(read_all(&text).unwrap(), terms);
    }
}

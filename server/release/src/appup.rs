//! `.appup` files (`appup(4)`): how an application gets from one version to another.
//!
//! This module selects the entry for a version; `systools` interprets its instructions. [`generate`] makes an appup from two
//! libraries, and finds the places where an appup does not fit them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pq_otp::Direction;
use pq_term::Term;

use crate::consult::Sheet;
use crate::file_error::{FileError, path_term};
use crate::places;
use crate::terms;

mod extras;
pub mod generate;

pub mod pattern;

/// The form of an `.appup` file, for errors.
const WANTED: &str = "`{Vsn, [{UpFromVsn, Instructions}], [{DownToVsn, Instructions}]}`";

/// An `.appup` file: the ways to one version of an application and back from it.
#[derive(Debug, Clone)]
pub struct Appup {
    /// The version that the ways lead to. It may be any term: the caller compares it with the version of the application.
    pub vsn: Term,
    up: Vec<Term>,
    down: Vec<Term>,
    source: Arc<Source>,
}

/// The text of a file, kept to find the line of a term later.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Source {
    file: PathBuf,
    text: String,
}

/// The place of a term in an `.appup` file.
#[derive(Debug, Clone)]
pub(crate) struct Origin {
    source: Arc<Source>,
    path: Vec<usize>,
}

/// The instructions of one way, not yet interpreted.
#[derive(Debug, Clone)]
pub(crate) struct Instructions {
    pub(crate) term: Term,
    pub(crate) origin: Origin,
    /// The errors of earlier ways with unusable patterns. The author may have meant one of those ways.
    pub(crate) passed_over: Vec<FileError>,
}

impl Origin {
    /// The origin of the element with this index.
    pub(crate) fn part(&self, index: usize) -> Origin {
        let mut part = self.clone();
        part.path.push(index);
        part
    }

    pub(crate) fn file(&self) -> &Path {
        &self.source.file
    }

    /// The line (from 1). It is computed on demand because only errors need it.
    pub(crate) fn line(&self) -> usize {
        places::line_at(&self.source.text, &self.path)
    }
}

impl Appup {
    /// Parses the text of an `.appup` file. As in OTP, only the first term counts.
    ///
    /// # Errors
    /// When the text is not Erlang terms or is empty (`{read,File}`), or the first term is no appup (`{ok,Term}`).
    pub fn parse(file: &Path, text: &str) -> Result<Appup, FileError> {
        let sheet = Sheet::read(file, text, WANTED)?;
        let parts = sheet.term.as_tuple().unwrap_or_default();
        let [vsn, up, down] = parts else {
            return Err(bad(&sheet));
        };
        let (Some(up), Some(down)) = (terms::list(up), terms::list(down)) else {
            return Err(bad(&sheet));
        };
        let source = Source {
            file: file.to_path_buf(),
            text: text.to_string(),
        };
        Ok(Appup {
            vsn: vsn.clone(),
            up: up.to_vec(),
            down: down.to_vec(),
            source: Arc::new(source),
        })
    }

    /// The instructions of the first way for this version. A way is for a version when its string is equal to the version or
    /// its binary is a pattern that matches the whole version. Entries of another form are ignored, as OTP does. Unusable
    /// patterns are ignored when another way is for this version.
    ///
    /// # Errors
    /// When no way is for this version and a pattern is unusable.
    pub(crate) fn way(
        &self,
        direction: Direction,
        vsn: &str,
    ) -> Result<Option<Instructions>, FileError> {
        let side = self.side(direction);
        let mut passed_over = Vec::new();
        for (at, entry) in self.entries(direction).iter().enumerate() {
            let Some([version, term]) = entry.as_tuple() else {
                continue;
            };
            match self.is_for(version, vsn, &[side, at, 0]) {
                Ok(true) => {
                    return Ok(Some(Instructions {
                        term: term.clone(),
                        origin: self.origin(vec![side, at, 1]),
                        passed_over,
                    }));
                }
                Ok(false) => {}
                Err(error) => passed_over.push(error),
            }
        }
        match passed_over.into_iter().next() {
            None => Ok(None),
            Some(error) => Err(error),
        }
    }

    /// Whether the appup has a way from this version and one to it.
    pub fn leads(&self, vsn: &str) -> bool {
        let has = |direction| matches!(self.way(direction, vsn), Ok(Some(_)));
        has(Direction::Up) && has(Direction::Down)
    }

    fn origin(&self, path: Vec<usize>) -> Origin {
        let source = self.source.clone();
        Origin { source, path }
    }

    /// The path of the `.appup` file.
    pub fn file(&self) -> &Path {
        &self.source.file
    }

    /// The versions that have a way in this direction, as text for a message.
    pub(crate) fn versions(&self, direction: Direction) -> String {
        let version = |entry: &Term| {
            entry
                .as_tuple()
                .and_then(|parts| parts.first())
                .map(Term::to_string)
        };
        let versions: Vec<_> = self.entries(direction).iter().filter_map(version).collect();
        match versions.is_empty() {
            true => "none".to_string(),
            false => versions.join(", "),
        }
    }

    /// The line (from 1) of the version that the ways lead to.
    pub(crate) fn vsn_line(&self) -> usize {
        places::line_at(&self.source.text, &[0])
    }

    /// The line (from 1) of the ways in this direction.
    pub(crate) fn line(&self, direction: Direction) -> usize {
        places::line_at(&self.source.text, &[self.side(direction)])
    }

    fn side(&self, direction: Direction) -> usize {
        match direction {
            Direction::Up => 1,
            Direction::Down => 2,
        }
    }

    fn entries(&self, direction: Direction) -> &[Term] {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    fn is_for(&self, version: &Term, vsn: &str, path: &[usize]) -> Result<bool, FileError> {
        let Some(bytes) = version.as_binary() else {
            return Ok(terms::text(version).is_some_and(|text| text == vsn));
        };
        let matches =
            std::str::from_utf8(bytes).map_err(|_| "a pattern is text in UTF-8".to_string());
        let matches = matches.and_then(|pattern| pattern::matches_all(pattern, vsn));
        matches.map_err(|wrong| FileError::Content {
            file: self.source.file.clone(),
            line: places::line_at(&self.source.text, path),
            sentence: format!("the pattern `{version}` cannot be used: {wrong}"),
            term: terms::tagged("bad_pattern", version.clone()),
        })
    }
}

fn bad(sheet: &Sheet<'_>) -> FileError {
    let sentence = format!("this is no appup; {WANTED} would be right");
    sheet.wrong(&[], sentence, terms::tagged("ok", sheet.term.clone()))
}

/// OTP's term for a problem with an `.appup`: `{file_problem,{File,{error,Why}}}`, or with `{ok,Term}` when the file was read
/// and holds something else.
pub(crate) fn file_problem(error: &FileError) -> Term {
    let why = error.to_term();
    let is_read = matches!(why.as_tuple(), Some([tag, _]) if tag.is_atom("ok"));
    let why = if is_read {
        why
    } else {
        terms::tagged("error", why)
    };
    terms::tagged("file_problem", Term::tuple([path_term(error.file()), why]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn parse(text: &str) -> Result<Appup, FileError> {
        Appup::parse(Path::new("a.appup"), text)
    }

    #[test]
    fn the_first_way_that_is_for_the_version_counts() {
        let appup = parse("{\"2\",\n [stray, {\"1.0\", [one]},\n  {<<\"1\\\\..\">>, [two]}, {\"1.1\", [three]}],\n []}.").unwrap();
        let way = |vsn| {
            appup
                .way(Direction::Up, vsn)
                .unwrap()
                .map(|way| (way.term.to_string(), way.origin.line()))
        };
        assert_eq!(way("1.0"), Some(("[one]".to_string(), 2)));
        assert_eq!(way("1.1"), Some(("[two]".to_string(), 3)));
        assert_eq!(way("1.10"), None);
        assert!(appup.way(Direction::Down, "1.0").unwrap().is_none());
        assert_eq!(
            appup.versions(Direction::Up),
            r#""1.0", <<"1\\..">>, "1.1""#
        );
    }

    #[test]
    fn what_is_no_appup_is_refused() {
        let check = |text: &str, expected: Expect| {
            let error = parse(text).unwrap_err();
            expected.assert_eq(&format!("{error}\n{}", file_problem(&error)));
        };
        check(
            "{\"2\", []}.",
            expect![[r#"
            read a.appup: line 1: this is no appup; `{Vsn, [{UpFromVsn, Instructions}], [{DownToVsn, Instructions}]}` would be right ({ok,{"2",[]}})
            {file_problem,{"a.appup",{ok,{"2",[]}}}}"#]],
        );
        check(
            "",
            expect![[r#"
            read a.appup: line 1: the file holds no term; `{Vsn, [{UpFromVsn, Instructions}], [{DownToVsn, Instructions}]}` would be right ({read,"a.appup"})
            {file_problem,{"a.appup",{error,{read,"a.appup"}}}}"#]],
        );
        check(
            "{\"2\", [}.",
            expect![[r#"
            read a.appup: line 1, column 8: found `}`, expected a term
            {file_problem,{"a.appup",{error,{parse,"a.appup",{1,erl_parse,"found `}`, expected a term"}}}}}"#]],
        );
    }

    #[test]
    fn a_pattern_that_cannot_be_used_hides_no_later_way() {
        let appup =
            parse("{\"2\",\n [{<<\"1(\">>, [one]},\n {<<255>>, [two]}, {\"1\", [three]}], []}.")
                .unwrap();
        let way = appup.way(Direction::Up, "1").unwrap().unwrap();
        assert_eq!(way.term.to_string(), "[three]");
        let lines = way.passed_over.iter().map(FileError::line);
        assert_eq!(lines.collect::<Vec<_>>(), [Some(2), Some(3)]);
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_named_with_its_line() {
        let appup = parse("{\"2\",\n [{<<\"1(\">>, []}], []}.").unwrap();
        expect![[r#"read a.appup: line 2: the pattern `<<"1(">>` cannot be used: at byte 2 of it, missing closing parenthesis ({bad_pattern,<<"1(">>})"#]].assert_eq(&appup.way(Direction::Up, "1").unwrap_err().to_string());
    }
}

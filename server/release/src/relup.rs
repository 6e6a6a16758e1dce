//! `relup` files: the ways to a release from other releases, and back (`relup(4)`).
//!
//! `systools` makes them, and the release handler carries them out.

use std::collections::BTreeSet;
use std::path::Path;

use pq_term::{Atom, Term};

use crate::consult::{Sheet, read_text};
use crate::file_error::{FileError, path_term};
use crate::instruction::{Converters, Instruction};
use crate::places;
use crate::terms;
use pq_files::durable::{self, WriteError};

/// The form of the file, for errors.
const WANTED: &str =
    "`{Vsn, [{UpFromVsn, Descr, Instructions}], [{DownToVsn, Descr, Instructions}]}`";

/// The ways to and from a release.
#[derive(Debug, Clone, PartialEq)]
pub struct Relup {
    /// The version of the release.
    pub vsn: String,
    /// The ways up to the release.
    pub up: Vec<Way>,
    /// The ways down from the release.
    pub down: Vec<Way>,
}

/// One way between two releases.
#[derive(Debug, Clone, PartialEq)]
pub struct Way {
    /// The version of the other release.
    pub vsn: String,
    /// The author's description of the way; any term, `[]` by default.
    pub description: Term,
    /// The instructions of the way, in order.
    pub script: Vec<Instruction>,
}

impl Relup {
    /// Reads a `relup`.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Relup::parse`].
    pub fn read(file: &Path) -> Result<Relup, FileError> {
        Relup::parse(file, &read_text(file)?)
    }

    /// Parses the text of a `relup`.
    ///
    /// # Errors
    /// With the line of the first wrong part; for an instruction with the term of `systools`, such as `{bad_instruction,I}`.
    pub fn parse(file: &Path, text: &str) -> Result<Relup, FileError> {
        let sheet = Sheet::read(file, text, WANTED)?;
        let Some([vsn, up, down]) = sheet.term.as_tuple() else {
            return Err(bad(&sheet, &[], &sheet.term));
        };
        Ok(Relup {
            vsn: terms::text(vsn).ok_or_else(|| bad(&sheet, &[0], vsn))?,
            up: ways(&sheet, 1, up)?,
            down: ways(&sheet, 2, down)?,
        })
    }

    /// Reads the `relup` of the release with this version.
    ///
    /// # Errors
    /// As [`Relup::read`], and `{bad_relup_file,File}` when the file belongs to another release.
    pub fn read_of(file: &Path, vsn: &str) -> Result<Relup, FileError> {
        Relup::parse_of(file, &read_text(file)?, vsn)
    }

    /// Parses the text of the `relup` of the release with this version.
    ///
    /// # Errors
    /// As [`Relup::parse`], and `{bad_relup_file,File}` when the file belongs to another release.
    pub fn parse_of(file: &Path, text: &str, vsn: &str) -> Result<Relup, FileError> {
        let relup = Relup::parse(file, text)?;
        match relup.vsn == vsn {
            true => Ok(relup),
            false => Err(FileError::Content {
                file: file.to_path_buf(),
                line: places::line_at(text, &[0]),
                sentence: format!("it is for release {}; {vsn} would be right", relup.vsn),
                term: terms::tagged("bad_relup_file", path_term(file)),
            }),
        }
    }

    /// Writes the file atomically.
    ///
    /// # Errors
    /// When the operating system fails; the file is unchanged then.
    pub fn write(&self, file: &Path) -> Result<(), WriteError> {
        durable::write(file, self.to_text().as_bytes())
    }

    /// The text of the file, as OTP writes it.
    pub fn to_text(&self) -> String {
        pq_term::write_file_text(&[self.to_term()])
    }

    /// The relup as the term `{Vsn, Up, Down}`.
    pub fn to_term(&self) -> Term {
        let ways = |ways: &[Way]| ways.iter().map(Way::to_term).collect::<Term>();
        Term::tuple([
            Term::string(self.vsn.as_str()),
            ways(&self.up),
            ways(&self.down),
        ])
    }

    /// The way up from the release with this version.
    pub fn up_from(&self, vsn: &str) -> Option<&Way> {
        self.up.iter().find(|way| way.vsn == vsn)
    }

    /// The applications and versions through which states go on the ways, in between.
    pub fn converters(&self) -> BTreeSet<(Atom, String)> {
        let ways = self.up.iter().chain(&self.down);
        let converters = ways.flat_map(Way::converters);
        converters.map(|it| (it.lib, it.vsn.clone())).collect()
    }

    /// The way down to the release with this version.
    pub fn down_to(&self, vsn: &str) -> Option<&Way> {
        self.down.iter().find(|way| way.vsn == vsn)
    }
}

impl Way {
    /// The versions in between through which states go, in the order of the way.
    pub fn converters(&self) -> impl Iterator<Item = &Converters> {
        self.script.iter().filter_map(|it| match it {
            Instruction::LoadConverters(converters) => Some(converters),
            _ => None,
        })
    }

    fn to_term(&self) -> Term {
        let script = self.script.iter().map(Instruction::to_term).collect();
        Term::tuple([
            Term::string(self.vsn.as_str()),
            self.description.clone(),
            script,
        ])
    }
}

fn ways(sheet: &Sheet<'_>, side: usize, term: &Term) -> Result<Vec<Way>, FileError> {
    let Some(items) = terms::list(term) else {
        return Err(bad(sheet, &[side], term));
    };
    let way = |(at, item)| way(sheet, &[side, at], item);
    items.iter().enumerate().map(way).collect()
}

fn way(sheet: &Sheet<'_>, path: &[usize; 2], item: &Term) -> Result<Way, FileError> {
    let parts = item.as_tuple().unwrap_or_default();
    let [vsn, description, script] = parts else {
        return Err(bad(sheet, path, item));
    };
    let (Some(vsn), Some(script)) = (terms::text(vsn), terms::list(script)) else {
        return Err(bad(sheet, path, item));
    };
    let instruction = |(at, term): (usize, &Term)| {
        Instruction::read(term).map_err(|error| {
            let path = [path[0], path[1], 2, at];
            sheet.wrong(&path, error.sentence(), error.to_term())
        })
    };
    Ok(Way {
        vsn,
        description: description.clone(),
        script: script
            .iter()
            .enumerate()
            .map(instruction)
            .collect::<Result<_, _>>()?,
    })
}

fn bad(sheet: &Sheet<'_>, path: &[usize], found: &Term) -> FileError {
    let sentence = format!("`{found}`; the file is {WANTED}");
    sheet.wrong(path, sentence, terms::tagged("bad_relup", found.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// Output of OTP 25.
    const TEXT: &str = r#"%% coding: utf-8
{"B",
 [{"A",[],
   [{load_object_code,{a,"2",[m1]}},
    point_of_no_return,
    {load,{m1,brutal_purge,brutal_purge}}]}],
 [{"A",[],[point_of_no_return]}]}.
"#;

    #[test]
    fn a_file_of_otp_is_written_as_it_was_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("relup");
        let relup = Relup::parse(Path::new("relup"), TEXT).unwrap();
        relup.write(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), TEXT);
        assert_eq!(Relup::read(&file), Ok(relup));
    }

    #[test]
    fn a_way_is_found_by_the_version_of_the_other_release() {
        let relup = Relup::parse(Path::new("relup"), TEXT).unwrap();
        assert_eq!(relup.up_from("A").unwrap().script.len(), 3);
        assert_eq!(
            relup.down_to("A").unwrap().script,
            [Instruction::PointOfNoReturn]
        );
        assert_eq!(relup.up_from("B"), None);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |piece: &str, other: &str, expected: Expect| {
            assert!(TEXT.contains(piece));
            let error = Relup::parse(Path::new("relup"), &TEXT.replace(piece, other)).unwrap_err();
            expected.assert_eq(&error.to_string());
        };
        check(
            "{m1,brutal_purge,brutal_purge}",
            "{m1,brutal_purge,brutal}",
            expect![
                "read relup: line 6: `brutal`; soft_purge or brutal_purge would be right ({bad_purge_method,brutal})"
            ],
        );
        check(
            "    point_of_no_return,",
            "    point_of_return,",
            expect![
                "read relup: line 5: `point_of_return`; one of the instructions of appup(4) would be right ({bad_instruction,point_of_return})"
            ],
        );
        check(
            "{\"A\",[],[point_of_no_return]}",
            "{\"A\",[point_of_no_return]}",
            expect![[
                r#"read relup: line 7: `{"A",[point_of_no_return]}`; the file is `{Vsn, [{UpFromVsn, Descr, Instructions}], [{DownToVsn, Descr, Instructions}]}` ({bad_relup,{"A",[point_of_no_return]}})"#
            ]],
        );
        check(
            "\"B\"",
            "'B'",
            expect![
                "read relup: line 2: `'B'`; the file is `{Vsn, [{UpFromVsn, Descr, Instructions}], [{DownToVsn, Descr, Instructions}]}` ({bad_relup,'B'})"
            ],
        );
    }
}

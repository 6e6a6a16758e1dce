//! `RELEASES`: the releases of a node and their statuses (`release_handler(3)`).
//!
//! This module reads and writes the file in OTP's format; `registry` changes statuses.

use std::path::Path;

use pq_term::{Atom, Term};

use crate::consult::{Sheet, read_text};
use crate::file_error::FileError;
use crate::layout;
use crate::rel::{Rel, RelApp};
use crate::terms;
use pq_files::durable::{self, WriteError};

/// The form of the file, for errors.
const WANTED: &str = "`[{release, Name, Vsn, ErtsVsn, [{Application, Vsn, Folder}], Status}]`";

/// The contents of the file: all releases, newest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Releases(pub Vec<Release>);

/// One release of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// The name of the release, such as `pq`.
    pub name: String,
    /// The version of the release: the unique key.
    pub vsn: String,
    /// The version of the runtime that the release needs.
    pub erts_vsn: String,
    /// The applications of the release, with their directories.
    pub libs: Vec<Lib>,
    /// The status of the release in this node.
    pub status: Status,
}

/// One application of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lib {
    /// The name of the application.
    pub name: Atom,
    /// The version of the application.
    pub vsn: String,
    /// The directory of the application, relative to the root (`lib/App-Vsn`) or absolute.
    pub folder: String,
}

/// The status of a release (`release_handler(3)`, "which_releases").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The files of the release are in the tree.
    Unpacked,
    /// The release runs, but another one boots next time. On the disk its status is [`Status::Unpacked`].
    Current,
    /// The release runs after the pending restart.
    TmpCurrent,
    /// The release boots next time.
    Permanent,
    /// The release ran or was permanent before.
    Old,
}

impl Status {
    const ALL: [Status; 5] = [
        Status::Unpacked,
        Status::Current,
        Status::TmpCurrent,
        Status::Permanent,
        Status::Old,
    ];

    /// OTP's atom for the status.
    pub fn word(self) -> &'static str {
        match self {
            Status::Unpacked => "unpacked",
            Status::Current => "current",
            Status::TmpCurrent => "tmp_current",
            Status::Permanent => "permanent",
            Status::Old => "old",
        }
    }

    /// The status in the file: after a crash during a merely current release, the permanent release boots.
    fn on_disk(self) -> Status {
        match self {
            Status::Current => Status::Unpacked,
            other => other,
        }
    }
}

impl Releases {
    /// Reads a `RELEASES` file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Releases::parse`].
    pub fn read(file: &Path) -> Result<Releases, FileError> {
        Releases::parse(file, &read_text(file)?)
    }

    /// Parses the text of a `RELEASES` file.
    ///
    /// # Errors
    /// With the line of the first malformed release, or of one with a duplicate version.
    pub fn parse(file: &Path, text: &str) -> Result<Releases, FileError> {
        let sheet = Sheet::read(file, text, WANTED)?;
        let Some(items) = terms::list(&sheet.term) else {
            return Err(bad(&sheet, &[], &sheet.term));
        };
        let mut releases = Releases::default();
        for (at, item) in items.iter().enumerate() {
            let release = release(item).map_err(|part| {
                let path = [vec![at], part].concat();
                bad(&sheet, &path, terms::part(&sheet.term, &path))
            })?;
            if releases.find(&release.vsn).is_some() {
                let sentence = format!(
                    "release {} is listed twice; remove one of the two entries",
                    release.vsn
                );
                let term = terms::tagged("existing_release", Term::string(release.vsn.as_str()));
                return Err(sheet.wrong(&[at], sentence, term));
            }
            releases.0.push(release);
        }
        Ok(releases)
    }

    /// Writes the file atomically. A merely current release is written as unpacked, as OTP does.
    ///
    /// # Errors
    /// When the operating system fails; the file is unchanged then.
    pub fn write(&self, file: &Path) -> Result<(), WriteError> {
        durable::write(file, self.to_text().as_bytes())
    }

    /// The text of the file.
    pub fn to_text(&self) -> String {
        let term: Term = self.0.iter().map(Release::to_term).collect();
        pq_term::write_file_text(&[term])
    }

    /// The release of this version; `None` when the list has none.
    pub fn find(&self, vsn: &str) -> Option<&Release> {
        self.0.iter().find(|release| release.vsn == vsn)
    }

    /// The release that boots next time; `None` when no release is permanent.
    pub fn permanent(&self) -> Option<&Release> {
        self.0
            .iter()
            .find(|release| release.status == Status::Permanent)
    }
}

impl Release {
    /// The entry of a release whose applications are all below `lib`.
    pub fn of(rel: &Rel, status: Status) -> Release {
        let lib = |app: &RelApp| Lib {
            name: app.name,
            vsn: app.vsn.clone(),
            folder: layout::lib_name(app.name.as_str(), &app.vsn),
        };
        Release {
            name: rel.name.clone(),
            vsn: rel.vsn.clone(),
            erts_vsn: rel.erts_vsn.clone(),
            libs: rel.applications.iter().map(lib).collect(),
            status,
        }
    }

    fn to_term(&self) -> Term {
        let lib = |lib: &Lib| {
            let (vsn, folder) = (lib.vsn.as_str(), lib.folder.as_str());
            Term::tuple([
                Term::Atom(lib.name),
                Term::string(vsn),
                Term::string(folder),
            ])
        };
        Term::tuple([
            Term::atom("release"),
            Term::string(self.name.as_str()),
            Term::string(self.vsn.as_str()),
            Term::string(self.erts_vsn.as_str()),
            self.libs.iter().map(lib).collect(),
            Term::atom(self.status.on_disk().word()),
        ])
    }
}

fn bad(sheet: &Sheet<'_>, path: &[usize], found: &Term) -> FileError {
    let sentence = format!("`{found}`; the file is {WANTED}");
    sheet.wrong(path, sentence, terms::tagged("bad_releases", found.clone()))
}

/// Parses a release, or returns the path of the wrong part.
fn release(term: &Term) -> Result<Release, Vec<usize>> {
    let parts = term.as_tuple().unwrap_or_default();
    let [tag, _, _, _, libs, status] = parts else {
        return Err(Vec::new());
    };
    if !tag.is_atom("release") {
        return Err(vec![0]);
    }
    let text = |at: usize| terms::text(&parts[at]).ok_or(vec![at]);
    let libs = terms::list(libs).ok_or(vec![4])?.iter().enumerate();
    let mut statuses = Status::ALL.into_iter();
    Ok(Release {
        name: text(1)?,
        vsn: text(2)?,
        erts_vsn: text(3)?,
        libs: libs
            .map(|(nth, item)| lib(item).ok_or(vec![4, nth]))
            .collect::<Result<_, _>>()?,
        status: statuses
            .find(|known| status.is_atom(known.word()))
            .ok_or(vec![5])?,
    })
}

fn lib(term: &Term) -> Option<Lib> {
    let [Term::Atom(name), vsn, folder] = term.as_tuple()? else {
        return None;
    };
    Some(Lib {
        name: *name,
        vsn: terms::text(vsn)?,
        folder: terms::text(folder)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    /// Output of OTP 25.
    const TEXT: &str = r#"%% coding: utf-8
[{release,"tarel","B","13.1.5",
          [{kernel,"8.5.3","lib/kernel-8.5.3"},
           {stdlib,"4.2","lib/stdlib-4.2"},
           {sasl,"4.2","lib/sasl-4.2"},
           {ta,"2","lib/ta-2"}],
          unpacked},
 {release,"tarel","A","13.1.5",
          [{kernel,"8.5.3","lib/kernel-8.5.3"},
           {stdlib,"4.2","lib/stdlib-4.2"},
           {sasl,"4.2","lib/sasl-4.2"},
           {ta,"1","lib/ta-1"}],
          permanent}].
"#;

    fn read(text: &str) -> Result<Releases, FileError> {
        Releases::parse(Path::new("RELEASES"), text)
    }

    #[test]
    fn a_file_of_otp_is_written_as_it_was_read() {
        let releases = read(TEXT).unwrap();
        assert_eq!(releases.permanent().unwrap().vsn, "A");
        assert_eq!(releases.find("B").unwrap().libs[3].folder, "lib/ta-2");
        assert_eq!(releases.to_text(), TEXT);
    }

    #[test]
    fn a_release_that_merely_runs_is_unpacked_on_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("RELEASES");
        let mut releases = read(TEXT).unwrap();
        releases.0[0].status = Status::Current;
        releases.write(&file).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), TEXT);
    }

    #[test]
    fn what_is_no_release_is_named_with_its_line() {
        let check =
            |text: &str, expected: Expect| expected.assert_eq(&read(text).unwrap_err().to_string());
        check(
            "[{release,\"r\",\"1\",\"1\",[],permanent},\n {release,\"r\",\"2\",\"1\",[],new}].",
            expect![
                "read RELEASES: line 2: `new`; the file is `[{release, Name, Vsn, ErtsVsn, [{Application, Vsn, Folder}], Status}]` ({bad_releases,new})"
            ],
        );
        check(
            "[{release,\"r\",\"1\",\"1\",[],permanent},\n {release,\"s\",\"1\",\"1\",[],old}].",
            expect![[
                r#"read RELEASES: line 2: release 1 is listed twice; remove one of the two entries ({existing_release,"1"})"#
            ]],
        );
        check(
            "{a}.",
            expect![
                "read RELEASES: line 1: `{a}`; the file is `[{release, Name, Vsn, ErtsVsn, [{Application, Vsn, Folder}], Status}]` ({bad_releases,{a}})"
            ],
        );
    }
}

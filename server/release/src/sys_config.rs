//! `sys.config`: settings over those of the `.app` files (`config(4)`).
//!
//! Unlike OTP, a file that cannot be read as such is an error and never the same as an empty one: an operator's
//! mistake must not become a node with other settings.

use std::io;
use std::path::Path;

use pq_otp::application::Settings;
use pq_term::{Atom, Term};

use crate::consult::{Sheet, read_text};
use crate::file_error::FileError;
use crate::terms;

/// What the file holds.
const WANTED: &str = "`[{Application, [{Key, Value}]}]`";

/// Reads a `sys.config`. A file that does not exist holds no settings.
///
/// # Errors
/// When the file exists and cannot be read, and as [`parse`].
pub fn read(file: &Path) -> Result<Settings, FileError> {
    match read_text(file) {
        Ok(text) => parse(file, &text),
        Err(FileError::Read {
            kind: io::ErrorKind::NotFound,
            ..
        }) => Ok(Settings::new()),
        Err(error) => Err(error),
    }
}

/// The settings in this text of a file.
///
/// # Errors
/// With the line of the first part that is wrong, or is there a second time.
pub fn parse(file: &Path, text: &str) -> Result<Settings, FileError> {
    let sheet = Sheet::read(file, text, WANTED)?;
    let Some(applications) = terms::list(&sheet.term) else {
        return Err(bad(&sheet, &[], &sheet.term));
    };
    let mut settings = Settings::new();
    for (at, application) in applications.iter().enumerate() {
        let Some([Term::Atom(name), list]) = application.as_tuple() else {
            return Err(bad(&sheet, &[at], application));
        };
        let Some(pairs) = terms::list(list) else {
            return Err(bad(&sheet, &[at, 1], application));
        };
        for (nth, pair) in pairs.iter().enumerate() {
            add(&mut settings, &sheet, *name, (&[at, 1, nth], pair))?;
        }
    }
    Ok(settings)
}

fn add(
    settings: &mut Settings,
    sheet: &Sheet<'_>,
    name: Atom,
    (path, pair): (&[usize], &Term),
) -> Result<(), FileError> {
    let Some([Term::Atom(key), value]) = pair.as_tuple() else {
        return Err(bad(sheet, path, pair));
    };
    let place = (name.as_str().to_string(), key.as_str().to_string());
    match settings.insert(place, value.clone()) {
        None => Ok(()),
        Some(_) => {
            let sentence =
                format!("`{key}` of `{name}` is set a second time; one of the two has to go");
            Err(sheet.wrong(
                path,
                sentence,
                terms::tagged("duplicate_key", Term::Atom(*key)),
            ))
        }
    }
}

fn bad(sheet: &Sheet<'_>, path: &[usize], found: &Term) -> FileError {
    let sentence = format!("`{found}`; the file is {WANTED}");
    sheet.wrong(path, sentence, terms::tagged("bad_config", found.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(text: &str, expected: Expect) {
        match parse(Path::new("sys.config"), text) {
            Ok(settings) => expected.assert_eq(&format!("{settings:?}")),
            Err(error) => expected.assert_eq(&error.to_string()),
        }
    }

    #[test]
    fn settings_are_found_by_application_and_key() {
        check(
            "[{sockserv, [{port, 8082}, {tls, []}]}, {sasl, \"\"}].",
            expect![[r#"{("sockserv", "port"): 8082, ("sockserv", "tls"): []}"#]],
        );
        check("[].", expect!["{}"]);
    }

    #[test]
    fn what_is_no_setting_is_named_with_its_line() {
        check(
            "[{sockserv, [{port, 8082},\n {tls}]}].",
            expect![
                "read sys.config: line 2: `{tls}`; the file is `[{Application, [{Key, Value}]}]` ({bad_config,{tls}})"
            ],
        );
        check(
            "[\n\"other.config\"].",
            expect![[
                r#"read sys.config: line 2: `"other.config"`; the file is `[{Application, [{Key, Value}]}]` ({bad_config,"other.config"})"#
            ]],
        );
        check(
            "[{a, [{k, 1}]},\n {a, [{k, 2}]}].",
            expect![
                "read sys.config: line 2: `k` of `a` is set a second time; one of the two has to go ({duplicate_key,k})"
            ],
        );
        check(
            "[{a, [{k, 1}]}",
            expect![
                "read sys.config: line 1, column 15: found the end of the text, expected `,` or `]`"
            ],
        );
        check(
            "",
            expect![[
                r#"read sys.config: line 1: the file holds no term; `[{Application, [{Key, Value}]}]` would be right ({read,"sys.config"})"#
            ]],
        );
    }

    #[test]
    fn a_missing_file_holds_no_settings() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(&folder.path().join("sys.config")), Ok(Settings::new()));
        assert!(read(folder.path()).is_err(), "a folder is no file");
    }
}

//! `sys.config`: settings that override those of the `.app` files, and further files that it names (`config(4)`).
//!
//! ```text
//!   sys.config.src ── placeholders ─┐          [{app, [{key, value}]}, "site", …]
//!                                   ├► document ─┬► settings, later ones override earlier ones
//!   sys.config ─────────────────────┘            └► site.config, beside it or where the node was started
//! ```
//! The file `sys.config.src` of a release replaces its `sys.config`; the environment variables of the node are put in. Files
//! that `sys.config` names cannot name further files.
//!
//! Unlike in OTP, an unreadable file is an error and never treated as empty: a mistake of the operator must not start a node
//! with other settings.

mod document;
mod placeholders;

use std::io;
use std::path::{Component, Path, PathBuf};

use pq_otp::application::Settings;
use pq_term::Term;

use crate::consult::read_text;
use crate::file_error::{FileError, path_term};
use document::{Document, Entry, Role};
use placeholders::Missing;

/// The name of the settings file in a release's directory.
pub const FILE_NAME: &str = "sys.config";

/// The name of the template with `${NAME}` and `${NAME:-default}`, which takes precedence over [`FILE_NAME`].
pub const TEMPLATE_NAME: &str = "sys.config.src";

/// The settings of the release in this directory, for this process and its environment. A directory with neither file has no
/// settings.
///
/// # Errors
/// With the file and line at fault: a malformed setting, a variable that is not set and has no default, or a missing file that
/// the settings name.
pub fn read(folder: &Path) -> Result<Settings, FileError> {
    read_with(folder, &|name| std::env::var_os(name))
}

/// Looks up an environment variable.
type Environment<'a> = &'a dyn Fn(&str) -> Option<std::ffi::OsString>;

fn read_with(folder: &Path, environment: Environment<'_>) -> Result<Settings, FileError> {
    let Some(document) = document_of(folder, environment)? else {
        return Ok(Settings::new());
    };
    let mut settings = Settings::new();
    for entry in document.entries {
        match entry {
            Entry::Settings(pairs) => settings.extend(pairs),
            Entry::File { name, line } => {
                let file = place(folder, &name)
                    .ok_or_else(|| missing(folder, &document.file, line, &name))?;
                let named = Document::parse(&file, &read_text(&file)?, Role::Named)?;
                settings.extend(named.settings());
            }
        }
    }
    Ok(settings)
}

/// The settings file of the release, with the environment variables put in.
fn document_of(folder: &Path, environment: Environment<'_>) -> Result<Option<Document>, FileError> {
    let template = folder.join(TEMPLATE_NAME);
    if let Some(text) = text_if_there(&template)? {
        let filled = placeholders::fill(&template, &text, environment, Missing::Refused)?;
        let document = Document::parse(&template, &filled.text, Role::Main);
        let document = document.map_err(|error| error.at_line(|line| filled.line(line)))?;
        return Ok(Some(document.at_lines(|line| filled.line(line))));
    }
    let file = folder.join(FILE_NAME);
    let text = text_if_there(&file)?;
    text.map(|text| Document::parse(&file, &text, Role::Main))
        .transpose()
}

/// Checks the settings without the machine on which the release will run, and returns the files of the directory that belong to
/// them: `sys.config.src` or `sys.config`, and the files in the directory that it names.
///
/// # Errors
/// With the file and line at fault. Unset variables and files outside the directory are no errors.
pub fn check(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let mut files = Vec::new();
    let document = match text_if_there(&folder.join(TEMPLATE_NAME))? {
        Some(text) => {
            files.push(PathBuf::from(TEMPLATE_NAME));
            let file = folder.join(TEMPLATE_NAME);
            let filled = placeholders::fill(&file, &text, &|_| None, Missing::StandIn)?;
            // The values of the other machine are unknown here.
            Document::parse(&file, &filled.text, Role::Main).ok()
        }
        None => {
            let document = document_of(folder, &|_| None)?;
            files.extend(document.as_ref().map(|_| PathBuf::from(FILE_NAME)));
            document
        }
    };
    let named = document.iter().flat_map(Document::files);
    for name in named.filter_map(|name| inside(&name)) {
        let path = folder.join(&name);
        if path.exists() && !files.contains(&name) {
            Document::parse(&path, &read_text(&path)?, Role::Named)?;
            files.push(name);
        }
    }
    Ok(files)
}

/// The path without `.` and `..`, if it stays inside its directory.
fn inside(name: &Path) -> Option<PathBuf> {
    let mut inside = PathBuf::new();
    for part in name.components() {
        match part {
            Component::Normal(part) => inside.push(part),
            Component::CurDir => {}
            Component::ParentDir if inside.pop() => {}
            _ => return None,
        }
    }
    Some(inside)
}

/// Checks the text of one settings file, with the role that its name implies. Files that it names are not read.
/// # Errors
/// With the line of the first wrong part.
pub fn check_text(file: &Path, text: &str) -> Result<(), FileError> {
    let is = |name: &str| file.file_name().is_some_and(|found| found == name);
    if is(TEMPLATE_NAME) {
        return placeholders::fill(file, text, &|_| None, Missing::StandIn).map(|_| ());
    }
    let role = if is(FILE_NAME) {
        Role::Main
    } else {
        Role::Named
    };
    Document::parse(file, text, role).map(|_| ())
}

/// The settings in the text of one file, without those of files that it names.
///
/// # Errors
/// With the line of the first wrong part.
pub(crate) fn own(file: &Path, text: &str) -> Result<Settings, FileError> {
    Document::parse(file, text, Role::Main).map(Document::settings)
}

fn text_if_there(file: &Path) -> Result<Option<String>, FileError> {
    match read_text(file) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Read {
            kind: io::ErrorKind::NotFound,
            ..
        }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The path of a named file: beside the file that names it, else relative to the directory in which the node was started.
/// `None` when it exists in neither place.
fn place(folder: &Path, name: &Path) -> Option<PathBuf> {
    let places = [folder.join(name), name.to_path_buf()];
    places.into_iter().find(|place| place.exists())
}

fn missing(folder: &Path, file: &Path, line: usize, name: &Path) -> FileError {
    let beside = folder.join(name);
    let (shown, elsewhere) = (beside.display(), name.display());
    let sentence = match name.is_absolute() {
        true => format!("it names {shown}, and there is no such file"),
        false => format!(
            "it names {elsewhere}, and there is neither {shown} nor {elsewhere} in the folder where the node was started"
        ),
    };
    let open = Term::tuple([Term::atom("open"), path_term(&beside), Term::atom("enoent")]);
    FileError::Content {
        file: file.to_path_buf(),
        line,
        sentence,
        term: open,
    }
}

#[cfg(test)]
mod tests;

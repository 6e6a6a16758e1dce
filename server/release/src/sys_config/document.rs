//! Parses the text of one settings file: settings, and the names of further files.

use std::path::{Path, PathBuf};

use pq_otp::application::Settings;
use pq_term::{Atom, Term};

use crate::consult::Sheet;
use crate::file_error::FileError;
use crate::terms;

/// The form of a `sys.config`, for errors.
const WANTED: &str = "`[{Application, [{Key, Value}]}, \"file\"]`";

/// The form of a file that a `sys.config` names, for errors.
const WANTED_NAMED: &str = "`[{Application, [{Key, Value}]}]`";

/// The role of a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// `sys.config` itself: it may name files, and later entries of an application override earlier ones.
    Main,
    /// A file that `sys.config` names.
    Named,
}

/// One parsed settings file.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) file: PathBuf,
    pub(super) entries: Vec<Entry>,
}

/// An element of the file's list.
#[derive(Debug)]
pub(super) enum Entry {
    /// The settings of an application.
    Settings(Settings),
    /// Another settings file, with its extension, and the line (from 1) that names it.
    File { name: PathBuf, line: usize },
}

impl Document {
    /// # Errors
    /// With the line of the first wrong or duplicate part.
    pub(super) fn parse(file: &Path, text: &str, role: Role) -> Result<Document, FileError> {
        let parse = Parse {
            sheet: Sheet::read_only(file, text, wanted(role))?,
            role,
        };
        Ok(Document {
            file: file.to_path_buf(),
            entries: parse.entries()?,
        })
    }

    /// The settings of the file itself; later ones override earlier ones.
    pub(super) fn settings(self) -> Settings {
        let settings = self.entries.into_iter().filter_map(|entry| match entry {
            Entry::Settings(settings) => Some(settings),
            Entry::File { .. } => None,
        });
        settings.flatten().collect()
    }

    /// The names of further files.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Settings(_) => None,
            Entry::File { name, .. } => Some(name.clone()),
        })
    }

    /// The same document, with the lines of another text.
    pub(super) fn at_lines(mut self, of: impl Fn(usize) -> usize) -> Document {
        for entry in &mut self.entries {
            if let Entry::File { line, .. } = entry {
                *line = of(*line);
            }
        }
        self
    }
}

fn wanted(role: Role) -> &'static str {
    match role {
        Role::Main => WANTED,
        Role::Named => WANTED_NAMED,
    }
}

struct Parse<'a> {
    sheet: Sheet<'a>,
    role: Role,
}

impl Parse<'_> {
    fn entries(&self) -> Result<Vec<Entry>, FileError> {
        let Some(items) = terms::list(&self.sheet.term) else {
            return Err(self.bad(&[], &self.sheet.term));
        };
        let mut entries = Vec::new();
        let mut seen: Vec<Atom> = Vec::new();
        for (at, item) in items.iter().enumerate() {
            match terms::text(item) {
                Some(name) => entries.push(self.named(at, &name)?),
                None => {
                    let (name, settings) = self.application(at, item)?;
                    if self.role == Role::Named && seen.contains(&name) {
                        return Err(self.twice(&[at], format!("`{name}`"), name));
                    }
                    seen.push(name);
                    entries.push(Entry::Settings(settings));
                }
            }
        }
        Ok(entries)
    }

    fn application(&self, at: usize, item: &Term) -> Result<(Atom, Settings), FileError> {
        let Some([Term::Atom(name), list]) = item.as_tuple() else {
            return Err(self.bad(&[at], item));
        };
        let Some(pairs) = terms::list(list) else {
            return Err(self.bad(&[at, 1], item));
        };
        let mut settings = Settings::new();
        for (nth, pair) in pairs.iter().enumerate() {
            let path = [at, 1, nth];
            let Some([Term::Atom(key), value]) = pair.as_tuple() else {
                return Err(self.bad(&path, pair));
            };
            let place = (name.as_str().to_string(), key.as_str().to_string());
            if settings.insert(place, value.clone()).is_some() {
                return Err(self.twice(&path, format!("`{key}` of `{name}`"), *key));
            }
        }
        Ok((*name, settings))
    }

    /// `"site"` and `"site.config"` name the same file.
    fn named(&self, at: usize, name: &str) -> Result<Entry, FileError> {
        let path = Path::new(name);
        let own = path.file_name().and_then(|own| own.to_str());
        match (self.role, own) {
            (Role::Main, Some(own)) => {
                let stem = own.strip_suffix(".config").unwrap_or(own);
                Ok(Entry::File {
                    name: path.with_file_name(format!("{stem}.config")),
                    line: self.sheet.line(&[at]),
                })
            }
            (Role::Main, None) => Err(self.bad(&[at], &Term::string(name))),
            (Role::Named, _) => {
                let sentence = format!(
                    "it names \"{name}\"; only sys.config names further files, so that one has to be named there"
                );
                let term = terms::tagged("bad_config", Term::string(name));
                Err(self.sheet.wrong(&[at], sentence, term))
            }
        }
    }

    fn twice(&self, path: &[usize], name: String, key: Atom) -> FileError {
        let sentence = format!("{name} occurs twice; remove one of the two");
        let term = terms::tagged("duplicate_key", Term::Atom(key));
        self.sheet.wrong(path, sentence, term)
    }

    fn bad(&self, path: &[usize], found: &Term) -> FileError {
        let sentence = format!("`{found}`; the file is {}", wanted(self.role));
        let term = terms::tagged("bad_config", found.clone());
        self.sheet.wrong(path, sentence, term)
    }
}

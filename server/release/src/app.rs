//! `.app` files (`app(4)`): the description of an application, checked as `systools` checks it.
//!
//! [`AppSpec`] is the runtime's form of an [`App`]. This module starts nothing.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pq_otp::application::AppSpec;
use pq_term::{Atom, Term};

use crate::consult::{Sheet, read_text};
use crate::file_error::FileError;
use crate::places;
use crate::terms;

/// The form of an `.app` file, for errors.
const WANTED: &str = "`{application, Name, [{Key, Value}]}`";

/// One application, as its `.app` file describes it.
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    /// The name of the application, as other `.app` files and the `.rel` file use it.
    pub name: Atom,
    /// The version of the application, such as `1.0.0`.
    pub vsn: String,
    /// A second name of the product (`id`); empty when the file gives none.
    pub id: String,
    /// The description of the application in one line.
    pub description: String,
    /// All modules of the application.
    pub modules: Vec<Atom>,
    /// The names that processes of the application register.
    pub registered: Vec<Atom>,
    /// The applications that must be started before this one.
    pub applications: Vec<Atom>,
    /// The members of `applications` that a release may leave out.
    pub optional_applications: Vec<Atom>,
    /// The applications that this application starts itself.
    pub included_applications: Vec<Atom>,
    /// `mod`: the callback module and the argument of its `start`. `None` for a library application.
    pub callback: Option<(Atom, Term)>,
    /// `start_phases`: the phases and their arguments; `None` when the file has no such key.
    pub start_phases: Option<Vec<(Atom, Term)>>,
    /// The environment of the application, before `sys.config` changes it.
    pub env: Vec<(Atom, Term)>,
    /// `maxT`: the longest running time of the application, in milliseconds; `None` for `infinity`.
    pub max_t_ms: Option<i64>,
    /// `maxP`: the largest number of processes of the application; `None` for `infinity`.
    pub max_p: Option<i64>,
    /// The path of the file that describes the application.
    pub file: PathBuf,
    /// The term of the file, as it was read.
    pub term: Term,
    text: Arc<str>,
}

impl App {
    /// Reads an `.app` file.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`App::parse`].
    pub fn read(file: &Path) -> Result<App, FileError> {
        App::parse(file, &read_text(file)?)
    }

    /// Parses the text of an `.app` file.
    ///
    /// # Errors
    /// With the line and OTP's words: `{missing_param,K}`, `{bad_param,K}`, `{badly_formatted_application,T}`.
    pub fn parse(file: &Path, text: &str) -> Result<App, FileError> {
        let sheet = Sheet::read(file, text, WANTED)?;
        let Some([tag, Term::Atom(name), properties]) = sheet.term.as_tuple() else {
            return Err(badly_formatted(&sheet));
        };
        match terms::list(properties) {
            Some(pairs) if tag.is_atom("application") => {
                let properties = Properties {
                    sheet: &sheet,
                    pairs,
                };
                properties.application(*name, file)
            }
            _ => Err(badly_formatted(&sheet)),
        }
    }

    /// The part of the application's description that the runtime needs.
    pub fn spec(&self) -> AppSpec {
        let texts = |atoms: &[Atom]| atoms.iter().map(|atom| atom.as_str().to_string()).collect();
        let env = self.env.iter();
        AppSpec {
            name: self.name.as_str().to_string(),
            vsn: self.vsn.clone(),
            description: self.description.clone(),
            modules: self.modules.clone(),
            applications: texts(&self.applications),
            callback: self.callback.clone(),
            env: env
                .map(|(key, value)| (key.as_str().to_string(), value.clone()))
                .collect(),
        }
    }

    /// The line (from 1) of a key in the `.app` file, or the line of the application's term when the file lacks the key.
    pub fn line(&self, key: &str) -> usize {
        let properties = self.term.as_tuple().and_then(|parts| parts.get(2));
        let pairs = properties.and_then(terms::list).unwrap_or_default();
        match pairs.iter().position(|pair| is_of(key, pair)) {
            Some(at) => places::line_at(&self.text, &[2, at]),
            None => places::line_at(&self.text, &[]),
        }
    }

    /// The directory of the `.app` file, as OTP's error terms name it: `lib/App-Vsn/ebin`.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }
}

fn is_of(key: &str, pair: &Term) -> bool {
    pair.as_tuple()
        .is_some_and(|parts| parts.first().is_some_and(|first| first.is_atom(key)))
}

fn badly_formatted(sheet: &Sheet<'_>) -> FileError {
    let sentence = format!("this is no application; {WANTED} would be right");
    let term = terms::tagged("badly_formatted_application", sheet.term.clone());
    sheet.wrong(&[], sentence, term)
}

/// The list of keys and values. Unknown keys and elements that are not pairs are ignored, as OTP does.
struct Properties<'a> {
    sheet: &'a Sheet<'a>,
    pairs: &'a [Term],
}

impl Properties<'_> {
    /// Checks the keys in OTP's order, so that a file with several faults gives the same error as in OTP.
    fn application(&self, name: Atom, file: &Path) -> Result<App, FileError> {
        Ok(App {
            name,
            vsn: self.required("vsn", "\"1.0.0\"", terms::text)?,
            id: self
                .optional("id", "\"text\"", terms::text)?
                .unwrap_or_default(),
            description: self.required("description", "\"text\"", terms::text)?,
            modules: self.required("modules", LIST_OF_ATOMS, terms::atoms)?,
            registered: self.required("registered", LIST_OF_ATOMS, terms::atoms)?,
            applications: self.required("applications", LIST_OF_ATOMS, terms::atoms)?,
            optional_applications: self.atoms_or_none("optional_applications")?,
            included_applications: self.atoms_or_none("included_applications")?,
            callback: self.callback()?,
            start_phases: self.optional("start_phases", "[{Phase, Args}]", terms::pairs)?,
            env: self
                .optional("env", "[{Key, Value}]", terms::pairs)?
                .unwrap_or_default(),
            max_t_ms: self.optional("maxT", LIMIT, limit)?.flatten(),
            max_p: self.optional("maxP", LIMIT, limit)?.flatten(),
            file: file.to_path_buf(),
            term: self.sheet.term.clone(),
            text: self.sheet.text().into(),
        })
    }

    fn required<T>(
        &self,
        key: &'static str,
        right: &str,
        of: fn(&Term) -> Option<T>,
    ) -> Result<T, FileError> {
        match self.optional(key, right, of)? {
            Some(value) => Ok(value),
            None => Err(self.missing(key, right)),
        }
    }

    fn optional<T>(
        &self,
        key: &'static str,
        right: &str,
        of: fn(&Term) -> Option<T>,
    ) -> Result<Option<T>, FileError> {
        let Some((at, value)) = self.find(key) else {
            return Ok(None);
        };
        match of(value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.bad(at, key, right, of)),
        }
    }

    fn atoms_or_none(&self, key: &'static str) -> Result<Vec<Atom>, FileError> {
        Ok(self
            .optional(key, LIST_OF_ATOMS, terms::atoms)?
            .unwrap_or_default())
    }

    /// FIDELITY: OTP reports a malformed `mod` as missing.
    fn callback(&self) -> Result<Option<(Atom, Term)>, FileError> {
        let Some((at, value)) = self.find("mod") else {
            return Ok(None);
        };
        match (value.as_tuple(), terms::list(value)) {
            (Some([Term::Atom(module), args]), _) => Ok(Some((*module, args.clone()))),
            (_, Some([])) => Ok(None),
            _ => {
                let sentence = format!(
                    "`{}`; `{{mod, {{Module, Args}}}}` would be right",
                    self.pairs[at]
                );
                let term = terms::tagged("missing_param", Term::atom("mod"));
                Err(self.sheet.wrong(&[2, at], sentence, term))
            }
        }
    }

    /// The first pair with this key, and its index.
    fn find(&self, key: &str) -> Option<(usize, &Term)> {
        let at = self.pairs.iter().position(|pair| is_of(key, pair))?;
        match self.pairs[at].as_tuple()? {
            [_, value] => Some((at, value)),
            _ => None,
        }
    }

    fn missing(&self, key: &'static str, right: &str) -> FileError {
        let sentence =
            format!("the application has no `{key}`; `{{{key}, {right}}}` would be right");
        let term = terms::tagged("missing_param", Term::atom(key));
        self.sheet.wrong(&[], sentence, term)
    }

    /// When only part of a list is wrong, the error is about the first wrong element.
    fn bad<T>(
        &self,
        at: usize,
        key: &'static str,
        right: &str,
        of: fn(&Term) -> Option<T>,
    ) -> FileError {
        let items = terms::list(terms::part(&self.pairs[at], &[1])).unwrap_or_default();
        let is_wrong = |item: &Term| of(&Term::list([item.clone()])).is_none();
        let (path, found) = match items.iter().position(is_wrong) {
            Some(nth) if items.len() > 1 => (vec![2, at, 1, nth], &items[nth]),
            _ => (vec![2, at], &self.pairs[at]),
        };
        let sentence = format!("`{found}`; `{{{key}, {right}}}` would be right");
        let term = terms::tagged("bad_param", Term::atom(key));
        self.sheet.wrong(&path, sentence, term)
    }
}

const LIST_OF_ATOMS: &str = "[name, other_name]";

const LIMIT: &str = "infinity or a count above 0";

/// Returns a count above zero, or `Some(None)` for `infinity`.
fn limit(term: &Term) -> Option<Option<i64>> {
    match term.as_i64() {
        Some(count) if count > 0 => Some(Some(count)),
        None if term.is_atom("infinity") => Some(None),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

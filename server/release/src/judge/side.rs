//! A release as it is judged: its applications, and what their libraries say of themselves.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pq_code::{Checksum, CodeServer, LibraryId, LoadError, ModuleEntry};
use pq_otp::application::Settings;
use pq_term::Atom;

use crate::app::App;
use crate::boot::{BootRelease, Code};
use crate::fit::Member;
use crate::layout;
use crate::rel::RelStart;
use crate::script::Script;

/// A release.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// Its version, for sentences.
    pub vsn: String,
    /// Its applications, in the order in which they start.
    pub applications: Vec<SideApp>,
    /// Its `sys.config`.
    pub settings: Settings,
    /// The only application that is judged; all others are there because it calls them and they call it.
    pub only: Option<Only>,
}

/// An application that is judged by itself.
#[derive(Debug, Clone)]
pub struct Only {
    /// Its name.
    pub application: Atom,
    /// The modules that it has in the one version or in the other.
    pub modules: BTreeSet<String>,
}

/// One application of it.
#[derive(Debug, Clone)]
pub struct SideApp {
    /// What its `.app` file says.
    pub app: App,
    /// How the release starts it.
    pub start: RelStart,
    /// Its library.
    pub library: Shelf,
    /// It is a part of the node.
    pub is_built_in: bool,
}

/// What is known of the modules of an application.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// Everything: the library is loaded.
    Library(LibraryId, Vec<ModuleEntry>),
    /// It has none.
    Empty,
    /// Only their names: it is a part of the node, or there is no library beside its `.app` file.
    Unknown,
}

/// A script, and the releases between which it leads.
#[derive(Clone, Copy)]
pub(crate) struct Passage<'a> {
    /// What is left; it is only asked for where it matters.
    pub(crate) from: &'a dyn Fn() -> Side,
    /// What is reached.
    pub(crate) to: &'a Side,
    pub(crate) script: &'a Script,
}

impl Side {
    /// A release of a tree; its libraries are verified against their checksums, and loaded beside those that run.
    ///
    /// # Errors
    /// With the first library that cannot be loaded.
    pub(crate) fn of_tree(boot: &BootRelease, code: &CodeServer) -> Result<Side, LoadError> {
        let app = |app: &crate::boot::BootApp| -> Result<SideApp, LoadError> {
            let library = match &app.code {
                Code::Library { path, sha256 } => {
                    let checksum: Option<Checksum> = sha256.to_string().parse().ok();
                    load(code, path, checksum)?
                }
                Code::BuiltIn => linked(code, &app.app),
                Code::None => Shelf::Empty,
            };
            Ok(SideApp {
                app: app.app.clone(),
                start: app.start,
                library,
                is_built_in: app.code == Code::BuiltIn,
            })
        };
        Ok(Side {
            vsn: boot.rel.vsn.clone(),
            applications: boot
                .applications
                .iter()
                .map(app)
                .collect::<Result<_, _>>()?,
            settings: boot.settings.clone(),
            only: None,
        })
    }

    /// Applications in folders, as an author has them; the library is looked for where a release tree has it. One
    /// that is not there, or that this program cannot load, is not known.
    pub(super) fn of_members(vsn: &str, members: &[Member], code: &CodeServer) -> Side {
        let app = |member: &Member| SideApp {
            app: member.app.clone(),
            start: member.start,
            library: match library_of(&member.app) {
                Some(file) => load(code, &file, None).unwrap_or(Shelf::Unknown),
                None if member.app.modules.is_empty() => Shelf::Empty,
                None => Shelf::Unknown,
            },
            is_built_in: false,
        };
        Side {
            vsn: vsn.to_string(),
            applications: members.iter().map(app).collect(),
            ..Side::default()
        }
    }

    /// An application of it.
    pub(super) fn application(&self, name: &str) -> Option<&SideApp> {
        let mut applications = self.applications.iter();
        applications.find(|app| app.app.name.as_str() == name)
    }

    /// The application whose `.app` file lists this module.
    pub(super) fn owner(&self, module: &str) -> Option<&SideApp> {
        let lists = |app: &&SideApp| app.app.modules.iter().any(|name| name.as_str() == module);
        self.applications.iter().find(lists)
    }

    /// The applications that are judged.
    pub(super) fn judged(&self) -> impl Iterator<Item = &SideApp> {
        let only = self.only.as_ref().map(|only| only.application);
        let is_judged = move |app: &&SideApp| only.is_none_or(|only| only == app.app.name);
        self.applications.iter().filter(is_judged)
    }
}

impl SideApp {
    /// True for what is no part of the node.
    pub(crate) fn is_of_tree(&self) -> bool {
        !self.is_built_in
    }

    /// The library and what it says of each module; nothing where that is not known.
    pub(crate) fn known(&self) -> Option<(LibraryId, &[ModuleEntry])> {
        match &self.library {
            Shelf::Library(library, entries) => Some((*library, entries)),
            Shelf::Empty | Shelf::Unknown => None,
        }
    }
}

fn load(code: &CodeServer, file: &Path, checksum: Option<Checksum>) -> Result<Shelf, LoadError> {
    let library = code.load_library(file, checksum)?;
    Ok(shelf(code, library))
}

fn shelf(code: &CodeServer, library: LibraryId) -> Shelf {
    match code.library(library) {
        Some(known) => Shelf::Library(library, known.entries),
        None => Shelf::Unknown,
    }
}

/// The library of a part of the node, where this program has it.
fn linked(code: &CodeServer, app: &App) -> Shelf {
    let libraries = code.libraries();
    let own = libraries
        .iter()
        .find(|library| library.checksum.is_none() && library.application == app.name.as_str());
    match own {
        Some(library) => shelf(code, library.id),
        None if app.modules.is_empty() => Shelf::Empty,
        None => Shelf::Unknown,
    }
}

/// `App-Vsn/priv/App.so` beside `App-Vsn/ebin/App.app`.
fn library_of(app: &App) -> Option<PathBuf> {
    let folder = app.folder().parent()?;
    let file = folder.join(layout::library_name(app.name.as_str()));
    file.is_file().then_some(file)
}

//! A release to judge: its applications, and the manifests of their libraries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use pq_code::{Checksum, CodeServer, LibraryId, LoadError, ModuleEntry};
use pq_otp::application::Settings;
use pq_term::Atom;

use crate::app::App;
use crate::boot::{BootApp, BootRelease, Code};
use crate::fit::Member;
use crate::layout;
use crate::rel::RelStart;
use crate::script::Script;

/// A release to judge, as one side of an upgrade.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// The version of the release, for sentences.
    pub vsn: String,
    /// The applications of the release, in start order.
    pub applications: Vec<SideApp>,
    /// The settings of the release (`sys.config`).
    pub settings: Settings,
    /// The only application to judge; the other applications are present for its calls and as its callers.
    pub only: Option<Only>,
}

/// An application that is judged by itself.
#[derive(Debug, Clone)]
pub struct Only {
    /// The name of the application.
    pub application: Atom,
    /// All modules of the application, in either version.
    pub modules: BTreeSet<String>,
}

/// One application of a release to judge.
#[derive(Debug, Clone)]
pub struct SideApp {
    /// The contents of the application's `.app` file.
    pub app: App,
    /// How the release starts it.
    pub start: RelStart,
    /// The knowledge about the application's library.
    pub library: Shelf,
    /// True when the application is part of the node.
    pub is_built_in: bool,
}

/// The knowledge about the modules of an application.
#[derive(Debug, Clone)]
pub enum Shelf {
    /// The library is loaded, and its manifest is known.
    Library(LibraryId, Vec<ModuleEntry>),
    /// The application has no library.
    Empty,
    /// Only the names of the modules are known: the application is part of the node, or has no library beside its `.app` file.
    Unknown,
}

/// A script, with the releases at both of its ends.
#[derive(Clone, Copy)]
pub(crate) struct Passage<'a> {
    /// Reads the release that is left; called only when it matters.
    pub(crate) from: &'a dyn Fn() -> Side,
    /// The release that is reached.
    pub(crate) to: &'a Side,
    /// The versions of applications in between, through which states go.
    pub(crate) between: &'a [SideApp],
    pub(crate) script: &'a Script,
}

impl Side {
    /// Reads a release of a tree; its libraries are verified against their checksums and loaded beside the running ones.
    ///
    /// # Errors
    /// With the first library that cannot be loaded.
    pub(crate) fn of_tree(boot: &BootRelease, code: &CodeServer) -> Result<Side, LoadError> {
        let app = |app: &BootApp| SideApp::of_tree(app, code);
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

    /// Reads applications in directories of an author; libraries have the same place as in a release tree. A missing library,
    /// or one that this program cannot load, is `Unknown`.
    pub(super) fn of_members(vsn: &str, members: &[Member], code: &CodeServer) -> Side {
        let app = |member: &Member| SideApp::of_author(&member.app, member.start, code);
        Side {
            vsn: vsn.to_string(),
            applications: members.iter().map(app).collect(),
            ..Side::default()
        }
    }

    /// The application of this name.
    pub(super) fn application(&self, name: &str) -> Option<&SideApp> {
        let mut applications = self.applications.iter();
        applications.find(|app| app.app.name.as_str() == name)
    }

    /// The application whose `.app` file lists this module.
    pub(super) fn owner(&self, module: &str) -> Option<&SideApp> {
        let lists = |app: &&SideApp| app.app.modules.iter().any(|name| name.as_str() == module);
        self.applications.iter().find(lists)
    }

    /// The applications to judge.
    pub(super) fn judged(&self) -> impl Iterator<Item = &SideApp> {
        let only = self.only.as_ref().map(|only| only.application);
        let is_judged = move |app: &&SideApp| only.is_none_or(|only| only == app.app.name);
        self.applications.iter().filter(is_judged)
    }
}

impl SideApp {
    /// Reads an application of a tree.
    pub(crate) fn of_tree(app: &BootApp, code: &CodeServer) -> Result<SideApp, LoadError> {
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
    }

    /// Reads an application in a directory of an author.
    pub(super) fn of_author(app: &App, start: RelStart, code: &CodeServer) -> SideApp {
        SideApp {
            app: app.clone(),
            start,
            library: match library_of(app) {
                Some(file) => load(code, &file, None).unwrap_or(Shelf::Unknown),
                None if app.modules.is_empty() => Shelf::Empty,
                None => Shelf::Unknown,
            },
            is_built_in: false,
        }
    }

    /// The manifest entry of a module; `None` when it is missing or unknown.
    pub(super) fn entry(&self, module: &str) -> Option<&ModuleEntry> {
        let (_, entries) = self.known()?;
        entries.iter().find(|entry| entry.name == module)
    }

    /// True for an application that is not part of the node.
    pub(crate) fn is_of_tree(&self) -> bool {
        !self.is_built_in
    }

    /// The library and the manifest entries of its modules; `None` when they are unknown.
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

/// The library of a part of the node, when this program contains it.
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

/// The path of the library, `App-Vsn/priv/App.so`, for `App-Vsn/ebin/App.app`.
fn library_of(app: &App) -> Option<PathBuf> {
    let folder = app.folder().parent()?;
    let file = folder.join(layout::library_name(app.name.as_str()));
    file.is_file().then_some(file)
}

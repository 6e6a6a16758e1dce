//! The versions of modules in a release tree, for states that other versions have written.
//!
//! A library that no row needs is not loaded for this. The arguments `Extra` of conversions come from the appups in the tree.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pq_code::{Checksum, CodeServer, Library, ModuleEntry, Wanted};
use pq_otp::{Direction, Module};
use pq_release::appup::Appup;
use pq_release::boot::is_as_signed;
use pq_release::checksums::Checksums;
use pq_release::layout;
use pq_saves::{Extra, Version, Versions};
use pq_term::msgpack::to_plain_msgpack;

use crate::boot::Booted;

/// The versions of modules in the tree of a booted node.
pub(crate) fn versions_of(booted: &Booted) -> impl Versions + use<> {
    Tree {
        code: booted.code().clone(),
        root: booted.root().to_path_buf(),
    }
}

/// The versions of modules in a tree, for a rehearsal.
pub(crate) fn versions_in(code: Arc<CodeServer>, root: &Path) -> Arc<dyn Versions> {
    Arc::new(Tree {
        code,
        root: root.to_path_buf(),
    })
}

/// The versions of modules in a release tree.
struct Tree {
    code: Arc<CodeServer>,
    root: PathBuf,
}

impl Versions for Tree {
    /// Rows of the current versions need no other library.
    fn versions(&self, needed: &[(String, String)]) -> Vec<Version> {
        let is_current = |(module, vsn): &&(String, String)| {
            let current = self.code.current(module);
            current.is_some_and(|module| module.vsn() == vsn)
        };
        for (module, _) in needed.iter().filter(|need| !is_current(need)) {
            self.load_versions(module);
        }
        let libraries = self.code.libraries();
        libraries
            .iter()
            .flat_map(|library| self.of_library(library, &libraries))
            .collect()
    }
}

impl Tree {
    /// Loads the other versions of the application that has this module. None of their modules becomes current.
    fn load_versions(&self, module: &str) {
        let libraries = self.code.libraries();
        let has = |library: &&Library| library.modules.iter().any(|it| it.name() == module);
        let Some(application) = libraries.iter().find(has).map(|it| &it.application) else {
            return;
        };
        let folders = std::fs::read_dir(self.root.join("lib"))
            .into_iter()
            .flatten()
            .flatten();
        let names = folders.filter_map(|folder| folder.file_name().into_string().ok());
        for name in names {
            if let Some((app, vsn)) = name.split_once('-')
                && app == application
            {
                self.load(app, vsn);
            }
        }
    }

    fn load(&self, application: &str, vsn: &str) {
        let sums = Checksums::read(&layout::checksums(&self.root, application, vsn));
        let name = layout::library_name(application);
        let Some(checksum) = sums
            .ok()
            .and_then(|sums| sums.0.get(&name)?.parse::<Checksum>().ok())
        else {
            return;
        };
        let signed = is_as_signed(&self.root, application, vsn, &checksum.to_string());
        if let Err(error) = signed {
            tracing::error!("failed to {error}");
            return;
        }
        let wanted = Wanted {
            checksum: Some(checksum),
            owner: Some((application, vsn)),
        };
        // The code server logs the failure, and rows that need the library are set aside.
        let _ = self
            .code
            .load_library(&layout::library(&self.root, application, vsn), wanted);
    }
}

impl Tree {
    /// The modules of a library with their declarations.
    fn of_library(&self, library: &Library, all: &[Library]) -> Vec<Version> {
        let appup = self.appup(library);
        let modules = library.modules.iter().zip(&library.entries);
        let version = |(module, entry): (&Module, &ModuleEntry)| {
            let mut version = version_of(*module, entry);
            if let Some(appup) = &appup {
                let before = Before {
                    appup,
                    all,
                    application: &library.application,
                };
                version.extras = before.extras(&version);
            }
            version
        };
        modules.map(version).collect()
    }

    /// The appup beside a library, if it can be read.
    fn appup(&self, library: &Library) -> Option<Appup> {
        let app = layout::app_file(&self.root, &library.application, &library.vsn);
        let file = app.with_extension("appup");
        let bytes = pq_files::read(&file, pq_files::TEXT_BYTES_MAX).ok()?;
        Appup::parse(&file, str::from_utf8(&bytes).ok()?).ok()
    }
}

/// A module with its declarations, without arguments of conversions.
pub(super) fn version_of(module: Module, entry: &ModuleEntry) -> Version {
    let declared = entry.declared.clone().unwrap_or_default();
    Version {
        module,
        converts: declared.converts,
        keeps: declared.keeps,
        extras: Vec::new(),
    }
}

/// The versions of an application before the one with this appup.
struct Before<'a> {
    appup: &'a Appup,
    all: &'a [Library],
    application: &'a str,
}

impl Before<'_> {
    /// The arguments of all conversions of a module.
    fn extras(&self, version: &Version) -> Vec<Extra> {
        let mut extras = Vec::new();
        for older in &version.converts {
            for direction in [Direction::Up, Direction::Down] {
                extras.extend(self.extra(version.module.name(), direction, older));
            }
        }
        extras
    }

    /// The argument of one conversion. An appup speaks of versions of the application: those that have the module in its older
    /// version, or else each that the appup names.
    fn extra(&self, module: &str, direction: Direction, older: &str) -> Option<Extra> {
        let is_it = |it: &Module| it.name() == module && it.vsn() == older;
        let loaded = self.all.iter().filter(|library| {
            library.application == self.application && library.modules.iter().any(is_it)
        });
        let mut vsns: Vec<String> = loaded.map(|library| library.vsn.clone()).collect();
        if vsns.is_empty() {
            vsns = self.appup.plain_versions(direction);
        }
        let of_version = |vsn: &String| {
            let mut extras = self.appup.extras(direction, vsn).into_iter();
            extras.find(|(name, _)| name.as_str() == module)
        };
        let (_, extra) = vsns.iter().find_map(of_version)?;
        Some(Extra {
            direction,
            older: older.to_string(),
            bytes: to_plain_msgpack(&extra),
        })
    }
}

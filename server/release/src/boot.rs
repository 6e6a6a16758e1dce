//! Reads a release tree for booting: the release, its applications in start order, their libraries and its settings.
//!
//! Everything is read and checked before anything starts; a tree that cannot boot is refused with the faulty file.
//! `server/code` reads and verifies the bytes of libraries, `server/otp` starts the applications.

use std::io;
use std::path::{Path, PathBuf};

use pq_otp::application::Settings;
use pq_term::Term;

use crate::app::App;
use crate::checksums::{self, Sha256Hex};
use crate::consult::text_of;
use crate::file_error::FileError;
use crate::fit::{self, Member};
use crate::layout;
use crate::owner;
use crate::rel::{Rel, RelApp, RelStart};
use crate::releases::{Lib, Releases};
use crate::relup::Relup;
use crate::start_erl::StartErl;
use crate::summed::{Compared, SETTINGS, Summed};
use crate::sys_config;
use crate::terms::tagged;

mod converters;
mod error;
mod standing;

pub use error::BootError;
pub use standing::{Standing, is_as_signed};

/// The properties of the node that a release has to fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runtime {
    /// The version of the node, which it reports as `erts`.
    pub erts_vsn: String,
    /// The applications that are compiled into the node.
    pub built_in: Vec<BuiltIn>,
}

impl Runtime {
    /// The application of this name that is part of the node.
    pub fn built_in(&self, name: &str) -> Option<&BuiltIn> {
        self.built_in.iter().find(|own| own.name == name)
    }

    /// The applications of a release that are not part of the node. Only they have directories.
    pub fn foreign<'a>(&'a self, rel: &'a Rel) -> impl Iterator<Item = &'a RelApp> {
        let is_foreign = |entry: &&RelApp| self.built_in(entry.name.as_str()).is_none();
        rel.applications.iter().filter(is_foreign)
    }
}

/// An application that is part of the node and needs no library in the tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltIn {
    /// The name of the application.
    pub name: String,
    /// The version of the application.
    pub vsn: String,
    /// The text of its `.app` file.
    pub app_text: String,
}

/// A root directory with `releases` and `lib`, as one node sees it.
#[derive(Debug, Clone)]
pub struct ReleaseTree {
    root: PathBuf,
    runtime: Runtime,
}

/// A release that is ready to boot.
#[derive(Debug, Clone, PartialEq)]
pub struct BootRelease {
    /// The contents of the `.rel` file.
    pub rel: Rel,
    /// The applications in start order.
    pub applications: Vec<BootApp>,
    /// The settings of `sys.config`, with the environment variables put in.
    pub settings: Settings,
    /// What the keys of the tree say about the release.
    pub standing: Standing,
    /// Sentences about files that differ from the built or unpacked ones, but may differ.
    pub remarks: Vec<String>,
}

/// One application of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct BootApp {
    /// The contents of the `.app` file.
    pub app: App,
    /// How the release starts the application.
    pub start: RelStart,
    /// The place of the application's modules.
    pub code: Code,
}

/// The place of an application's modules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// The node contains the modules.
    BuiltIn,
    /// A library of the tree contains the modules.
    Library {
        /// The path of the library: `root/lib/App-Vsn/priv/App.so`.
        path: PathBuf,
        /// The checksum that the bytes of the library must have.
        sha256: Sha256Hex,
    },
    /// The application has no modules.
    None,
}

impl BootRelease {
    /// A value of an application's environment in this release. Values of the command line take precedence.
    pub fn env(&self, application: &str, key: &str) -> Option<&Term> {
        let of_file = || {
            let mut applications = self.applications.iter();
            let app = applications.find(|app| app.app.name.as_str() == application)?;
            let pair = app.app.env.iter().find(|(name, _)| name.as_str() == key);
            pair.map(|(_, value)| value)
        };
        let setting = (application.to_string(), key.to_string());
        self.settings.get(&setting).or_else(of_file)
    }
}

impl ReleaseTree {
    /// Describes the tree at `root` for a node with this runtime. Reads nothing yet.
    pub fn open(root: impl Into<PathBuf>, runtime: Runtime) -> ReleaseTree {
        ReleaseTree {
            root: root.into(),
            runtime,
        }
    }

    /// The root directory, with `releases` and `lib`.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Reads which release boots.
    ///
    /// # Errors
    /// When `start_erl.data` is missing or unreadable.
    pub fn start_erl(&self) -> Result<StartErl, FileError> {
        let file = layout::start_erl(&self.root);
        StartErl::parse(&file, &self.text(&file)?)
    }

    /// Reads the list of releases.
    ///
    /// # Errors
    /// When `RELEASES` is missing or unreadable.
    pub fn releases(&self) -> Result<Releases, FileError> {
        let file = layout::releases_file(&self.root);
        Releases::parse(&file, &self.text(&file)?)
    }

    /// The text of a file of the tree.
    fn text(&self, file: &Path) -> Result<String, FileError> {
        let bytes = pq_files::read_inside(&self.root, file, pq_files::TEXT_BYTES_MAX)
            .map_err(|error| FileError::read(file, &error))?;
        text_of(file, &bytes)
    }

    /// The directory of a release, with its checksums.
    pub(crate) fn summed(&self, vsn: &str) -> Result<Summed, FileError> {
        Summed::open(&self.root, &layout::release(&self.root, vsn))
    }

    /// Reads the release that `start_erl.data` names.
    ///
    /// # Errors
    /// With the first faulty file.
    pub fn boot(&self) -> Result<BootRelease, BootError> {
        let vsn = self.start_erl()?.vsn;
        self.boot_vsn(&vsn).map_err(|error| self.named(error, &vsn))
    }

    /// When `start_erl.data` names a release that does not exist, the error is about `start_erl.data`.
    fn named(&self, error: BootError, vsn: &str) -> BootError {
        match error {
            BootError::NoSuchRelease { folder, .. } => BootError::File(FileError::Content {
                file: layout::start_erl(&self.root),
                line: 1,
                sentence: format!(
                    "it names release {vsn}, and {} holds no .rel file; a release is unpacked there before it boots",
                    folder.display()
                ),
                term: tagged("no_such_release", Term::string(vsn)),
            }),
            other => other,
        }
    }

    /// Reads the release of this version. All its files have to exist, files with a checksum have to match it, and each library
    /// has to belong to its application.
    ///
    /// # Errors
    /// As [`ReleaseTree::boot`].
    pub fn boot_vsn(&self, vsn: &str) -> Result<BootRelease, BootError> {
        plain(vsn)?;
        self.summed(vsn)?.is_whole()?;
        let rel = self.rel(vsn)?;
        self.is_for_this_node(&rel)?;
        let libs = self.libs(vsn)?;
        for entry in self.foreign_to_the_node(&rel) {
            is_called_after(&self.lib_folder(entry, &libs)?, entry)?;
            self.lib(entry, &libs)?.is_whole()?;
        }
        let mut boot = self.read(rel, &libs)?;
        boot.standing = self.standing(&boot.rel, &boot.applications)?;
        boot.remarks.extend(boot.standing.remark(vsn));
        for app in &boot.applications {
            self.is_the_library_of(app)?;
        }
        Ok(boot)
    }

    fn is_the_library_of(&self, app: &BootApp) -> Result<(), BootError> {
        let Code::Library { path, .. } = &app.code else {
            return Ok(());
        };
        let bytes = pq_files::read(path, pq_code::LIBRARY_BYTES_MAX)
            .map_err(|error| FileError::read(path, &error))?;
        let checked = owner::check(&bytes, app.app.name.as_str(), &app.app.vsn);
        checked.map_err(|owner| BootError::OtherOwner {
            library: path.clone(),
            owner,
        })
    }

    /// Reads the `relup` of a release: the ways to and from its version; `None` without a `relup`.
    ///
    /// # Errors
    /// When the file cannot be read, or belongs to another release.
    pub fn relup(&self, vsn: &str) -> Result<Option<Relup>, FileError> {
        let file = layout::relup(&self.root, vsn);
        let summed = self.summed(vsn)?;
        let text = match summed.text("relup") {
            Ok(_) if summed.is_foreign("relup") => return Err(summed.unlisted("relup")),
            text => text,
        };
        match text.and_then(|text| Relup::parse_of(&file, &text, vsn)) {
            Ok(relup) => Ok(Some(relup)),
            Err(error) if error.is_absence() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads and checks a whole release, with the settings for this machine.
    pub(crate) fn read(&self, rel: Rel, libs: &[Lib]) -> Result<BootRelease, BootError> {
        let applications = self.applications(&rel, libs)?;
        let (settings, remarks) = self.settings(&rel.vsn)?;
        Ok(BootRelease {
            applications,
            settings,
            standing: Standing::Unjudged,
            remarks,
            rel,
        })
    }

    /// Checks a whole release for any node and any machine, and returns its applications.
    pub(crate) fn check(&self, rel: &Rel, libs: &[Lib]) -> Result<Vec<BootApp>, BootError> {
        let applications = self.applications(rel, libs)?;
        self.summed(&rel.vsn)?.settings()?;
        sys_config::check(&layout::release(&self.root, &rel.vsn))?;
        Ok(applications)
    }

    /// Reads and checks the applications of a release, in start order. Their directories are those in `libs`; applications that
    /// `libs` does not name are below `lib`.
    fn applications(&self, rel: &Rel, libs: &[Lib]) -> Result<Vec<BootApp>, BootError> {
        let member = |entry: &RelApp| -> Result<Member, BootError> {
            Ok(fit::member(rel, entry, self.app(entry, libs)?)?)
        };
        let members = rel
            .applications
            .iter()
            .map(member)
            .collect::<Result<Vec<_>, _>>()?;
        let members = fit::fit(rel, members)?.into_iter();
        members.map(|member| self.boot_app(member)).collect()
    }

    /// The settings of a release, and remarks about them. A release that was packed with settings has to have some: a node
    /// without settings has no limits.
    ///
    /// # Errors
    /// With the file and line at fault, or when a release that was packed with settings has none.
    pub fn settings(&self, vsn: &str) -> Result<(Settings, Vec<String>), FileError> {
        let compared = self.summed(vsn)?.settings()?;
        let settings = sys_config::read(&layout::release(&self.root, vsn))?;
        Ok((settings, remark(vsn, compared).into_iter().collect()))
    }

    /// Compares the settings of a release with those that were built or unpacked. Returns a sentence about a difference, and
    /// `None` when they are equal or cannot be compared.
    ///
    /// # Errors
    /// When the settings or their checksum cannot be read.
    pub fn settings_remark(&self, vsn: &str) -> Result<Option<String>, BootError> {
        plain(vsn)?;
        match self.summed(vsn)?.settings()? {
            Compared::Unknown => Ok(None),
            compared => Ok(remark(vsn, compared)),
        }
    }

    /// Reads the `.rel` file of the release with this version.
    ///
    /// # Errors
    /// When the directory of the release does not hold exactly one `.rel` file of this version.
    pub fn rel(&self, vsn: &str) -> Result<Rel, BootError> {
        plain(vsn)?;
        let folder = layout::release(&self.root, vsn);
        let mut files = rel_files(&folder)?.into_iter();
        let Some(file) = files.next() else {
            return Err(BootError::NoSuchRelease {
                vsn: vsn.to_string(),
                folder,
            });
        };
        if let Some(other) = files.next() {
            return Err(BootError::SeveralRels {
                vsn: vsn.to_string(),
                files: (file, other),
            });
        }
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let rel = Rel::parse(&file, &self.summed(vsn)?.text(&name)?)?;
        match rel.vsn == vsn {
            true => Ok(rel),
            false => Err(wrong_vsn(&rel.file, rel.vsn_line, &rel.vsn, vsn)),
        }
    }

    /// The directories of a release's applications, as `RELEASES` lists them. A release that was registered with `set_unpacked`
    /// may have its applications anywhere.
    pub(crate) fn libs(&self, vsn: &str) -> Result<Vec<Lib>, FileError> {
        match self.releases() {
            Ok(releases) => Ok(releases
                .find(vsn)
                .map_or_else(Vec::new, |it| it.libs.clone())),
            Err(error) if error.is_absence() => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// The directory of an application that is not part of the node.
    pub(crate) fn lib_folder(&self, entry: &RelApp, libs: &[Lib]) -> Result<PathBuf, BootError> {
        let name = entry.name.as_str();
        plain(name)?;
        plain(&entry.vsn)?;
        let is_it = |lib: &&Lib| lib.name == entry.name && lib.vsn == entry.vsn;
        Ok(match libs.iter().find(is_it) {
            Some(lib) => self.root.join(&lib.folder),
            None => layout::lib(&self.root, name, &entry.vsn),
        })
    }

    /// The directory of an application, with its checksums. The directory may be outside the tree.
    fn lib(&self, entry: &RelApp, libs: &[Lib]) -> Result<Summed, BootError> {
        let folder = self.lib_folder(entry, libs)?;
        let base = match folder.starts_with(&self.root) {
            true => &self.root,
            false => &folder,
        };
        Ok(Summed::open(base, &folder)?)
    }

    /// The applications that are part of the node.
    pub(crate) fn built_in_applications(&self) -> &[BuiltIn] {
        &self.runtime.built_in
    }

    /// The application of this name that is part of the node.
    pub(crate) fn built_in(&self, name: &str) -> Option<&BuiltIn> {
        self.runtime.built_in(name)
    }

    /// The applications of a release that are not part of the node. Only they have directories.
    pub(crate) fn foreign_to_the_node<'a>(
        &'a self,
        rel: &'a Rel,
    ) -> impl Iterator<Item = &'a RelApp> {
        self.runtime.foreign(rel)
    }

    /// The properties of the node for which the tree was opened.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A release for another node has other versions of the built-in applications. Their `.app` files are unknown here, so
    /// those of this node are used.
    fn app(&self, entry: &RelApp, libs: &[Lib]) -> Result<App, BootError> {
        let name = entry.name.as_str();
        let app = match self.built_in(name) {
            Some(own) => {
                let file = format!("pq/{}", layout::app_name(name));
                let mut app = App::parse(Path::new(&file), &own.app_text)?;
                app.vsn.clone_from(&entry.vsn);
                app
            }
            None => {
                let file = self.lib_folder(entry, libs)?.join(layout::app_name(name));
                App::parse(
                    &file,
                    &self.lib(entry, libs)?.text(&layout::app_name(name))?,
                )?
            }
        };
        let key = if app.name == entry.name { "vsn" } else { "" };
        match app.name == entry.name && app.vsn == entry.vsn {
            true => Ok(app),
            false => Err(wrong_vsn(
                &app.file,
                app.line(key),
                &named(app.name.as_str(), &app.vsn),
                &named(name, &entry.vsn),
            )),
        }
    }

    fn boot_app(&self, Member { app, start }: Member) -> Result<BootApp, BootError> {
        let code = match self.built_in(app.name.as_str()) {
            Some(_) => Code::BuiltIn,
            None if app.modules.is_empty() => Code::None,
            None => library(&app)?,
        };
        Ok(BootApp { app, start, code })
    }

    fn is_for_this_node(&self, rel: &Rel) -> Result<(), BootError> {
        fits_node(rel, "erts", &rel.erts_vsn, &self.runtime.erts_vsn)?;
        for entry in &rel.applications {
            if let Some(own) = self.built_in(entry.name.as_str()) {
                fits_node(rel, &own.name, &entry.vsn, &own.vsn)?;
            }
        }
        Ok(())
    }
}

fn fits_node(rel: &Rel, name: &str, wanted: &str, have: &str) -> Result<(), BootError> {
    match wanted == have {
        true => Ok(()),
        false => Err(BootError::OtherNode {
            file: rel.file.clone(),
            name: name.to_string(),
            wanted: wanted.to_string(),
            have: have.to_string(),
        }),
    }
}

/// The library of an application with modules, and its checksum.
fn library(app: &App) -> Result<Code, BootError> {
    let name = app.name.as_str();
    let folder = app.folder().parent().unwrap_or(Path::new(""));
    let library = folder.join(layout::library_name(name));
    let sums = folder.join(checksums::FILE_NAME);
    if let Err(error) = std::fs::metadata(&library) {
        return Err(BootError::NoLibrary {
            library,
            kind: error.kind(),
        });
    }
    let summed = Summed::open(folder, folder)?;
    let Some(listed) = summed.sums() else {
        return Err(FileError::read(&sums, &io::ErrorKind::NotFound.into()).into());
    };
    match listed.0.get(&layout::library_name(name)) {
        Some(sha256) => Ok(Code::Library {
            path: library,
            sha256: sha256.clone(),
        }),
        None => Err(BootError::NoChecksum { library, sums }),
    }
}

/// The directory of an application has the application's name and version, also outside the tree.
fn is_called_after(folder: &Path, entry: &RelApp) -> Result<(), BootError> {
    let wanted = named(entry.name.as_str(), &entry.vsn);
    let found = folder.file_name().unwrap_or_default().to_string_lossy();
    match found == wanted {
        true => Ok(()),
        false => Err(BootError::WrongFolder {
            folder: folder.to_path_buf(),
            found: found.into_owned(),
            wanted,
        }),
    }
}

/// The sentence about settings that differ from those of the release.
fn remark(vsn: &str, compared: Compared) -> Option<String> {
    let file = format!("{}/{SETTINGS}", layout::release_name(vsn));
    let sums = checksums::FILE_NAME;
    match compared {
        Compared::Same => None,
        Compared::Edited => Some(format!(
            "{file} was edited: it is not the one that the release came with"
        )),
        Compared::Added => Some(format!(
            "{file} was added: the release came without settings"
        )),
        Compared::Unknown => Some(format!(
            "{} has no {sums}, so its files cannot be compared with the built ones: unpack or build the release \
             again",
            layout::release_name(vsn)
        )),
    }
}

/// The `.rel` files of a directory, ordered by name; none when the directory does not exist.
fn rel_files(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(FileError::read(folder, &error)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry
            .map_err(|error| FileError::read(folder, &error))?
            .path();
        if path.extension().is_some_and(|extension| extension == "rel") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn plain(part: &str) -> Result<(), BootError> {
    match layout::is_plain(part) {
        true => Ok(()),
        false => Err(BootError::NotPlain(part.to_string())),
    }
}

fn named(name: &str, vsn: &str) -> String {
    format!("{name}-{vsn}")
}

fn wrong_vsn(file: &Path, line: usize, found: &str, wanted: &str) -> BootError {
    BootError::WrongVsn {
        file: file.to_path_buf(),
        line,
        found: found.to_string(),
        wanted: wanted.to_string(),
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;

//! Writes the release tree of an author: from the pieces of a release to directories from which a node boots.
//!
//! A new file is written beside its place and moved there in one step; existing files are compared, and a file that differs is
//! replaced by a new file of the same name. `start_erl.data` comes last: no node boots from an unfinished tree. Other modules
//! compile libraries and write relups.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use pq_term::Atom;

use crate::app::App;
use crate::checksums::{self, Checksums, sha256};
use crate::consult::text_of;
use crate::file_error::{FileError, path_term};
use crate::layout;
use crate::owner::{self, OtherOwner};
use crate::rel::Rel;
use crate::releases::{Release, Releases, Status};
use crate::relup::Relup;
use crate::start_erl::StartErl;
use crate::summed::{SETTINGS, is_settings};
use crate::sys_config;
use crate::terms;
use pq_files::durable::{self, WriteError};

mod released;

pub use released::{Overwrite, Replaced};

use released::{Released, Settings};

/// The pieces of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseSpec<'a> {
    /// The text of the `.rel` file.
    pub rel: &'a str,
    /// The text of `sys.config`; `None` for a release without one.
    pub sys_config: Option<&'a str>,
    /// Further settings files by their paths in the release's directory: `sys.config.src`, and files that one of the two names.
    pub configs: Vec<(&'a Path, &'a [u8])>,
    /// The text of `relup`; `None` when there is no way from another release.
    pub relup: Option<&'a str>,
    /// The applications of the release that are not part of the node, and the versions in between that its relup names.
    pub applications: Vec<AppPieces<'a>>,
}

/// The pieces of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPieces<'a> {
    /// The text of the `.app` file, which contains name and version.
    pub app: &'a str,
    /// The text of the `.appup` file, if there is one: systools reads it in the next build.
    pub appup: Option<&'a str>,
    /// The bytes of the library; `None` for an application without modules.
    pub library: Option<&'a [u8]>,
}

/// A release that could not be written. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A piece, or an existing file, is malformed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system failed.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A name or version would be a path outside the tree.
    #[error(
        "use `{0}` as a part of a path: a name without `/` that is not `.` or `..` would be right"
    )]
    NotPlain(String),
    /// An application with modules has no library.
    #[error("lay out {0}: it has modules and no library")]
    NoLibrary(String),
    /// A library belongs to another application or version.
    #[error("lay out {name}-{vsn}: {owner}")]
    OtherOwner {
        /// The name of the application.
        name: String,
        /// The version of the application.
        vsn: String,
        /// The application and version that the library belongs to.
        owner: OtherOwner,
    },
    /// A released file, which a node may be running, would change.
    #[error(transparent)]
    Released(#[from] Replaced),
    /// The release does not contain this version of the application.
    #[error("lay out {name}-{vsn}: release {rel} has no such application")]
    NotInRelease {
        /// The name of the application.
        name: String,
        /// The version of the application.
        vsn: String,
        /// The version of the release.
        rel: String,
    },
}

/// Writes a release into the tree at `root` and returns its description. A repetition has no effect.
///
/// Missing `RELEASES` and `start_erl.data` are written, with this release as the permanent one; existing ones stay, and the
/// bytes of applications and releases that `RELEASES` lists stay. A `relup` may change, because it is written after its
/// release. Settings that were edited in the tree stay.
///
/// # Errors
/// When a piece is faulty or would replace a released file, before anything is written; when the operating system fails, with
/// every file either in the old or in the new state.
pub fn write_release(root: &Path, spec: &ReleaseSpec<'_>) -> Result<Rel, TreeError> {
    rewrite_release(root, spec, Overwrite::Nothing)
}

/// The same, with permission to replace more files.
///
/// # Errors
/// As [`write_release`].
pub fn rewrite_release(
    root: &Path,
    spec: &ReleaseSpec<'_>,
    overwrite: Overwrite,
) -> Result<Rel, TreeError> {
    let (rel, converters) = checked_rel(spec)?;
    let read = |pieces: &AppPieces<'_>| checked_app(&rel, &converters, pieces);
    let apps = spec
        .applications
        .iter()
        .map(read)
        .collect::<Result<Vec<App>, _>>()?;
    let released = Released::of(root, overwrite)?;
    let apps: Vec<(&App, Files)> = apps
        .iter()
        .zip(&spec.applications)
        .map(|(app, pieces)| (app, app_files(app, pieces)))
        .collect();
    for (app, files) in &apps {
        released.may_write_app(root, app, files)?;
    }
    released.may_write_rel(root, &rel, spec.rel.as_bytes())?;
    let settings = released.settings(root, &rel, spec.sys_config)?;
    for (app, files) in apps {
        let folder = layout::lib(root, app.name.as_str(), &app.vsn);
        put_folder(&folder, files)?;
    }
    write_release_folder(root, &rel, spec, settings)?;
    write_registers(root, &rel)?;
    Ok(rel)
}

/// Names and versions, as `lib/NAME-VSN` has them.
type Vsns = BTreeSet<(Atom, String)>;

/// Checks the texts of a release, without the tree. Also returns the versions in between that the relup names.
fn checked_rel(spec: &ReleaseSpec<'_>) -> Result<(Rel, Vsns), TreeError> {
    let rel = Rel::parse(Path::new("the .rel of the release"), spec.rel)?;
    plain(&rel.name)?;
    plain(&rel.vsn)?;
    if let Some(text) = spec.sys_config {
        sys_config::check_text(Path::new(sys_config::FILE_NAME), text)?;
    }
    for (path, bytes) in &spec.configs {
        sys_config::check_text(path, &text_of(path, bytes)?)?;
    }
    let relup = spec
        .relup
        .map(|text| checked_relup(Path::new("the relup of the release"), text, &rel));
    let relup = relup.transpose()?;
    let converters = relup.iter().flat_map(Relup::converters).collect();
    Ok((rel, converters))
}

/// A relup is written after its release, so the author can easily mistake it for that of the previous release.
fn checked_relup(file: &Path, text: &str, rel: &Rel) -> Result<Relup, FileError> {
    let relup = Relup::parse(file, text)?;
    let found = &relup.vsn;
    match *found == rel.vsn {
        true => Ok(relup),
        false => Err(FileError::Content {
            file: file.to_path_buf(),
            line: 1,
            sentence: format!(
                "it leads to and from release {found}, but this is {}: `pq relup` writes the relup for it",
                rel.vsn
            ),
            term: terms::tagged("bad_relup_file", path_term(file)),
        }),
    }
}

fn plain(part: &str) -> Result<(), TreeError> {
    match layout::is_plain(part) {
        true => Ok(()),
        false => Err(TreeError::NotPlain(part.to_string())),
    }
}

fn checked_app(rel: &Rel, converters: &Vsns, pieces: &AppPieces<'_>) -> Result<App, TreeError> {
    let app = App::parse(Path::new("an .app of the release"), pieces.app)?;
    let name = app.name.as_str();
    plain(name)?;
    plain(&app.vsn)?;
    let entry = rel.application(name);
    let is_member = entry.is_some_and(|entry| entry.vsn == app.vsn);
    if !is_member && !converters.contains(&(app.name, app.vsn.clone())) {
        let (name, vsn) = (name.to_string(), app.vsn);
        return Err(TreeError::NotInRelease {
            name,
            vsn,
            rel: rel.vsn.clone(),
        });
    }
    match pieces.library {
        None if !app.modules.is_empty() => {
            return Err(TreeError::NoLibrary(format!("{name}-{}", app.vsn)));
        }
        None => (),
        Some(bytes) => {
            let (name, vsn) = (name.to_string(), app.vsn.clone());
            owner::check(bytes, &name, &vsn).map_err(|owner| TreeError::OtherOwner {
                name,
                vsn,
                owner,
            })?;
        }
    }
    Ok(app)
}

/// The files of a directory, by relative path.
type Files<'a> = Vec<(PathBuf, &'a [u8])>;

fn app_files<'a>(app: &App, pieces: &AppPieces<'a>) -> Files<'a> {
    let name = app.name.as_str();
    let mut files = vec![(PathBuf::from(layout::app_name(name)), pieces.app.as_bytes())];
    files.extend(
        pieces
            .appup
            .map(|text| (format!("ebin/{name}.appup").into(), text.as_bytes())),
    );
    files.extend(
        pieces
            .library
            .map(|bytes| (layout::library_name(name).into(), bytes)),
    );
    files
}

/// A relup, settings and papers in the tree that are not among the pieces stay: they were added to the release. Edited settings keep the
/// checksum of the release's own settings.
fn write_release_folder(
    root: &Path,
    rel: &Rel,
    spec: &ReleaseSpec<'_>,
    settings: Settings,
) -> Result<(), TreeError> {
    let folder = layout::release(root, &rel.vsn);
    let rel_name = layout::rel_name(&rel.name);
    let own = [
        (Path::new(&rel_name), Some(spec.rel.as_bytes())),
        (Path::new("relup"), spec.relup.map(str::as_bytes)),
        (Path::new(layout::BUILD_NAME), None),
        (Path::new(layout::SBOM_NAME), None),
        (Path::new(SETTINGS), spec.sys_config.map(str::as_bytes)),
    ];
    let configs = spec
        .configs
        .iter()
        .map(|(path, bytes)| (*path, Some(*bytes)));
    let mut sums = Checksums::default();
    let mut files = Files::new();
    for (path, piece) in own.into_iter().chain(configs) {
        let name = path.to_string_lossy().into_owned();
        let sum = match piece {
            Some(bytes) => Some(sha256(bytes)),
            None => bytes_there(root, &folder.join(path))?.map(|bytes| sha256(&bytes)),
        };
        let stays = is_settings(&name) && settings == Settings::Keep;
        files.extend(
            piece
                .filter(|_| !stays)
                .map(|bytes| (path.to_path_buf(), bytes)),
        );
        sums.0.extend(sum.map(|sum| (name, sum)));
    }
    Ok(put_folder_with(&folder, &files, &sums)?)
}

/// The bytes of a text in the tree; `None` when it does not exist.
fn bytes_there(root: &Path, file: &Path) -> Result<Option<Vec<u8>>, FileError> {
    match pq_files::read_inside(root, file, pq_files::TEXT_BYTES_MAX) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::read(file, &error)),
    }
}

fn put_folder(folder: &Path, files: Files<'_>) -> Result<(), WriteError> {
    let sum =
        |(path, bytes): &(PathBuf, &[u8])| (path.to_string_lossy().into_owned(), sha256(bytes));
    let sums = Checksums(files.iter().map(sum).collect());
    put_folder_with(folder, &files, &sums)
}

/// A new directory is moved to its place at once; in an existing directory, different files are replaced one by one. The
/// checksums come last: after an interruption, replaced files do not match them, and the release does not boot.
fn put_folder_with(folder: &Path, files: &Files<'_>, sums: &Checksums) -> Result<(), WriteError> {
    let sums = sums.to_text();
    let mut files = files.clone();
    files.push((checksums::FILE_NAME.into(), sums.as_bytes()));
    if !folder.exists() {
        return durable::write_folder(folder, &files);
    }
    for (path, bytes) in files {
        let file = folder.join(path);
        if !holds(&file, bytes) {
            durable::write(&file, bytes)?;
        }
    }
    Ok(())
}

fn holds(file: &Path, bytes: &[u8]) -> bool {
    pq_files::read(file, bytes.len() as u64).is_ok_and(|found| found == bytes)
}

/// An unreadable `RELEASES` is an error and not treated as missing: it may list running releases.
fn write_registers(root: &Path, rel: &Rel) -> Result<(), TreeError> {
    let file = layout::releases_file(root);
    match Releases::read(&file) {
        Err(error) if error.is_absence() => {
            Releases(vec![Release::of(rel, Status::Permanent)]).write(&file)?;
        }
        found => {
            found?;
        }
    }
    let file = layout::start_erl(root);
    match StartErl::read(&file) {
        Err(error) if error.is_absence() => {
            let start = StartErl {
                erts_vsn: rel.erts_vsn.clone(),
                vsn: rel.vsn.clone(),
            };
            Ok(start.write(&file)?)
        }
        found => Ok(found.map(|_| ())?),
    }
}

#[cfg(test)]
mod tests;

//! A release tree as its author lays it out: from the pieces of a release to folders that a node boots from.
//!
//! What is new is prepared beside its place and appears in one step; what is there is compared, and a file that
//! differs is replaced by a new one under its name. `start_erl.data` comes last: until then nothing boots from
//! an unfinished tree. Compiling libraries and writing relups happens elsewhere.

use std::io;
use std::path::{Path, PathBuf};

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
    /// The text of `sys.config`, where the release has one.
    pub sys_config: Option<&'a str>,
    /// Further files of settings by their paths in the release's folder: `sys.config.src`, and what one of the two names.
    pub configs: Vec<(&'a Path, &'a [u8])>,
    /// The text of `relup`, where there is a way from another release.
    pub relup: Option<&'a str>,
    /// Its applications, without those that are part of the node.
    pub applications: Vec<AppPieces<'a>>,
}

/// The pieces of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppPieces<'a> {
    /// The text of its `.app` file: name and version come from there.
    pub app: &'a str,
    /// The text of its `.appup` file, where it has one: systools reads it in the next build.
    pub appup: Option<&'a str>,
    /// The bytes of its library, where it has modules.
    pub library: Option<&'a [u8]>,
}

/// A release that could not be laid out. Displays as a fragment that continues "failed to …".
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// A piece, or a file that is there already, is not what its format says.
    #[error(transparent)]
    File(#[from] FileError),
    /// The operating system refused.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A name or version would lead out of the tree.
    #[error(
        "use `{0}` as a part of a path: a name without `/` that is not `.` or `..` would be right"
    )]
    NotPlain(String),
    /// An application with modules came without its library.
    #[error("lay out {0}: it has modules and no library")]
    NoLibrary(String),
    /// A library is that of another application or version.
    #[error("lay out {name}-{vsn}: {owner}")]
    OtherOwner {
        /// The application.
        name: String,
        /// Its version.
        vsn: String,
        /// Whose the library is.
        owner: OtherOwner,
    },
    /// What somebody may be running would become something else.
    #[error(transparent)]
    Released(#[from] Replaced),
    /// The release does not have this application in this version.
    #[error("lay out {name}-{vsn}: release {rel} has no such application")]
    NotInRelease {
        /// The application.
        name: String,
        /// Its version.
        vsn: String,
        /// The version of the release.
        rel: String,
    },
}

/// Lays out a release in the tree at `root` and says what it is. Doing it again changes nothing.
///
/// `RELEASES` and `start_erl.data` are made when they are missing, with this release as the permanent one; a tree
/// that has them keeps them, and no bytes of an application or release that it lists become others. A `relup` may: it is
/// written after its release. Settings that were edited in the tree stay.
///
/// # Errors
/// When a piece is wrong or would replace what is released, before anything is written; when the operating system
/// refuses, with every file either as it was or as it should be.
pub fn write_release(root: &Path, spec: &ReleaseSpec<'_>) -> Result<Rel, TreeError> {
    rewrite_release(root, spec, Overwrite::Nothing)
}

/// The same where more may be replaced.
///
/// # Errors
/// As [`write_release`].
pub fn rewrite_release(
    root: &Path,
    spec: &ReleaseSpec<'_>,
    overwrite: Overwrite,
) -> Result<Rel, TreeError> {
    let rel = checked_rel(spec)?;
    let read = |pieces: &AppPieces<'_>| checked_app(&rel, pieces);
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

/// The texts of a release by themselves.
fn checked_rel(spec: &ReleaseSpec<'_>) -> Result<Rel, TreeError> {
    let rel = Rel::parse(Path::new("the .rel of the release"), spec.rel)?;
    plain(&rel.name)?;
    plain(&rel.vsn)?;
    if let Some(text) = spec.sys_config {
        sys_config::check_text(Path::new(sys_config::FILE_NAME), text)?;
    }
    for (path, bytes) in &spec.configs {
        sys_config::check_text(path, &text_of(path, bytes)?)?;
    }
    if let Some(text) = spec.relup {
        checked_relup(Path::new("the relup of the release"), text, &rel)?;
    }
    Ok(rel)
}

/// A relup is written after its release, and by hand it is easily that of the one before.
fn checked_relup(file: &Path, text: &str, rel: &Rel) -> Result<(), FileError> {
    let found = Relup::parse(file, text)?.vsn;
    match found == rel.vsn {
        true => Ok(()),
        false => Err(FileError::Content {
            file: file.to_path_buf(),
            line: 1,
            sentence: format!(
                "it leads to and from release {found}, and this is {}: `pq relup` writes the one for it",
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

fn checked_app(rel: &Rel, pieces: &AppPieces<'_>) -> Result<App, TreeError> {
    let app = App::parse(Path::new("an .app of the release"), pieces.app)?;
    let name = app.name.as_str();
    plain(name)?;
    plain(&app.vsn)?;
    if rel
        .application(name)
        .is_none_or(|entry| entry.vsn != app.vsn)
    {
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

/// The files of a folder, by their paths in it.
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

/// A relup or settings that are in the tree and not among the pieces stay there: somebody has put them there, and now
/// they belong to the release. Settings that were edited keep the checksum of those the release comes with.
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

/// The bytes of a text of the tree, unless it has none.
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

/// A folder that is not there appears whole; in one that is there, files that differ are replaced one by one. The
/// checksums come last: what was replaced under way does not match them, and does not boot.
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

/// An unreadable `RELEASES` is an error rather than a missing one: it may list releases that run.
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

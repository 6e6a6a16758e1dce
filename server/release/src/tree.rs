//! A release tree as its author lays it out: from the pieces of a release to folders that a node boots from.
//!
//! What is new is prepared beside its place and appears in one step; what is there is compared, and a file that
//! differs is replaced by a new one under its name. `start_erl.data` comes last: until then nothing boots from
//! an unfinished tree. Compiling libraries and writing relups happens elsewhere.

use std::io;
use std::path::{Path, PathBuf};

use crate::app::App;
use crate::checksums::{self, Checksums};
use crate::consult::text_of;
use crate::durable::{self, WriteError};
use crate::file_error::FileError;
use crate::layout;
use crate::rel::Rel;
use crate::releases::{Release, Releases, Status};
use crate::start_erl::StartErl;
use crate::sys_config;

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
/// that has them keeps them.
///
/// # Errors
/// When a piece is wrong, before anything is written; when the operating system refuses, with every file either
/// as it was or as it should be.
pub fn write_release(root: &Path, spec: &ReleaseSpec<'_>) -> Result<Rel, TreeError> {
    let rel = Rel::parse(Path::new("the .rel of the release"), spec.rel)?;
    plain(&rel.name)?;
    plain(&rel.vsn)?;
    if let Some(text) = spec.sys_config {
        sys_config::check_text(Path::new(sys_config::FILE_NAME), text)?;
    }
    for (path, bytes) in &spec.configs {
        sys_config::check_text(path, &text_of(path, bytes)?)?;
    }
    let read = |pieces: &AppPieces<'_>| checked_app(&rel, pieces);
    let apps = spec
        .applications
        .iter()
        .map(read)
        .collect::<Result<Vec<App>, _>>()?;
    for (app, pieces) in apps.iter().zip(&spec.applications) {
        write_app(root, app, pieces)?;
    }
    write_release_folder(root, &rel, spec)?;
    write_registers(root, &rel)?;
    Ok(rel)
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
    match pieces.library.is_none() && !app.modules.is_empty() {
        true => Err(TreeError::NoLibrary(format!("{name}-{}", app.vsn))),
        false => Ok(app),
    }
}

/// The checksums come last: a library that was replaced under way does not match them, and does not boot.
fn write_app(root: &Path, app: &App, pieces: &AppPieces<'_>) -> Result<(), WriteError> {
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
    let sum = |(path, bytes): &(PathBuf, &[u8])| {
        (
            path.to_string_lossy().into_owned(),
            checksums::sha256(bytes),
        )
    };
    let sums = Checksums(files.iter().map(sum).collect()).to_text();
    files.push((checksums::FILE_NAME.into(), sums.as_bytes()));
    put_folder(&layout::lib(root, name, &app.vsn), &files)
}

fn write_release_folder(root: &Path, rel: &Rel, spec: &ReleaseSpec<'_>) -> Result<(), WriteError> {
    let mut files = vec![(
        PathBuf::from(format!("{}.rel", rel.name)),
        spec.rel.as_bytes(),
    )];
    files.extend(
        spec.sys_config
            .map(|text| (sys_config::FILE_NAME.into(), text.as_bytes())),
    );
    let configs = spec.configs.iter();
    files.extend(configs.map(|(path, bytes)| (path.to_path_buf(), *bytes)));
    files.extend(spec.relup.map(|text| ("relup".into(), text.as_bytes())));
    put_folder(&layout::release(root, &rel.vsn), &files)
}

/// A folder that is not there appears whole; in one that is there, files that differ are replaced one by one.
fn put_folder(folder: &Path, files: &[(PathBuf, &[u8])]) -> Result<(), WriteError> {
    if !folder.exists() {
        return durable::write_folder(folder, files);
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
    std::fs::read(file).is_ok_and(|found| found == bytes)
}

/// An unreadable `RELEASES` is an error rather than a missing one: it may list releases that run.
fn write_registers(root: &Path, rel: &Rel) -> Result<(), TreeError> {
    let file = layout::releases_file(root);
    match Releases::read(&file) {
        Err(FileError::Read {
            kind: io::ErrorKind::NotFound,
            ..
        }) => {
            Releases(vec![Release::of(rel, Status::Permanent)]).write(&file)?;
        }
        found => {
            found?;
        }
    }
    let file = layout::start_erl(root);
    match StartErl::read(&file) {
        Err(FileError::Read {
            kind: io::ErrorKind::NotFound,
            ..
        }) => {
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

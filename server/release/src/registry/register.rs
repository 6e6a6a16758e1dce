//! Registers releases whose files were copied into the tree, and installs single files of a release.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use pq_files::Refused;

use super::{RegistryError, ReleaseRegistry};
use crate::boot::{BootApp, BootError, Standing};
use crate::checksums;
use crate::consult::text_of;
use crate::file_error::FileError;
use crate::layout;
use crate::places;
use crate::rel::Rel;
use crate::releases::{Release, Releases, Status};
use crate::relup::Relup;
use crate::summed;
use crate::sys_config;
use pq_files::durable;

/// The place of an application outside `lib`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppDir {
    /// The name of the application.
    pub name: String,
    /// The version of the application.
    pub vsn: String,
    /// The parent of the directory `App-Vsn`.
    pub dir: PathBuf,
}

impl ReleaseRegistry {
    /// Lists a release that is already in the tree, or partly elsewhere, and returns its version
    /// (`release_handler:set_unpacked/2`). Unlike in OTP, the whole release is checked first, and the `.rel` file is copied to
    /// the release's directory.
    ///
    /// # Errors
    /// `{existing_release,Vsn}`, `{bad_rel_file,F}`, `{bad_rel_data,D}`, `{no_such_directory,D}`, `{not_a_directory,D}`;
    /// missing files and applications that do not fit; errors of the operating system.
    pub fn set_unpacked(
        &mut self,
        rel_file: &Path,
        app_dirs: &[AppDir],
    ) -> Result<String, RegistryError> {
        let rel = Rel::read(rel_file).map_err(RegistryError::Rel)?;
        self.is_new(&rel.vsn)?;
        let release = release(self.root(), &rel, app_dirs, Status::Unpacked)?;
        let vsn = rel.vsn.clone();
        let applications = self.tree.check(&rel, &release.libs)?;
        self.is_signed(&rel, &applications)?;
        self.place_rel(rel_file, &release)?;
        // The caller vouches for the files; existing checksums may belong to another release that was copied.
        self.tree.summed(&vsn)?.write_sums(&rel)?;
        self.tree.rel(&vsn)?;
        self.atomically(|registry| registry.keep(registry.with(release)))?;
        Ok(vsn)
    }

    /// A tree that trusts keys lists no other files than those that one of its keys has signed.
    fn is_signed(&self, rel: &Rel, applications: &[BootApp]) -> Result<(), RegistryError> {
        let why = match self.tree.standing(rel, applications)? {
            Standing::Unjudged | Standing::Proven(_) => return Ok(()),
            Standing::Unsigned => "it is unsigned, and this tree trusts keys; `pq tar` and `pq sign` make a signed package of it, and `pq unpack` takes that".to_string(),
            Standing::Doubted(why) => why,
        };
        let vsn = rel.vsn.clone();
        Err(RegistryError::Untrusted { vsn, why })
    }

    fn place_rel(&self, file: &Path, release: &Release) -> Result<(), RegistryError> {
        let place = layout::rel_file(self.root(), &release.name, &release.vsn);
        let bytes = read(file)?;
        match pq_files::read(&place, pq_files::TEXT_BYTES_MAX) {
            Ok(found) if found == bytes => Ok(()),
            Ok(_) => Err(RegistryError::OtherBytes {
                folder: layout::release_name(&release.vsn),
                file: layout::rel_name(&release.name),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(durable::write(&place, &bytes)?)
            }
            Err(error) => Err(FileError::read(&place, &error).into()),
        }
    }

    /// Copies a file into the directory of a release, and replaces the file of this name (`release_handler:install_file/2`).
    /// Files that the node parses (`relup`, `sys.config`, the `.rel` file) are parsed here first. `SHA256SUMS` is refused. Returns
    /// the path of the copy.
    ///
    /// # Errors
    /// `{no_such_release,Vsn}`; `{Posix,File}`; the fault in the file.
    pub fn install_file(&mut self, vsn: &str, file: &Path) -> Result<PathBuf, RegistryError> {
        let release = self.find(vsn)?;
        let name = match file.file_name().and_then(|name| name.to_str()) {
            Some(name) if layout::is_plain(name) && layout::is_plain(vsn) => name,
            _ => return Err(BootError::NotPlain(file.display().to_string()).into()),
        };
        let bytes = read(file)?;
        check(name, release, file, &bytes)?;
        let folder = layout::release(self.root(), vsn);
        let place = folder.join(name);
        match name {
            // The checksum stays that of the release's own settings, so that the difference is still reported.
            name if summed::is_settings(name) => durable::write(&place, &bytes)?,
            _ => summed::put(&folder, name, &bytes)?,
        }
        Ok(place)
    }
}

/// Writes `RELEASES` for a tree, with this release as the permanent one (`release_handler:create_RELEASES/4`).
///
/// # Errors
/// As [`ReleaseRegistry::set_unpacked`] about the `.rel` file and the directories; errors of the operating system.
pub fn create_releases(
    root: &Path,
    rel_file: &Path,
    app_dirs: &[AppDir],
) -> Result<(), RegistryError> {
    let rel = Rel::read(rel_file).map_err(RegistryError::Rel)?;
    let release = release(root, &rel, app_dirs, Status::Permanent)?;
    Ok(Releases(vec![release]).write(&layout::releases_file(root))?)
}

fn read(file: &Path) -> Result<Vec<u8>, RegistryError> {
    pq_files::read(file, pq_files::TEXT_BYTES_MAX).map_err(|error| match Refused::of(&error) {
        Some(_) => FileError::read(file, &error).into(),
        None => RegistryError::Read {
            file: file.to_path_buf(),
            kind: error.kind(),
        },
    })
}

fn check(name: &str, release: &Release, file: &Path, bytes: &[u8]) -> Result<(), RegistryError> {
    let text = || text_of(file, bytes);
    let (found, line) = match name {
        sys_config::FILE_NAME | sys_config::TEMPLATE_NAME => {
            return Ok(sys_config::check_text(file, &text()?)?);
        }
        "relup" => {
            let text = text().map_err(RegistryError::Relup)?;
            let relup = Relup::parse(file, &text).map_err(RegistryError::Relup)?;
            (relup.vsn, places::line_at(&text, &[0]))
        }
        _ if name == layout::rel_name(&release.name) => {
            let rel = text().and_then(|text| Rel::parse(file, &text));
            let rel = rel.map_err(RegistryError::Rel)?;
            (rel.vsn, rel.vsn_line)
        }
        _ if name.ends_with(".rel") => return Err(several_rels(file, release)),
        checksums::FILE_NAME => return Err(RegistryError::OwnChecksums(file.to_path_buf())),
        _ => return Ok(()),
    };
    match found == release.vsn {
        true => Ok(()),
        false => Err(RegistryError::Boot(BootError::WrongVsn {
            file: file.to_path_buf(),
            line,
            found,
            wanted: release.vsn.clone(),
        })),
    }
}

fn several_rels(file: &Path, release: &Release) -> RegistryError {
    let own = PathBuf::from(layout::rel_name(&release.name));
    RegistryError::Boot(BootError::SeveralRels {
        vsn: release.vsn.clone(),
        files: (own, file.to_path_buf()),
    })
}

/// The entry of a release that has applications outside the tree.
fn release(
    root: &Path,
    rel: &Rel,
    app_dirs: &[AppDir],
    status: Status,
) -> Result<Release, RegistryError> {
    let mut release = Release::of(rel, status);
    for app_dir in app_dirs {
        let AppDir { name, vsn, .. } = app_dir;
        let lib = release
            .libs
            .iter_mut()
            .find(|lib| lib.name == *name.as_str() && lib.vsn == *vsn);
        match lib {
            Some(lib) => lib.folder = folder(root, app_dir)?,
            None => {
                return Err(RegistryError::NotInRelease {
                    name: name.clone(),
                    vsn: vsn.clone(),
                    rel: rel.vsn.clone(),
                });
            }
        }
    }
    Ok(release)
}

/// The directory as `RELEASES` names it: relative inside the tree, else absolute.
fn folder(root: &Path, app_dir: &AppDir) -> Result<String, RegistryError> {
    let name = format!("{}-{}", app_dir.name, app_dir.vsn);
    let absolute =
        |path: &Path| std::path::absolute(path).map_err(|error| FileError::read(path, &error));
    let (root, folder) = (absolute(root)?, absolute(&app_dir.dir.join(name))?);
    match fs::metadata(&folder) {
        Ok(found) if found.is_dir() => (),
        Ok(_) => return Err(RegistryError::NotADirectory(folder)),
        Err(_) => return Err(RegistryError::NoSuchDirectory(folder)),
    }
    let shown = folder.strip_prefix(&root).unwrap_or(&folder);
    Ok(shown.to_string_lossy().into_owned())
}

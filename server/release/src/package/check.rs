//! Compares a package with its `.rel` file: no file is missing or superfluous, and every file matches its checksum and its
//! format. Everything is checked before a file moves to its place in the tree.

use std::path::Path;

use pq_term::Term;

use super::PackageError;
use super::path::{self, is_plain_part, packed_rel};
use super::read::Files;
use super::refusal::Refusal;
use crate::boot::{BootError, ReleaseTree, Runtime};
use crate::checksums::{self, Checksums, Sha256Hex};
use crate::consult::read_text;
use crate::file_error::{FileError, path_term};
use crate::layout;
use crate::names;
use crate::owner;
use crate::rel::{Rel, RelApp};
use crate::releases::Lib;
use crate::terms::tagged;

/// A fault of the files of a package.
pub(super) enum Fault {
    Refused(Refusal),
    /// A sentence and OTP's term. Paths in them may begin with the directory in which the package was unpacked.
    Content(String, Term),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        Fault::Refused(refusal)
    }
}

impl Fault {
    /// The error about this package, without the directory in which it was unpacked.
    pub(super) fn of(self, package: &Path, staged: &Path) -> PackageError {
        let file = package.to_path_buf();
        match self {
            Fault::Refused(refusal) => PackageError::Refused { file, refusal },
            Fault::Content(sentence, term) => {
                let prefix = format!("{}/", staged.display());
                PackageError::Content {
                    file,
                    sentence: sentence.replace(&prefix, ""),
                    term: without(&term, &prefix),
                }
            }
        }
    }
}

fn without(term: &Term, prefix: &str) -> Term {
    match term {
        Term::String(text) => Term::string(text.replace(prefix, "")),
        Term::Tuple(parts) => {
            let parts: Vec<_> = parts.iter().map(|part| without(part, prefix)).collect();
            Term::tuple(parts)
        }
        Term::List(items) => items.iter().map(|item| without(item, prefix)).collect(),
        other => other.clone(),
    }
}

/// Checks a package that was unpacked in `staged`; returns its release.
pub(super) fn check(files: &Files, staged: &Path, runtime: &Runtime) -> Result<Rel, Fault> {
    let tree = ReleaseTree::open(staged, runtime.clone());
    names_fit(files, staged)?;
    agree(files, staged, "")?;
    let rel = rel(files, staged)?;
    let converters = tree.converters(&rel.vsn);
    for path in files.keys() {
        let of_converter = |lib: &Lib| below(path, &lib.folder);
        match converters.iter().any(of_converter) {
            true => (),
            false => belongs(&tree, &rel, path)?,
        }
    }
    let own = tree.foreign_to_the_node(&rel);
    let own = own.map(|entry| (entry.name, &entry.vsn, packed_rel(&rel.name)));
    let relup = format!("{}/relup", layout::release_name(&rel.vsn));
    let between = converters
        .iter()
        .map(|lib| (lib.name, &lib.vsn, relup.clone()));
    for (name, vsn, asked_by) in own.chain(between) {
        let folder = layout::lib_name(name.as_str(), vsn);
        let app = format!("{folder}/{}", layout::app_name(name.as_str()));
        is_there(files, &app, &format!("`{asked_by}`"))?;
        agree(files, staged, &format!("{folder}/"))?;
    }
    tree.relup(&rel.vsn).map_err(bad_relup)?;
    tree.check(&rel, &[])
        .map_err(|error| Fault::Content(error.to_string(), error.to_term()))?;
    for entry in tree.foreign_to_the_node(&rel) {
        is_owned(files, staged, entry)?;
    }
    for lib in &converters {
        let converter = tree.converter(lib.name, &lib.vsn);
        converter.map_err(|error| Fault::Content(error.to_string(), error.to_term()))?;
    }
    tree.rel(&rel.vsn).map_err(bad_rel)
}

/// Checks that the node can store all names of the files, before it stores the first one.
fn names_fit(files: &Files, staged: &Path) -> Result<(), Fault> {
    let holds_terms = |path: &&String| path::holds_terms(path);
    let texts = files
        .keys()
        .filter(holds_terms)
        .map(|path| staged.join(path));
    // The parser of an unreadable file refuses it later.
    let texts: Vec<_> = texts.filter_map(|file| read_text(&file).ok()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    names::check(&texts).map_err(|error| Refusal::TooManyNames(error.to_string()).into())
}

/// A library of an application has to belong to this version of the application.
fn is_owned(files: &Files, staged: &Path, entry: &RelApp) -> Result<(), Fault> {
    let (name, vsn) = (entry.name.as_str(), &entry.vsn);
    let path = format!(
        "{}/{}",
        layout::lib_name(name, vsn),
        layout::library_name(name)
    );
    if !files.contains_key(&path) {
        return Ok(());
    }
    let file = staged.join(&path);
    let bytes = pq_files::read(&file, pq_code::LIBRARY_BYTES_MAX)
        .map_err(|error| file_fault(FileError::read(&file, &error)))?;
    let owned = owner::check(&bytes, name, vsn);
    Ok(owned.map_err(|owner| Refusal::OtherOwner { path, owner })?)
}

/// The checksums of a directory list exactly its files.
fn agree(files: &Files, staged: &Path, folder: &str) -> Result<(), Fault> {
    let own = format!("{folder}{}", checksums::FILE_NAME);
    let asked_by = match folder {
        "" => "every package",
        _ => "every application",
    };
    is_there(files, &own, asked_by)?;
    let sums = Checksums::read(&staged.join(&own)).map_err(file_fault)?;
    let below = files.iter().filter(|(path, _)| path.starts_with(folder));
    let is_summed = |path: &str| path != own && !path::is_head(path);
    for (path, sum) in below.filter(|(path, _)| is_summed(path)) {
        line_fits(sums.0.get(&path[folder.len()..]), sum, path, &own)?;
    }
    for name in sums.0.keys() {
        is_there(files, &format!("{folder}{name}"), &format!("`{own}`"))?;
    }
    Ok(())
}

pub(super) fn line_fits(
    line: Option<&Sha256Hex>,
    sum: &Sha256Hex,
    path: &str,
    sums: &str,
) -> Result<(), Refusal> {
    let (path, sums) = (path.to_string(), sums.to_string());
    match line {
        Some(line) if line == sum => Ok(()),
        Some(_) => Err(Refusal::Damaged { path, sums }),
        None => Err(Refusal::NoChecksum { path, sums }),
    }
}

fn is_there(files: &Files, path: &str, asked_by: &str) -> Result<(), Refusal> {
    match files.contains_key(path) {
        true => Ok(()),
        false => Err(Refusal::Missing {
            path: path.to_string(),
            asked_by: asked_by.to_string(),
        }),
    }
}

/// Reads the only `.rel` file in `releases`, which has to equal the one in the directory of the release.
fn rel(files: &Files, staged: &Path) -> Result<Rel, Fault> {
    let is_rel = |path: &&String| path.starts_with("releases/") && path.matches('/').count() == 1;
    let mut found = files.keys().filter(is_rel);
    let path = found.next().ok_or(Refusal::NoRel)?;
    if let Some(other) = found.next() {
        return Err(Refusal::SeveralRels(path.clone(), other.clone()).into());
    }
    let rel = Rel::parse(
        Path::new(path),
        &read_text(&staged.join(path)).map_err(bad_rel_file)?,
    )
    .map_err(bad_rel_file)?;
    plain_names(&rel)?;
    let packed = packed_rel(&rel.name);
    if packed != *path {
        let (path, name) = (path.clone(), rel.name);
        return Err(Refusal::WrongName { path, name }.into());
    }
    let (folder, name) = (layout::release_name(&rel.vsn), layout::rel_name(&rel.name));
    let placed = format!("{folder}/{name}");
    is_there(files, &placed, &format!("`{path}`"))?;
    match files.get(path) == files.get(&placed) {
        true => Ok(rel),
        false => Err(Refusal::Differ(packed, placed).into()),
    }
}

/// The names become paths of the tree and are printed on terminals.
fn plain_names(rel: &Rel) -> Result<(), Refusal> {
    let of_apps = rel
        .applications
        .iter()
        .flat_map(|entry| [entry.name.as_str(), entry.vsn.as_str()]);
    let own = [rel.name.as_str(), &rel.vsn, &rel.erts_vsn];
    match own
        .into_iter()
        .chain(of_apps)
        .find(|name| !is_plain_part(name))
    {
        None => Ok(()),
        Some(name) => Err(Refusal::NotPlain(name.escape_debug().to_string())),
    }
}

/// Whether a file is in this directory, or below it.
pub(super) fn below(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// Every file belongs to the package itself, to the directory of the release, or to an application of the release.
fn belongs(tree: &ReleaseTree, rel: &Rel, path: &str) -> Result<(), Refusal> {
    let of_app = |entry: &&RelApp| below(path, &layout::lib_name(entry.name.as_str(), &entry.vsn));
    let is_own = path::is_head(path) || path == packed_rel(&rel.name);
    let is_of_node = below(path, &layout::signed_name(&rel.vsn));
    if is_own || (below(path, &layout::release_name(&rel.vsn)) && !is_of_node) {
        return Ok(());
    }
    let why = match rel.applications.iter().find(of_app) {
        _ if is_of_node => "the node itself writes that directory",
        Some(entry) if tree.built_in(entry.name.as_str()).is_none() => return Ok(()),
        Some(_) => "that application is part of the node",
        None => "it lists no such application, or in another version",
    };
    Err(Refusal::Foreign {
        path: path.to_string(),
        vsn: rel.vsn.clone(),
        why,
    })
}

/// `{bad_rel_file,F}` for text that is no term, `{bad_rel_data,D}` for a term that is no release.
pub(crate) fn rel_term(error: &FileError) -> Term {
    let file = path_term(error.file());
    match error {
        FileError::Read { kind, file } => super::no_file(file, *kind),
        FileError::Parse { .. } => tagged("bad_rel_file", file),
        FileError::Content { term, .. } => tagged("bad_rel_data", term.clone()),
        other => other.to_term(),
    }
}

fn bad_rel_file(error: FileError) -> Fault {
    Fault::Content(error.to_string(), rel_term(&error))
}

fn bad_relup(error: FileError) -> Fault {
    let term = tagged("bad_relup_file", path_term(error.file()));
    Fault::Content(error.to_string(), term)
}

fn bad_rel(error: BootError) -> Fault {
    Fault::Content(error.to_string(), error.to_term())
}

fn file_fault(error: FileError) -> Fault {
    Fault::Content(error.to_string(), error.to_term())
}

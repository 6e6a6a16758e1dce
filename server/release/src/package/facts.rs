//! What a package says about itself, and the differences between two packages: the answers of `pq package show` and `diff`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use pq_code::{Manifest, ModuleEntry};
use pq_signing::{Comment, claimed};
use pq_term::Term;
use schemars::JsonSchema;
use serde::Serialize;

use super::PackageError;
use super::check::below;
use super::contents::Contents;
use crate::checksums::Sha256Hex;
use crate::consult::text_of;
use crate::rel::RelApp;
use crate::sys_config;

/// What a package says about itself. Only a judged signature proves it.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Facts {
    /// The name of the release.
    pub name: String,
    /// The version of the release.
    pub vsn: String,
    /// The version of the node that the release needs.
    pub erts_vsn: String,
    /// The key that has signed the package, as far as the given keys prove it, or `unsigned`.
    pub author: String,
    /// The statements of the signature; `None` for an unsigned package.
    pub signature: Option<Statements>,
    /// The versions from which the release can be installed without a restart.
    pub from: Vec<String>,
    /// The versions to which the release can be downgraded.
    pub to: Vec<String>,
    /// The circumstances of the build, as the author's `pq build` has noted them; `None` in packages of older programs.
    pub build: Option<serde_json::Value>,
    /// The applications that are not part of the node.
    pub applications: Vec<Application>,
    /// All files except the checksums and their signature, by path.
    pub files: Vec<PackedFile>,
}

/// The statements of a signature.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Statements {
    /// The number of the key.
    pub key: String,
    /// The number of the package.
    pub seq: u64,
    /// The trusted comment with all statements.
    pub comment: String,
}

/// One application of a package.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Application {
    /// The name of the application.
    pub name: String,
    /// The version of the application.
    pub vsn: String,
    /// The stamp of the boundary between node and library; `None` without a library.
    pub abi: Option<u64>,
    /// The modules of its library.
    pub modules: Vec<PackedModule>,
}

/// One module of a library.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct PackedModule {
    /// The name of the module.
    pub name: String,
    /// The version of the module.
    pub vsn: String,
    /// The behaviour that drives it, such as `gen_server`.
    pub kind: String,
    /// The digest of its source; `None` if the build has not noted one.
    pub digest: Option<String>,
}

/// One file of a package.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct PackedFile {
    /// The path of the file in the package.
    pub path: String,
    /// The size of the file, in bytes.
    pub bytes: u64,
    /// The SHA-256 of the file.
    pub sha256: Sha256Hex,
}

/// The differences between two packages.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Differences {
    /// Name and version of the first release.
    pub old: String,
    /// Name and version of the second release.
    pub new: String,
    /// The versions of applications.
    pub applications: Vec<Change>,
    /// The versions and digests of modules.
    pub modules: Vec<Change>,
    /// Settings of `sys.config`, as terms.
    pub settings: Vec<Change>,
    /// The circumstances of the build.
    pub build: Vec<Change>,
    /// The checksums of files, by their paths without the versions of releases and applications.
    pub files: Vec<Change>,
}

/// One difference: a thing that only one package has, or that differs.
#[derive(Serialize, Clone, PartialEq, Eq, Debug, JsonSchema)]
pub struct Change {
    /// The name of the thing.
    pub what: String,
    /// Its value in the first package; `None` if only the second one has it.
    pub old: Option<String>,
    /// Its value in the second package; `None` if only the first one has it.
    pub new: Option<String>,
}

impl Facts {
    /// The facts of this package.
    ///
    /// # Errors
    /// When its relup is malformed.
    pub fn of(contents: &Contents) -> Result<Facts, PackageError> {
        let (rel, relup) = (&contents.rel, contents.relup()?);
        let (up, down) = relup.map_or_else(Default::default, |relup| (relup.up, relup.down));
        let vsns = |ways: Vec<crate::relup::Way>| ways.into_iter().map(|way| way.vsn).collect();
        let foreign = rel
            .applications
            .iter()
            .filter(|entry| has_files(contents, entry));
        Ok(Facts {
            name: rel.name.clone(),
            vsn: rel.vsn.clone(),
            erts_vsn: rel.erts_vsn.clone(),
            author: contents.author.to_string(),
            signature: contents.signature().and_then(statements),
            from: vsns(up),
            to: vsns(down),
            build: build(contents),
            applications: foreign.map(|entry| application(contents, entry)).collect(),
            files: files(contents),
        })
    }
}

fn statements(signature: &str) -> Option<Statements> {
    let (key, comment): (_, Comment) = claimed(signature)?;
    Some(Statements {
        key: key.to_string(),
        seq: comment.seq,
        comment: comment.to_string(),
    })
}

fn has_files(contents: &Contents, entry: &RelApp) -> bool {
    let folder = crate::layout::lib_name(entry.name.as_str(), &entry.vsn);
    let mut paths = contents.sums.0.keys();
    paths.any(|path| below(path, &folder))
}

fn application(contents: &Contents, entry: &RelApp) -> Application {
    let manifest: Option<Manifest> = contents.manifest(entry);
    let module = |module: &ModuleEntry| PackedModule {
        name: module.name.clone(),
        vsn: module.vsn.clone(),
        kind: module.kind.word().to_string(),
        digest: module.digest.clone(),
    };
    let modules = manifest.iter().flat_map(|manifest| &manifest.modules);
    Application {
        name: entry.name.as_str().to_string(),
        vsn: entry.vsn.clone(),
        modules: modules.map(module).collect(),
        abi: manifest.as_ref().map(|manifest| manifest.abi),
    }
}

fn build(contents: &Contents) -> Option<serde_json::Value> {
    serde_json::from_slice(contents.of_release(crate::layout::BUILD_NAME)?).ok()
}

fn files(contents: &Contents) -> Vec<PackedFile> {
    let file = |(path, sha256): (&String, &Sha256Hex)| PackedFile {
        path: path.clone(),
        bytes: contents.file(path).map_or(0, |bytes| bytes.len() as u64),
        sha256: sha256.clone(),
    };
    contents.sums.0.iter().map(file).collect()
}

impl Differences {
    /// Compares two packages.
    ///
    /// # Errors
    /// When a relup or `sys.config` is malformed.
    pub fn between(old: &Contents, new: &Contents) -> Result<Differences, PackageError> {
        let (old_facts, new_facts) = (Facts::of(old)?, Facts::of(new)?);
        let title = |facts: &Facts| format!("{} {}", facts.name, facts.vsn);
        let of = |values: fn(&Facts) -> Values| changes(&values(&old_facts), &values(&new_facts));
        Ok(Differences {
            old: title(&old_facts),
            new: title(&new_facts),
            applications: of(applications),
            modules: of(modules),
            settings: changes(&settings(old)?, &settings(new)?),
            build: of(circumstances),
            files: of(checksums),
        })
    }

    /// Whether the packages have the same files.
    pub fn is_none(&self) -> bool {
        self.files.is_empty() && self.old == self.new
    }
}

/// Values by the names of things.
type Values = BTreeMap<String, String>;

fn changes(old: &Values, new: &Values) -> Vec<Change> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let differing = names
        .into_iter()
        .filter(|name| old.get(*name) != new.get(*name));
    differing
        .map(|name| Change {
            what: name.clone(),
            old: old.get(name).cloned(),
            new: new.get(name).cloned(),
        })
        .collect()
}

fn applications(facts: &Facts) -> Values {
    let vsn = |app: &Application| (app.name.clone(), app.vsn.clone());
    facts.applications.iter().map(vsn).collect()
}

fn modules(facts: &Facts) -> Values {
    let modules = facts.applications.iter().flat_map(|app| &app.modules);
    let value = |module: &PackedModule| {
        let digest = module.digest.as_deref().unwrap_or("without a digest");
        (module.name.clone(), format!("{} {digest}", module.vsn))
    };
    modules.map(value).collect()
}

fn circumstances(facts: &Facts) -> Values {
    let build = facts.build.as_ref().and_then(serde_json::Value::as_object);
    let value = |(key, value): (&String, &serde_json::Value)| (key.clone(), value.to_string());
    build.into_iter().flatten().map(value).collect()
}

/// Files of two versions of an application are compared with each other.
fn checksums(facts: &Facts) -> Values {
    let value = |file: &PackedFile| (without_vsn(facts, &file.path), file.sha256.clone());
    facts.files.iter().map(value).collect()
}

fn without_vsn(facts: &Facts, path: &str) -> String {
    let mut names = facts.applications.iter().map(|app| {
        (
            format!("lib/{}-{}/", app.name, app.vsn),
            format!("lib/{}/", app.name),
        )
    });
    let of_release = (
        format!("releases/{}/", facts.vsn),
        "releases/VSN/".to_string(),
    );
    let found = names.find(|(folder, _)| path.starts_with(folder));
    let (folder, short) = found.unwrap_or(of_release);
    path.replacen(&folder, &short, 1)
}

/// The settings of `sys.config`; files that it names are compared as files.
fn settings(contents: &Contents) -> Result<Values, PackageError> {
    let Some(bytes) = contents.of_release(sys_config::FILE_NAME) else {
        return Ok(Values::new());
    };
    let file = Path::new(sys_config::FILE_NAME);
    let settings = text_of(file, bytes).and_then(|text| sys_config::own(file, &text));
    let settings = settings.map_err(|error| contents.fault(&error))?;
    let value =
        |((app, key), value): ((String, String), Term)| (format!("{app} {key}"), value.to_string());
    Ok(settings.into_iter().map(value).collect())
}

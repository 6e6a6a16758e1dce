//! `pq package`: shows, compares and examines packages. No command loads a library or changes a tree.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use pq_protocol::{Exit, Failure};
use pq_release::package::{self, Contents, Differences, Facts};
use pq_signing::{Keys, Trusted};
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{answer, of_keys, of_package, public_key};
use crate::boot;
use crate::client::{Show, counted, lines, table};

/// The number of digits of a checksum that a table shows.
const SHORT: usize = 12;

/// The commands about packages.
#[derive(Subcommand, Debug)]
pub(crate) enum PackageArgs {
    /// Show what a package says about itself: author, build, applications, modules, ways and files
    Show(OnePackage),
    /// Compare two packages: applications, modules, settings, builds and files; the exit code is 3 if they differ
    Diff {
        /// The path of the first package
        #[arg(value_name = "OLD")]
        old: PathBuf,
        /// The path of the second package
        #[arg(value_name = "NEW")]
        new: PathBuf,
        /// Write the answer as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Examine a package as `pq unpack` does: signature, checksums and contents; the exit code is 10 if it is not as signed
    Verify(OnePackage),
}

/// The words of a command about one package.
#[derive(Args, Debug)]
pub(crate) struct OnePackage {
    /// The path of the package
    #[arg(value_name = "FILE")]
    package: PathBuf,
    #[command(flatten)]
    judges: Judges,
    /// Write the answer as one line of JSON
    #[arg(long)]
    json: bool,
}

/// The keys that judge a signature.
#[derive(Args, Debug)]
pub(crate) struct Judges {
    /// The public file of a key that is trusted, in place of the keys of a tree
    #[arg(long, value_name = "FILE.pub")]
    key: Option<PathBuf>,
    /// The directory of a release tree, whose keys are trusted
    #[arg(long, env = "PQ_ROOT", value_name = "DIR")]
    root: Option<PathBuf>,
}

/// The answer to `package verify`.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct Verified {
    /// The name of the release.
    name: String,
    /// The version of the release.
    vsn: String,
    /// The key that has signed the package, as far as the given keys prove it, or `unsigned`.
    author: String,
}

/// Carries out a command about packages.
pub(crate) fn package(command: &PackageArgs) -> anyhow::Result<()> {
    match command {
        PackageArgs::Show(one) => answer(one.json, show(&one.package, &one.judges)),
        PackageArgs::Verify(one) => answer(one.json, verify(&one.package, &one.judges)),
        PackageArgs::Diff { old, new, json } => {
            let differences = diff(old, new);
            let differ = differences.as_ref().is_ok_and(|found| !found.is_none());
            answer(*json, differences)?;
            match differ {
                true => Err(Failure::new(Exit::Refused, "the packages differ").into()),
                false => Ok(()),
            }
        }
    }
}

impl Judges {
    fn keys(&self) -> Result<Keys, Failure> {
        let mut keys = Keys::default();
        if let (None, Some(root)) = (&self.key, &self.root) {
            return Keys::read(root).map_err(|error| of_keys(&error));
        }
        if let Some(file) = &self.key {
            let (key, note, until) = (public_key(file)?, None, None);
            keys.trust(Trusted { key, note, until })
                .map_err(|error| of_keys(&error))?;
        }
        Ok(keys)
    }
}

fn show(file: &Path, judges: &Judges) -> Result<Facts, Failure> {
    let contents = Contents::read(file, judges.keys()?).map_err(of_package)?;
    Facts::of(&contents).map_err(of_package)
}

fn diff(old: &Path, new: &Path) -> Result<Differences, Failure> {
    let read = |file| Contents::read(file, Keys::default()).map_err(of_package);
    Differences::between(&read(old)?, &read(new)?).map_err(of_package)
}

fn verify(file: &Path, judges: &Judges) -> Result<Verified, Failure> {
    let keys = judges.keys()?;
    let internal = |why: String| Failure::new(Exit::Internal, format!("failed to {why}"));
    let runtime = boot::runtime().map_err(|error| internal(format!("{error:#}")))?;
    let work = std::env::temp_dir().join(format!("pq-verify-{}", std::process::id()));
    let made = std::fs::DirBuilder::new().mode(0o700).create(&work);
    made.map_err(|error| internal(format!("make {}: {error}", work.display())))?;
    let (rel, author) = package::verify(file, &work, &runtime, keys).map_err(of_package)?;
    Ok(Verified {
        name: rel.name,
        vsn: rel.vsn,
        author: author.to_string(),
    })
}

impl Show for Verified {
    fn show(&self) -> String {
        format!(
            "release {} {} is whole: {}",
            self.name, self.vsn, self.author
        )
    }
}

impl Show for Facts {
    fn show(&self) -> String {
        let build = self.build.as_ref().and_then(serde_json::Value::as_object);
        let fact = |(key, value): (&String, &serde_json::Value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_string);
            format!("{key} {text}")
        };
        let build: Vec<String> = build.into_iter().flatten().map(fact).collect();
        let bytes: u64 = self.files.iter().map(|file| file.bytes).sum();
        let files = counted(self.files.len() as u64, "file", "files");
        let facts = lines(&[
            ("release", format!("{} {}", self.name, self.vsn)),
            ("author", self.author.clone()),
            (
                "says",
                self.signature
                    .as_ref()
                    .map(|it| it.comment.clone())
                    .unwrap_or_default(),
            ),
            ("needs", format!("erts {}", self.erts_vsn)),
            ("ways from", self.from.join(", ")),
            ("ways to", self.to.join(", ")),
            ("build", build.join(", ")),
            ("size", format!("{files}, {bytes} bytes")),
        ]);
        let modules = table(
            &["APPLICATION", "VSN", "MODULE", "VSN", "KIND", "DIGEST"],
            rows(self),
        );
        let file = |file: &package::PackedFile| {
            vec![
                short(&file.sha256),
                file.bytes.to_string(),
                file.path.clone(),
            ]
        };
        let files = table(&["SHA-256", "BYTES", "FILE"], self.files.iter().map(file));
        format!("{facts}\n{modules}\n\n{files}")
    }
}

fn rows(facts: &Facts) -> Vec<Vec<String>> {
    let rows = facts.applications.iter().flat_map(|app| {
        let row = |module: &package::PackedModule| {
            let digest = short(module.digest.as_deref().unwrap_or_default());
            let (name, vsn) = (app.name.clone(), app.vsn.clone());
            vec![
                name,
                vsn,
                module.name.clone(),
                module.vsn.clone(),
                module.kind.clone(),
                digest,
            ]
        };
        app.modules.iter().map(row)
    });
    rows.collect()
}

impl Show for Differences {
    fn show(&self) -> String {
        if self.is_none() {
            return format!("{}: the packages have the same files", self.old);
        }
        let parts = [
            ("application", &self.applications),
            ("module", &self.modules),
            ("setting", &self.settings),
            ("build", &self.build),
            ("file", &self.files),
        ];
        let rows = parts.into_iter().flat_map(|(kind, changes)| {
            let value = move |text: &Option<String>| match (kind, text) {
                (_, None) => "-".to_string(),
                ("file", Some(sum)) => short(sum),
                (_, Some(text)) => text.clone(),
            };
            let row = move |change: &package::Change| {
                vec![
                    kind.to_string(),
                    change.what.clone(),
                    value(&change.old),
                    value(&change.new),
                ]
            };
            changes.iter().map(row)
        });
        table(&["", "WHAT", &self.old, &self.new], rows)
    }
}

fn short(sum: &str) -> String {
    sum.chars().take(SHORT).collect()
}

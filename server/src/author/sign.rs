//! `pq sign`: signs packages, also ones that have a signature. `pq tar` does the same with the package that it makes.

use std::path::{Path, PathBuf};

use clap::Args;
use pq_protocol::{Exit, Failure};
use pq_release::package;
use schemars::JsonSchema;
use serde::Serialize;

use super::answer::{answer, of_package};
use super::key::Signer;
use crate::client::Show;

#[derive(Args, Debug)]
pub(crate) struct Command {
    /// The path of the package
    #[arg(value_name = "FILE")]
    package: PathBuf,
    #[command(flatten)]
    signer: Signer,
    /// Write the answer as one line of JSON
    #[arg(long)]
    json: bool,
}

/// The answer to `sign`.
#[derive(Serialize, Debug, JsonSchema)]
pub(crate) struct SignedPackage {
    /// The path of the package.
    file: PathBuf,
    /// The number of the key.
    key: String,
    /// The trusted comment of the signature.
    comment: String,
}

/// Signs a package, in place of a signature that it has.
pub(crate) fn sign(command: &Command) -> anyhow::Result<()> {
    answer(command.json, signed(command))
}

fn signed(command: &Command) -> Result<SignedPackage, Failure> {
    let done = with(&command.signer, &command.package)?;
    done.ok_or_else(|| {
        let sentence =
            "failed to sign: there is no key; `pq key new` makes one, and --key names another";
        Failure::new(Exit::Refused, sentence)
    })
}

/// Signs a package if there is a key.
pub(super) fn with(signer: &Signer, file: &Path) -> Result<Option<SignedPackage>, Failure> {
    let Some((key, seq)) = signer.read()? else {
        return Ok(None);
    };
    let comment = package::sign(file, &key, seq).map_err(of_package)?;
    Ok(Some(SignedPackage {
        file: file.to_path_buf(),
        key: key.public().id().to_string(),
        comment: comment.to_string(),
    }))
}

impl Show for SignedPackage {
    fn show(&self) -> String {
        let SignedPackage { file, key, comment } = self;
        format!("{} is signed with key {key}: {comment}", file.display())
    }
}

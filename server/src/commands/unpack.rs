//! `pq unpack`: unpacks a package as a release of the tree (`unpack_release/1`).

use std::path::Path;

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::answer::Done;
use pq_release::handler::ReleaseHandler;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Words, word};
use super::kinds::OnReleases;
use crate::client::{Show, printable};
use crate::running::Outcome;

#[derive(Args, Serialize, Deserialize, Debug)]
pub(crate) struct Unpack {
    /// The name of a package in the tree's directory `releases`, or the path of a package
    #[arg(value_name = "NAME-VSN|FILE", value_parser = package_name)]
    pub(super) package: String,
    /// Also unpack a signed package whose number is lower than that of another package that was unpacked before
    #[arg(long)]
    #[serde(default)]
    pub(super) older: bool,
}

/// The answer to `unpack` and `set-unpacked`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Unpacked(Done);

impl Words for Unpack {
    const NAME: &'static str = "unpack";
    type Answer = Unpacked;

    fn typed(&self) -> String {
        let older = if self.older { " --older" } else { "" };
        format!("unpack {}{older}", self.package)
    }
}

impl OnReleases for Unpack {
    fn vsn(&self) -> Option<&str> {
        None
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let registry = handler.registry_mut();
        let unpacked = match self.older {
            true => registry.unpack_older(&self.package),
            false => registry.unpack(&self.package),
        };
        Outcome::of_unpack(&word::<Self>(), unpacked)
    }
}

/// Keeps the name of a package in the tree, and makes a path absolute: the node has another working directory.
fn package_name(package: &str) -> Result<String, String> {
    if !package.contains('/') && !package.ends_with(".tar.gz") {
        return Ok(package.to_string());
    }
    let path = std::path::absolute(Path::new(package)).map_err(|error| error.to_string())?;
    path.into_os_string()
        .into_string()
        .map_err(|path| format!("the path {} is not UTF-8", path.display()))
}

impl Show for Unpacked {
    fn show(&self) -> String {
        let vsn = printable(&self.0.vsn);
        let author = self
            .0
            .author
            .iter()
            .map(|author| format!(" ({})", printable(author)));
        let author: String = author.collect();
        format!("release {vsn} is unpacked{author}; `pq install {vsn}` installs it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_packages_stay_and_paths_become_absolute() {
        let name = |text: &str| package_name(text).unwrap();
        assert_eq!(name("processquest-1.1.0"), "processquest-1.1.0");
        assert_eq!(name("/tmp/p-1.tar.gz"), "/tmp/p-1.tar.gz");
        let here = std::env::current_dir().unwrap();
        assert_eq!(Path::new(&name("p-1.tar.gz")), here.join("p-1.tar.gz"));
        assert_eq!(Path::new(&name("sub/p-1")), here.join("sub/p-1"));
    }
}

//! `pq set-unpacked`: lists a release whose files are already in the tree (`set_unpacked/2`).

use std::path::{Path, PathBuf};

use clap::Args;
use pq_otp::upgrade::Live;
use pq_protocol::{Exit, Failure};
use pq_release::handler::ReleaseHandler;
use pq_release::registry::AppDir;
use serde::{Deserialize, Serialize};

use super::absolute::absolute;
use super::command::{Note, Typed, Words, word};
use super::kinds::OnReleases;
use super::unpack::Unpacked;
use crate::client::At;
use crate::running::Outcome;

#[derive(Args, Debug)]
pub(crate) struct SetUnpackedArgs {
    /// The path of the release's .rel file
    #[arg(value_name = "RELFILE", value_parser = absolute())]
    rel_file: PathBuf,
    /// Applications in other directories: name, version, and the directory that contains NAME-VSN
    #[arg(value_name = "APP VSN DIR", num_args = 3..)]
    app_dirs: Vec<String>,
    #[command(flatten)]
    note: Note,
}

/// An application in another directory: name, version, and the directory that contains `Name-Vsn`.
type Elsewhere = (String, String, PathBuf);

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct SetUnpacked {
    rel_file: PathBuf,
    app_dirs: Vec<Elsewhere>,
}

impl Typed for SetUnpackedArgs {
    fn at(&self) -> &At {
        &self.note.at
    }

    fn run(&self) -> Result<(), Failure> {
        self.note.show(&SetUnpacked {
            rel_file: self.rel_file.clone(),
            app_dirs: triples(&self.app_dirs)?,
        })
    }
}

/// Parses triples of `APP VSN DIR`.
fn triples(words: &[String]) -> Result<Vec<Elsewhere>, Failure> {
    let usage = |why| Failure::new(Exit::Usage, format!("failed to {why}"));
    let triple = |words: &[String]| match words {
        [app, vsn, dir] => {
            let found = std::path::absolute(Path::new(dir));
            let found = found.map_err(|error| usage(format!("find {dir}: {error}")))?;
            Ok((app.clone(), vsn.clone(), found))
        }
        rest => Err(usage(format!(
            "read `{}`: each application needs three words, APP, VSN and DIR",
            rest.join(" ")
        ))),
    };
    words.chunks(3).map(triple).collect()
}

impl Words for SetUnpacked {
    const NAME: &'static str = "set_unpacked";
    type Answer = Unpacked;

    fn typed(&self) -> String {
        format!("{} {}", word::<Self>(), self.rel_file.display())
    }
}

impl OnReleases for SetUnpacked {
    fn vsn(&self) -> Option<&str> {
        None
    }

    fn carry_out(&self, handler: &mut ReleaseHandler, _driver: &mut Live) -> Outcome {
        let app_dirs: Vec<AppDir> = self.app_dirs.iter().map(app_dir).collect();
        let done = handler
            .registry_mut()
            .set_unpacked(&self.rel_file, &app_dirs);
        Outcome::of_registry(&word::<Self>(), done)
    }
}

fn app_dir((name, vsn, dir): &Elsewhere) -> AppDir {
    AppDir {
        name: name.clone(),
        vsn: vsn.clone(),
        dir: dir.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn applications_elsewhere_are_named_by_three_words_each() {
        let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
        let two = triples(&words("a 1 /x b 2 /y")).unwrap();
        assert_eq!(two[1], ("b".to_string(), "2".to_string(), "/y".into()));
        assert_eq!(triples(&words("a 1 /x b 2")).unwrap_err().exit, Exit::Usage);
        assert_eq!(triples(&[]), Ok(vec![]));
    }
}

//! A question to systools, ours or OTP's: a new release, other releases, and the files of all of them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pq_release::relup::Relup;
use pq_release::systools::{Lookup, Options, RelFile, SystoolsError, Warning, make_relup};
use pq_term::Term;

/// Applications of OTP 25.2.3 that the vectors use but do not contain.
pub const OF_OTP_25: [(&str, &str); 4] = [
    ("kernel", "8.5.3"),
    ("stdlib", "4.2"),
    ("sasl", "4.2"),
    ("crypto", "5.1.2"),
];

/// The directory of these applications when a case is written to the disk.
pub const OTP: &str = "otp";

/// One question to systools.
pub struct Case {
    /// The texts of the files by path.
    pub files: Files,
    /// The release to which the relup leads.
    pub new: RelFile,
    /// The releases with an upgrade to the new one.
    pub up_from: Vec<RelFile>,
    /// The releases with a downgrade from the new one.
    pub down_to: Vec<RelFile>,
    /// The options of the question.
    pub options: Options,
}

impl Case {
    /// Computes the answer of our systools.
    ///
    /// # Errors
    /// See [`make_relup`].
    pub fn make(&self) -> Result<(Relup, Vec<Warning>), SystoolsError> {
        make_relup(
            &self.new,
            &self.up_from,
            &self.down_to,
            self.options,
            &self.files,
        )
    }

    /// The answer of our systools as the term that OTP would return.
    pub fn ours(&self) -> Term {
        match self.make() {
            Ok((relup, warnings)) => {
                let warnings = warnings.iter().map(Warning::to_term).collect();
                Term::tuple([Term::atom("ok"), relup.to_term(), warnings])
            }
            Err(error) => error.to_term(),
        }
    }
}

/// Files in memory by path.
#[derive(Default)]
pub struct Files(pub BTreeMap<PathBuf, String>);

impl Files {
    /// Adds the `.app` files of these applications of OTP.
    pub fn add_otp<'a>(&mut self, applications: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, vsn) in applications {
            let text = format!(
                "{{application, {name}, [{{description, \"\"}}, {{vsn, \"{vsn}\"}}, {{modules, []}}, {{registered, [{name}_server]}}, {{applications, []}}]}}."
            );
            let file = format!("{OTP}/{name}-{vsn}/ebin/{name}.app");
            self.0.insert(PathBuf::from(file), text);
        }
    }

    /// Writes all files below a directory.
    pub fn lay_out(&self, folder: &Path) {
        for (path, text) in &self.0 {
            let file = folder.join(path);
            let parent = file.parent().expect("it is below the folder");
            std::fs::create_dir_all(parent)
                .and_then(|()| std::fs::write(&file, text))
                .expect("there is room for a few small files");
        }
    }
}

impl Lookup for Files {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        match self.0.get(file) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        let wanted = format!("{name}.app");
        let is_wanted = |file: &&PathBuf| file.file_name().is_some_and(|file| *file == *wanted);
        self.0.keys().filter(is_wanted).cloned().collect()
    }
}

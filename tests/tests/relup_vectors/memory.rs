//! The files of a case, and those of OTP's own applications, which the cases leave out.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use pq_release::systools::Lookup;

/// Applications of OTP 25.2.3 as far as a relup sees them.
const OF_OTP: [(&str, &str); 4] = [
    ("kernel", "8.5.3"),
    ("stdlib", "4.2"),
    ("sasl", "4.2"),
    ("crypto", "5.1.2"),
];

/// Files by path.
pub(crate) struct Memory(BTreeMap<PathBuf, String>);

impl Memory {
    /// These files and OTP's.
    pub(crate) fn new(files: &BTreeMap<String, String>) -> Memory {
        let own = files
            .iter()
            .map(|(path, text)| (PathBuf::from(path), text.clone()));
        Memory(
            own.chain(OF_OTP.map(|(name, vsn)| app_of_otp(name, vsn)))
                .collect(),
        )
    }
}

fn app_of_otp(name: &str, vsn: &str) -> (PathBuf, String) {
    let text = format!(
        "{{application, {name}, [{{description, \"\"}}, {{vsn, \"{vsn}\"}}, {{modules, []}}, {{registered, []}}, {{applications, []}}]}}."
    );
    (
        PathBuf::from(format!("otp/{name}-{vsn}/ebin/{name}.app")),
        text,
    )
}

impl Lookup for Memory {
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

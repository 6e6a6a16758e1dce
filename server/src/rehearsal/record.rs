//! The record of a rehearsal with crashes: what was rehearsed, and the copies of the first avatars that have crashed, for `pq replay`.
//! The file is `rehearsals/SEED.json` in the tree; a further rehearsal with the same seed replaces it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pq_otp::moved::SUBTREE_BYTES_MAX;
use pq_protocol::{Exit, Failure};
use pq_rehearsal::{Copies, Crash, Wanted};
use serde::{Deserialize, Serialize};

/// The avatars of a record: a person replays a few.
const AVATARS_MAX: usize = 20;

/// The largest record that is read.
const RECORD_BYTES_MAX: u64 = 2 * SUBTREE_BYTES_MAX as u64;

/// A rehearsal with the copies of avatars that have crashed.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// The rehearsal, which a replay repeats for one avatar.
    pub(crate) wanted: Wanted,
    /// The copies by the names of their avatars, encoded and in base64.
    copies: BTreeMap<String, String>,
}

impl Record {
    /// Keeps the copies of the first avatars that have crashed. Returns the file.
    ///
    /// # Errors
    /// A sentence, when the file cannot be written.
    pub(crate) fn keep(
        wanted: &Wanted,
        crashes: &[Crash],
        copy_of: impl Fn(&str) -> Option<Vec<u8>>,
    ) -> Result<PathBuf, String> {
        let mut copies = BTreeMap::new();
        for crash in crashes {
            if copies.len() < AVATARS_MAX
                && !copies.contains_key(&crash.avatar)
                && let Some(bytes) = copy_of(&crash.avatar)
            {
                copies.insert(crash.avatar.clone(), STANDARD.encode(bytes));
            }
        }
        let record = Record {
            wanted: wanted.clone(),
            copies,
        };
        let file = place(&wanted.root, wanted.seed);
        let text = serde_json::to_vec(&record).map_err(|why| why.to_string())?;
        let folder = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(folder)
            .map_err(|why| format!("failed to make {}: {why}", folder.display()))?;
        pq_files::durable::write_private(&file, &text).map_err(|why| format!("failed to {why}"))?;
        Ok(file)
    }

    /// Reads the record of the rehearsal with this seed.
    ///
    /// # Errors
    /// When there is none, or it is damaged.
    pub(crate) fn read(root: &Path, seed: u64) -> Result<Record, Failure> {
        let file = place(root, seed);
        let refused = |why: String| {
            let sentence = format!(
                "failed to read the rehearsal with seed {seed}: {}: {why}; `pq rehearse` leaves the file when avatars crash",
                file.display()
            );
            Failure::new(Exit::Refused, sentence)
        };
        let bytes = pq_files::read(&file, RECORD_BYTES_MAX);
        let bytes = bytes.map_err(|why| refused(why.to_string()))?;
        serde_json::from_slice(&bytes).map_err(|why| refused(why.to_string()))
    }

    /// The copy of one avatar, as all copies of a rehearsal.
    ///
    /// # Errors
    /// When the record has no avatar of this name.
    pub(crate) fn copies(&self, name: &str) -> Result<Copies, Failure> {
        let refused = |why: String| {
            let sentence = format!("failed to replay {name}: {why}");
            Failure::new(Exit::Refused, sentence)
        };
        let text = self.copies.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.copies.keys().map(String::as_str).collect();
            refused(format!("the record has {}", names.join(", ")))
        })?;
        let bytes = STANDARD
            .decode(text)
            .map_err(|why| refused(why.to_string()))?;
        let mut copies = Copies::new().map_err(|why| refused(why.to_string()))?;
        copies.add(&bytes).map_err(|why| refused(why.to_string()))?;
        Ok(copies)
    }
}

fn place(root: &Path, seed: u64) -> PathBuf {
    root.join(format!("rehearsals/{seed}.json"))
}

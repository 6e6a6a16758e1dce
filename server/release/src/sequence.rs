//! `releases/signed.data`: the highest number of a signed package that was unpacked, for each name of a release.
//!
//! ```text
//!   {signed, "game", 1796065200, "9c41…"}.
//! ```
//! The numbers of an author's packages only rise. So a package of last year, whose fault is known by now, is not taken for a new
//! one, although its signature is right. The checksum tells two packages with one number from each other.

use std::collections::BTreeMap;
use std::path::Path;

use pq_signing::{Comment, SignatureError};
use pq_term::Term;

use crate::checksums::Sha256Hex;
use crate::consult::read_text;
use crate::file_error::FileError;
use crate::terms;

/// The numbers of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Sequence(BTreeMap<String, Highest>);

/// The highest number of a release's packages, and the checksum of that package's `SHA256SUMS`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Highest {
    seq: u64,
    sum: Sha256Hex,
}

impl Sequence {
    /// Reads the file; a tree without it has unpacked no signed package.
    pub(crate) fn read(file: &Path) -> Result<Sequence, FileError> {
        match read_text(file) {
            Ok(text) => parse(file, &text),
            Err(error) if error.is_absence() => Ok(Sequence::default()),
            Err(error) => Err(error),
        }
    }

    /// Refuses a number below the highest one, and a second package with that number.
    pub(crate) fn judge(&self, comment: &Comment, sum: &str) -> Result<(), SignatureError> {
        let seq = comment.seq;
        match self.0.get(&comment.name) {
            Some(highest) if seq < highest.seq => Err(SignatureError::Older {
                seq,
                seen: highest.seq,
            }),
            Some(highest) if seq == highest.seq && sum != highest.sum => {
                Err(SignatureError::Twice(seq))
            }
            _ => Ok(()),
        }
    }

    /// Notes an unpacked package. The number of an older one changes nothing.
    pub(crate) fn note(&mut self, comment: &Comment, sum: Sha256Hex) {
        let is_newer = |highest: &Highest| comment.seq >= highest.seq;
        if self.0.get(&comment.name).is_none_or(is_newer) {
            let seq = comment.seq;
            self.0.insert(comment.name.clone(), Highest { seq, sum });
        }
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        let line = |(name, highest): (&String, &Highest)| {
            let (name, sum) = (
                Term::string(name.as_str()),
                Term::string(highest.sum.as_str()),
            );
            format!("{{signed,{name},{},{sum}}}.\n", highest.seq)
        };
        self.0.iter().map(line).collect()
    }
}

fn parse(file: &Path, text: &str) -> Result<Sequence, FileError> {
    let parsed = pq_term::read_all_located(text);
    let parsed = parsed.map_err(|source| FileError::Parse {
        file: file.to_path_buf(),
        source,
    })?;
    let mut sequence = Sequence::default();
    for (line, term) in parsed {
        let Some((name, highest)) = entry(&term) else {
            return Err(FileError::Content {
                file: file.to_path_buf(),
                line,
                sentence: "`{signed, Name, Number, Checksum}` would be right".to_string(),
                term: terms::tagged("bad_signed_data", term),
            });
        };
        sequence.0.insert(name, highest);
    }
    Ok(sequence)
}

fn entry(term: &Term) -> Option<(String, Highest)> {
    match term.as_tuple()? {
        [tag, name, seq, sum] if tag.is_atom("signed") => {
            let seq = u64::try_from(seq.as_i64()?).ok()?;
            let sum = terms::text(sum)?;
            Some((terms::text(name)?, Highest { seq, sum }))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(seq: u64) -> Comment {
        format!("pq 1.1.0 seq={seq}").parse().unwrap()
    }

    #[test]
    fn numbers_only_rise_and_each_is_one_package() {
        let mut sequence = Sequence::default();
        for seq in [7, 5] {
            sequence.note(&comment(seq), format!("sum {seq}"));
        }
        let judge = |seq| sequence.judge(&comment(seq), &format!("sum {seq}"));
        assert_eq!(judge(6), Err(SignatureError::Older { seq: 6, seen: 7 }));
        assert_eq!((judge(7), judge(8)), (Ok(()), Ok(())));
        let other = sequence.judge(&comment(7), "sum");
        assert_eq!(other, Err(SignatureError::Twice(7)));
        let file = Path::new("signed.data");
        assert_eq!(parse(file, &sequence.to_text()), Ok(sequence));
        assert!(parse(file, "{signed,\"pq\",-1,\"\"}.").is_err());
    }
}

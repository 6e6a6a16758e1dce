//! Why a package is not accepted: one sentence each, and OTP's words.

use std::path::Path;

use pq_term::Term;

use crate::file_error::path_term;
use crate::layout;
use crate::owner::OtherOwner;
use crate::terms::tagged;

/// Why a package is not accepted. Paths are those within the package.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is no archive, or a part of one.
    #[error("it cannot be read to its end ({0}); a tar archive packed with gzip would be right")]
    Garbled(String),
    /// A path leads out of the tree, or to a place where no release has files.
    #[error(
        "it holds `{0}`; only plain paths such as `releases/Vsn/relup` or `lib/App-Vsn/ebin/App.app` have a place in a release tree"
    )]
    Path(String),
    /// Something that is neither a file nor a folder.
    #[error("`{path}` is {kind}; only files and folders can be unpacked")]
    Kind {
        /// The entry.
        path: String,
        /// What it is, with an article.
        kind: &'static str,
    },
    /// Two entries for one path, or a file where another needs a folder.
    #[error("`{0}` is there a second time; one of the two has to go")]
    Twice(String),
    /// Too many entries.
    #[error("it holds more than {0} entries")]
    TooMany(usize),
    /// One file is too large.
    #[error("`{path}` has {bytes} bytes; {bytes_max} at most are right for it")]
    FileTooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// The bound.
        bytes_max: u64,
    },
    /// More comes out of it than a package of its size can honestly hold.
    #[error("more than {bytes_max} bytes come out of it, which is too much for its size")]
    TooMuch {
        /// The bound.
        bytes_max: u64,
    },
    /// The names in its files of terms are too many to learn.
    #[error("{0}")]
    TooManyNames(String),
    /// There are bytes behind the end of the archive.
    #[error("something stands behind its end; whoever wrote that meant it to be read otherwise")]
    Behind,
    /// It does not say which release it holds.
    #[error("it has no .rel file in `releases`, which would say which release it holds")]
    NoRel,
    /// It says so twice.
    #[error("`{0}` and `{1}` both say which release it holds; one has to go")]
    SeveralRels(String, String),
    /// A name or version in the `.rel` file is no part of a path.
    #[error(
        "the release uses `{0}` as a name or version; it would have to be a plain part of a path"
    )]
    NotPlain(String),
    /// A `.rel` file with the name of another.
    #[error("`{path}` describes a release called `{name}`; its name would have to be that")]
    WrongName {
        /// The `.rel` file.
        path: String,
        /// The release in it.
        name: String,
    },
    /// A file that the release has no use for.
    #[error("`{path}` does not belong to release {vsn}: {why}")]
    Foreign {
        /// The file.
        path: String,
        /// The release.
        vsn: String,
        /// Why not.
        why: &'static str,
    },
    /// A file has no checksum.
    #[error("`{path}` has no line in `{sums}`; every file needs one")]
    NoChecksum {
        /// The file.
        path: String,
        /// The file of checksums.
        sums: String,
    },
    /// A file is not there.
    #[error("`{path}` is missing, and {asked_by} asks for it")]
    Missing {
        /// The file.
        path: String,
        /// Who asks for it.
        asked_by: String,
    },
    /// A file is not what its checksum says.
    #[error("`{path}` is damaged: its checksum is not the one in `{sums}`")]
    Damaged {
        /// The file.
        path: String,
        /// The file of checksums.
        sums: String,
    },
    /// A library is that of another application or version.
    #[error("`{path}` is not what its place says: {owner}")]
    OtherOwner {
        /// The library.
        path: String,
        /// Whose it is.
        owner: OtherOwner,
    },
    /// Two files that have to be the same differ.
    #[error("`{0}` and `{1}` differ; they have to be the same")]
    Differ(String, String),
}

impl Refusal {
    /// One word for it.
    pub fn word(&self) -> &'static str {
        match self {
            Refusal::Garbled(_) => "bad_archive",
            Refusal::Path(_) | Refusal::NotPlain(_) => "bad_path",
            Refusal::Kind { .. } => "bad_file_type",
            Refusal::Twice(_) => "duplicate",
            Refusal::TooMany(_) | Refusal::FileTooLarge { .. } | Refusal::TooMuch { .. } => {
                "too_large"
            }
            Refusal::TooManyNames(_) => "system_limit",
            Refusal::Behind => "trailing_data",
            Refusal::NoRel => "enoent",
            Refusal::SeveralRels(..) | Refusal::WrongName { .. } => "bad_rel_file",
            Refusal::Foreign { .. } => "not_in_release",
            Refusal::NoChecksum { .. } => "no_checksum",
            Refusal::Missing { .. } => "no_such_file",
            Refusal::OtherOwner { .. } => "wrong_vsn",
            Refusal::Damaged { .. } | Refusal::Differ(..) => "bad_checksum",
        }
    }

    /// `{cannot_extract_file,Path,Reason}`; for a package that does not say what it is `{enoent,RelFile}` and
    /// `{bad_rel_file,File}`, as `release_handler:unpack_release/1`.
    pub(super) fn to_term(&self, package: &Path) -> Term {
        let path = match self {
            Refusal::NoRel => return tagged("enoent", Term::string(rel_file_of(package))),
            Refusal::SeveralRels(_, path) | Refusal::WrongName { path, .. } => {
                return tagged("bad_rel_file", Term::string(path.as_str()));
            }
            Refusal::Missing { path, .. } => {
                return tagged("no_such_file", Term::string(path.as_str()));
            }
            Refusal::Path(path)
            | Refusal::NotPlain(path)
            | Refusal::Twice(path)
            | Refusal::Differ(_, path) => path,
            Refusal::Kind { path, .. }
            | Refusal::FileTooLarge { path, .. }
            | Refusal::Foreign { path, .. }
            | Refusal::NoChecksum { path, .. }
            | Refusal::OtherOwner { path, .. }
            | Refusal::Damaged { path, .. } => path,
            Refusal::Garbled(_)
            | Refusal::TooMany(_)
            | Refusal::TooMuch { .. }
            | Refusal::TooManyNames(_)
            | Refusal::Behind => {
                return cannot_extract(path_term(package), self.word());
            }
        };
        cannot_extract(Term::string(path.as_str()), self.word())
    }
}

fn cannot_extract(path: Term, reason: &'static str) -> Term {
    Term::tuple([Term::atom("cannot_extract_file"), path, Term::atom(reason)])
}

/// The file that OTP looks for: it takes the name of the package for that of the release.
fn rel_file_of(package: &Path) -> String {
    let name = package.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(".tar.gz").unwrap_or(&name);
    format!("releases/{}", layout::rel_name(name))
}

//! The layers: the allowed dependencies between packages.
//!
//! The table below contains the same data as the table of layers in ARCHITECTURE.md. A package may depend only on the
//! packages in its row; other dependencies are refused, also those within one layer. Library packages
//! (`processquest-1_1_0`) share one rule: the packages for plugins, and their own older versions.

use cargo_metadata::{Dependency, DependencyKind, Metadata, MetadataCommand, Package};

use super::tree::{Fault, File, file, relative, root};

/// The allowed dependencies of one package of the workspace.
struct Row {
    floor: &'static str,
    package: &'static str,
    /// Packages of the workspace, for normal and build dependencies.
    may: &'static [&'static str],
    /// Additional packages for its own tests.
    tests_may: &'static [&'static str],
}

const fn row(floor: &'static str, package: &'static str, may: &'static [&'static str]) -> Row {
    Row {
        floor,
        package,
        may,
        tests_may: &[],
    }
}

/// The packages by layer, from the lowest to the highest.
const ROWS: &[Row] = &[
    row("0", "pq-term", &[]),
    row("0", "pq-files", &[]),
    row("1", "pq-signing", &["pq-files", "pq-term"]),
    row("0", "pq-histogram", &[]),
    row("1", "pq-store", &["pq-files", "pq-histogram"]),
    row("0", "pq-login", &[]),
    row("0", "pq-lint", &["pq-files"]),
    row("0", "pq-abi", &["pq-term"]),
    row("0", "pq-words", &[]),
    row("0", "pq-protocol", &["pq-abi", "pq-histogram", "pq-term"]),
    row("1", "pq-feed", &["pq-histogram", "pq-protocol"]),
    row("plugin", "pq-sdk", &["pq-abi", "pq-term"]),
    Row {
        tests_may: &["pq-sdk"],
        ..row("1", "pq-otp", &["pq-abi", "pq-histogram", "pq-term"])
    },
    Row {
        tests_may: &["pq-sdk"],
        ..row("2", "pq-code", &["pq-abi", "pq-files", "pq-term"])
    },
    row("0", "regis-confusable", &[]),
    row(
        "2",
        "pq-saves",
        &["pq-otp", "pq-store", "pq-term", "regis-confusable"],
    ),
    row("2", "regis", &[]),
    row(
        "2",
        "regis-application",
        &["regis", "regis-confusable", "pq-otp", "pq-term", "pq-sdk"],
    ),
    Row {
        tests_may: &["untested"],
        ..row(
            "3",
            "pq-release",
            &[
                "pq-code",
                "pq-files",
                "pq-histogram",
                "pq-otp",
                "pq-protocol",
                "pq-signing",
                "pq-term",
            ],
        )
    },
    Row {
        tests_may: &["pq-sdk"],
        ..row(
            "3",
            "pq-testing",
            &[
                "pq-abi",
                "pq-code",
                "pq-lint",
                "pq-otp",
                "pq-term",
                "regis-application",
            ],
        )
    },
    row(
        "4",
        "pq-rehearsal",
        &[
            "pq-abi",
            "pq-code",
            "pq-files",
            "pq-histogram",
            "pq-otp",
            "pq-release",
            "pq-saves",
            "pq-term",
            "regis-application",
        ],
    ),
    row(
        "4",
        "sockserv",
        &["pq-files", "pq-otp", "pq-term", "regis-confusable"],
    ),
    row(
        "5",
        "pq",
        &[
            "sockserv",
            "pq-release",
            "pq-rehearsal",
            "pq-saves",
            "pq-store",
            "pq-code",
            "pq-files",
            "pq-histogram",
            "pq-lint",
            "pq-login",
            "regis-application",
            "regis-confusable",
            "pq-otp",
            "pq-sdk",
            "pq-abi",
            "pq-protocol",
            "pq-signing",
            "pq-feed",
            "pq-term",
        ],
    ),
    row(
        "6",
        "processquest-1_1_1-broken",
        &[
            "pq-sdk",
            "pq-words",
            "processquest-1_0_0",
            "processquest-1_1_0",
        ],
    ),
    row("6", "untested", &[]),
];

/// The package with the tests of the whole node; no package may depend on it.
const OUTSIDE: &str = "pq-tests";

/// Packages on which a library package may depend, besides older versions of its own application.
const LIBRARY_MAY: &[&str] = &["pq-sdk", "pq-words", "pq-term"];

/// Additional packages for the tests of a library package.
const LIBRARY_TESTS_MAY: &[&str] = &["pq-testing"];

/// External crates that only certain packages may use, with the reason.
const CONFINED: &[(&str, &[&str], &str)] = &[
    (
        "libloading",
        &["pq-code"],
        "one loader decides what is loaded and how",
    ),
    (
        "minisign-verify",
        &["pq-signing"],
        "one judgement decides whose packages a tree unpacks",
    ),
    (
        "rusqlite",
        &["pq-store"],
        "two copies or two users of a file would undo its locks",
    ),
    (
        "tokio",
        &["sockserv", "pq", OUTSIDE],
        "it carries sockets, signals and files; processes run on shards",
    ),
    (
        "anyhow",
        &["pq"],
        "errors are enums until they reach `main`",
    ),
    (
        "clap",
        &["pq", OUTSIDE],
        "only a command reads a command line",
    ),
];

/// A dependency in a `Cargo.toml`.
pub(crate) struct Edge {
    from: String,
    to: String,
    in_tests: bool,
}

impl Edge {
    /// A dependency between two packages; `in_tests` for a dev-dependency.
    pub(crate) fn new(from: &str, to: &str, in_tests: bool) -> Edge {
        Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            in_tests,
        }
    }

    /// The reason for which this dependency is refused; `None` if it is allowed. `is_ours` recognizes packages of the
    /// workspace.
    pub(crate) fn refusal(&self, is_ours: impl Fn(&str) -> bool) -> Option<String> {
        match is_ours(&self.to) {
            true if self.stays_below() => None,
            true => Some(format!(
                "`{}` may not depend on `{}`: {}",
                self.from,
                self.to,
                allowed(&self.from)
            )),
            false => self.strays(),
        }
    }

    /// The reason for which this package may not use an external crate; `None` if it may.
    fn strays(&self) -> Option<String> {
        let (name, users, why) = CONFINED.iter().find(|(name, ..)| *name == self.to)?;
        let may = users.contains(&self.from.as_str());
        (!may).then(|| format!("`{name}` is for {users:?} only, not `{}`: {why}", self.from))
    }

    fn stays_below(&self) -> bool {
        let (from, to) = (self.from.as_str(), self.to.as_str());
        if let Some((application, version)) = library(from) {
            let older =
                library(to).is_some_and(|(name, past)| name == application && past < version);
            let in_tests = self.in_tests && LIBRARY_TESTS_MAY.contains(&to);
            return older || in_tests || LIBRARY_MAY.contains(&to);
        }
        let below =
            |row: &Row| row.may.contains(&to) || (self.in_tests && row.tests_may.contains(&to));
        from == OUTSIDE || row_of(from).is_some_and(below)
    }
}

fn row_of(package: &str) -> Option<&'static Row> {
    ROWS.iter().find(|row| row.package == package)
}

/// The allowed dependencies of `package` as a sentence.
fn allowed(package: &str) -> String {
    if library(package).is_some() {
        return format!(
            "a library may depend on {LIBRARY_MAY:?} and older versions of its own application, and on {LIBRARY_TESTS_MAY:?} in \
             its tests"
        );
    }
    match row_of(package) {
        Some(row) => format!(
            "layer {} may depend on {:?}, and on {:?} in its tests",
            row.floor, row.may, row.tests_may
        ),
        None => {
            "it has no layer yet: add a row in tests/tests/tidy/floors.rs and in ARCHITECTURE.md"
                .to_owned()
        }
    }
}

/// The application and version of a library package: `sockserv-1_0_1` is `("sockserv", [1, 0, 1])`.
pub(crate) fn library(package: &str) -> Option<(&str, Vec<u64>)> {
    let (application, version) = package.rsplit_once('-')?;
    let numbers: Option<Vec<u64>> = version.split('_').map(|n| n.parse().ok()).collect();
    numbers.filter(|n| n.len() > 1).map(|n| (application, n))
}

/// The workspace as cargo describes it, without access to a registry.
pub(crate) fn workspace() -> Metadata {
    MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .expect("cargo describes the workspace")
}

/// All refused dependencies with their lines.
pub(crate) fn refused_edges(workspace: &Metadata) -> Vec<Fault> {
    let ours: Vec<&str> = workspace.packages.iter().map(|p| p.name.as_str()).collect();
    workspace
        .packages
        .iter()
        .flat_map(|package| refused_edges_of(package, &ours))
        .collect()
}

fn refused_edges_of(package: &Package, ours: &[&str]) -> Vec<Fault> {
    let manifest = manifest(package);
    let refused = |dependency: &Dependency| {
        let in_tests = dependency.kind == DependencyKind::Development;
        let refusal = Edge::new(&package.name, &dependency.name, in_tests)
            .refusal(|name| ours.contains(&name))?;
        Some(manifest.fault(line_naming(&manifest, &dependency.name), refusal))
    };
    package.dependencies.iter().filter_map(refused).collect()
}

/// The fault of a manifest that does not use the lints of the workspace.
pub(crate) fn without_workspace_lints(manifest: &File) -> Option<Fault> {
    let takes = manifest.text.contains("[lints]\nworkspace = true");
    manifest.unless(
        takes,
        1,
        "add `[lints]` with `workspace = true`: unsafe code is denied there",
    )
}

/// The `Cargo.toml` of a package of the workspace.
pub(crate) fn manifest(package: &Package) -> File {
    file(&relative(package.manifest_path.as_std_path())).expect("cargo has just read it")
}

fn line_naming(manifest: &File, dependency: &str) -> usize {
    let ends = |rest: &str| rest.starts_with(['.', ' ', '=']);
    manifest.line_where(|line| line.strip_prefix(dependency).is_some_and(ends))
}

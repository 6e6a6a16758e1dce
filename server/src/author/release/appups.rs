//! The appups of a release: made where none is written, checked where one is.
//!
//! ```text
//!   libraries of both versions ─► no appup ─► generate ─► undecided? ─► refused
//!                                               └──────────────────────► written beside the sources
//!                              └► an appup ─► check ─► misfits? ──────► refused
//! ```
//! An author decides three points: what becomes of a state, whether a changed module is a new version, and which children of a
//! registered supervisor start or end. The way from the newest older version, and from all that were named, is required; an older
//! version without a way is left out.

use std::path::{Path, PathBuf};

use pq_code::{Manifest, manifest_of};
use pq_files::durable;
use pq_release::appup::Appup;
use pq_release::appup::generate::{Generated, Note, check, generate};

use super::answer::LeftOut;
use super::olders::Older;
use super::{failed, undecided};
use crate::author::build::Pieces;
use crate::libraries::Source;

/// The appups of a release.
#[derive(Default)]
pub(super) struct Appups {
    /// The files that were made.
    pub(super) written: Vec<PathBuf>,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) notes: Vec<String>,
    undecided: Vec<String>,
}

/// An application in its new version and in older ones, the newest of them first.
struct Change<'a> {
    source: &'a Source,
    newer: &'a Manifest,
    olders: &'a [Before],
}

/// An older version of an application.
struct Before {
    manifest: Manifest,
    /// Whether the release is not made without a way from this version.
    is_required: bool,
}

/// Which releases have to have a way to the new one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Required {
    All,
    Newest,
}

/// Makes or checks the appups of all applications with a new version.
///
/// # Errors
/// Fails if a person has to decide, if an appup does not fit, and if a file cannot be written.
pub(super) fn settle(
    vsn: &str,
    pieces: &mut Pieces,
    olders: &[Older],
    required: Required,
) -> anyhow::Result<Appups> {
    let mut appups = Appups::default();
    for (source, library) in pieces.with_libraries() {
        let newer = manifest_of(library)?;
        let before = before(olders, &newer, required)?;
        let change = Change {
            source,
            newer: &newer,
            olders: &before,
        };
        appups.compare_modules(&change);
        if before.is_empty() {
            continue;
        }
        let missing = match &change.source.appup_text {
            Some(text) => appups.check(&change, text)?,
            None => {
                let (made, missing) = appups.make(&change)?;
                if let Some(made) = made {
                    let text = made_text(&made);
                    appups.write(&change, &text)?;
                    source.appup_text = Some(text);
                }
                missing
            }
        };
        appups.leave_out(olders, &newer.application, &missing);
    }
    undecided(vsn, &appups.undecided)?;
    Ok(appups)
}

/// The older versions of an application, the newest first.
fn before(olders: &[Older], newer: &Manifest, required: Required) -> anyhow::Result<Vec<Before>> {
    let mut all: Vec<Before> = Vec::new();
    for (at, older) in olders.iter().enumerate() {
        let Some(library) = older.pieces.library(&newer.application) else {
            continue;
        };
        let manifest = manifest_of(library)?;
        let is_known = |known: &Before| known.manifest.vsn == manifest.vsn;
        if manifest.vsn != newer.vsn && !all.iter().any(is_known) {
            all.push(Before {
                manifest,
                is_required: at == 0 || required == Required::All,
            });
        }
    }
    Ok(all)
}

/// The older versions of an application without a way, with the reasons.
type Missing = Vec<(String, String)>;

impl Appups {
    /// Compares the modules of the `.app` file with those of the library.
    fn compare_modules(&mut self, change: &Change<'_>) {
        let (app, library) = (&change.source.app, change.newer);
        for module in &library.modules {
            if !app
                .modules
                .iter()
                .any(|listed| listed.as_str() == module.name)
            {
                self.undecided.push(format!(
                    "{}, line {}: `modules` does not list `{}`, which the library has; add it, or take it out of `library!` in \
                     src/lib.rs",
                    app.file.display(),
                    app.line("modules"),
                    module.name
                ));
            }
        }
    }

    /// Checks the appup that the author has written.
    fn check(&mut self, change: &Change<'_>, text: &str) -> anyhow::Result<Missing> {
        let file = appup_file(change.source);
        let appup = Appup::parse(&file, text).map_err(failed)?;
        let mut missing = Missing::new();
        for Before {
            manifest: older,
            is_required,
        } in change.olders
        {
            if !is_required && !appup.leads(&older.vsn) {
                let why = format!("{} has no way from and to {}", file.display(), older.vsn);
                missing.push((older.vsn.clone(), why));
                continue;
            }
            let misfits = check(&appup, older, change.newer).map_err(failed)?;
            let misfits = misfits.iter().map(ToString::to_string);
            self.undecided.extend(misfits);
            for note in generate(older, change.newer).map_err(failed)?.notes {
                match &note {
                    Note::VsnNotRaised { .. } => self.undecided.push(advice(change, &note)),
                    _ => self.note(change, &note),
                }
            }
        }
        Ok(missing)
    }

    /// Makes the appup with the ways from and to all older versions that need no decision.
    fn make(&mut self, change: &Change<'_>) -> anyhow::Result<(Option<Generated>, Missing)> {
        let (mut made, mut missing) = (Vec::new(), Missing::new());
        for Before {
            manifest: older,
            is_required,
        } in change.olders
        {
            let part = generate(older, change.newer).map_err(failed)?;
            let open: Vec<String> = part
                .notes
                .iter()
                .filter(|note| must_be_decided(note))
                .map(|note| advice(change, note))
                .collect();
            match open.first() {
                None => made.push(part),
                Some(_) if *is_required => self.undecided.extend(open),
                Some(why) => missing.push((older.vsn.clone(), why.clone())),
            }
        }
        for part in &made {
            for note in &part.notes {
                self.note(change, note);
            }
        }
        let is_open = !self.undecided.is_empty();
        Ok((Generated::joined(made).filter(|_| !is_open), missing))
    }

    fn note(&mut self, change: &Change<'_>, note: &Note) {
        let note = format!("{}: {note}", change.newer.application);
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    fn write(&mut self, change: &Change<'_>, text: &str) -> anyhow::Result<()> {
        let file = appup_file(change.source);
        durable::write(&file, text.as_bytes()).map_err(failed)?;
        for module in registered_supervisors(change) {
            self.undecided.push(format!(
                "{} is written, and does not start the new children of `{module}` or end its old ones: look at the file, and add \
                 {{apply, {{supervisor, restart_child, [{module}, Id]}}}} where a child starts",
                file.display()
            ));
        }
        self.written.push(file);
        Ok(())
    }

    fn leave_out(&mut self, olders: &[Older], application: &str, missing: &Missing) {
        for older in olders {
            let vsn = older.pieces.vsn_of(application);
            let found = missing.iter().find(|(missing, _)| Some(&**missing) == vsn);
            if let Some((_, why)) = found
                && !super::is_left_out(&self.left_out, &older.rel.vsn)
            {
                self.left_out.push(LeftOut {
                    vsn: older.rel.vsn.clone(),
                    why: why.clone(),
                });
            }
        }
    }
}

/// Whether the libraries leave a point open that decides about states or code.
fn must_be_decided(note: &Note) -> bool {
    matches!(note, Note::StateUnsaid { .. } | Note::VsnNotRaised { .. })
}

/// The point with the file in which the author decides it.
fn advice(change: &Change<'_>, note: &Note) -> String {
    let source = |module: &str| change.source.folder().join(format!("src/{module}.rs"));
    match note {
        Note::StateUnsaid { module, older, .. } => format!(
            "{}: {note}; list `Migration::converts` or `Migration::keeps` for \"{older}\" in `MIGRATIONS`, or write {} by hand",
            source(module).display(),
            appup_file(change.source).display()
        ),
        Note::VsnNotRaised { module, .. } => {
            format!("{}: {note}; raise its VSN", source(module).display())
        }
        _ => note.to_string(),
    }
}

/// The changed supervisors whose process has a name, so that an appup can start and end children.
fn registered_supervisors<'a>(change: &'a Change<'_>) -> impl Iterator<Item = &'a str> {
    let newest = change.olders.first();
    let is_registered = |module: &str| {
        let mut names = change.source.app.registered.iter();
        names.any(|name| *name == module)
    };
    change.newer.modules.iter().filter_map(move |module| {
        let before = newest?
            .manifest
            .modules
            .iter()
            .find(|older| older.name == module.name)?;
        let is_changed = module.kind == pq_otp::Kind::Supervisor && before.vsn != module.vsn;
        (is_changed && is_registered(&module.name)).then_some(&*module.name)
    })
}

fn made_text(made: &Generated) -> String {
    let head = "%% Made by `pq release` from the libraries of both versions. Edit it freely: `pq release` checks it from now on, and\n\
                %% makes a new one when the file is gone.\n";
    let notes = made.notes.iter().map(|note| format!("%% - {note}\n"));
    let notes: String = notes.collect();
    let text = made.to_text();
    let first = text.split_inclusive('\n').next().unwrap_or_default();
    match first.starts_with("%%") {
        true => format!("{first}{head}{notes}{}", &text[first.len()..]),
        false => format!("{head}{notes}{text}"),
    }
}

fn appup_file(source: &Source) -> PathBuf {
    let name = source.app.name.as_str();
    source
        .folder()
        .join(Path::new(name).with_extension("appup"))
}

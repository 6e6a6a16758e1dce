//! `upgrade_app/2` and `downgrade_app/3` (`release_handler(3)`): change the version of one application, without a new release.
//!
//! The appup is compiled on demand. In OTP these functions lose the settings of `sys.config`, and a failure leaves the
//! application half changed; neither happens here. `RELEASES` stays as it is: at the next boot the application has the version
//! of its release again. So a way that restarts the node is refused; OTP carries it out and leaves the restart to the caller.

use std::io;
use std::path::{Path, PathBuf};

use pq_otp::Direction;
use pq_otp::application::{AppReply, AppRequest};
use pq_otp::upgrade::Driver;
use pq_protocol::record::InstallRecord;
use pq_term::{Atom, Term};

use super::error::{FailedStep, InstallError};
use super::prepare::{self, Prepared, Purpose};
use super::{ASK_TIMEOUT_MS, Options, ReleaseHandler, losses};
use crate::app::App;
use crate::boot::{BootRelease, Code, is_as_signed};
use crate::judge::Judgement;
use crate::layout;
use crate::registry::Planned;
use crate::rel::{Rel, RelStart};
use crate::releases::Lib;
use crate::relup::Way;
use crate::script::Script;
use crate::systools::{self, Folders, Lookup, make_relup};

/// The names of the two `.rel` files of the compilation; no such files exist.
const OLDER: &str = "older.rel";
const NEWER: &str = "newer.rel";

/// A version of an application, with its directory.
struct Version {
    vsn: String,
    folder: PathBuf,
}

/// The change of a single application, with the directory of its new version.
struct AppChange<'a> {
    app: Atom,
    folder: &'a Path,
    direction: Direction,
}

impl ReleaseHandler {
    /// Changes an application to the version in this directory, by the appup of that version (`release_handler:upgrade_app/2`).
    ///
    /// # Errors
    /// With the failed step. Nothing has changed unless [`InstallError::touched`] is true.
    pub fn upgrade_app(
        &mut self,
        driver: &mut dyn Driver,
        app: Atom,
        folder: &Path,
        options: &Options,
    ) -> Result<InstallRecord, InstallError> {
        let change = AppChange {
            app,
            folder,
            direction: Direction::Up,
        };
        self.change_app(driver, &change, options)
    }

    /// Changes an application back to the version in this directory, by the appup of the running version
    /// (`release_handler:downgrade_app/3`).
    ///
    /// # Errors
    /// As [`ReleaseHandler::upgrade_app`].
    pub fn downgrade_app(
        &mut self,
        driver: &mut dyn Driver,
        app: Atom,
        folder: &Path,
        options: &Options,
    ) -> Result<InstallRecord, InstallError> {
        let change = AppChange {
            app,
            folder,
            direction: Direction::Down,
        };
        self.change_app(driver, &change, options)
    }

    fn change_app(
        &mut self,
        driver: &mut dyn Driver,
        change: &AppChange<'_>,
        options: &Options,
    ) -> Result<InstallRecord, InstallError> {
        let record = self.recorded(|handler| {
            let prepared = handler.prepare_app(driver, change);
            let prepared = prepared.map_err(FailedStep::untouched)?;
            losses::permit(&prepared, &handler.code, driver, options)
                .map_err(FailedStep::untouched)?;
            handler.run(driver, &prepared, options)
        })?;
        self.app_folders.retain(|lib| lib.name != change.app);
        self.app_folders.push(Lib {
            name: change.app,
            vsn: record.to.clone(),
            folder: change.folder.display().to_string(),
        });
        Ok(record)
    }

    fn prepare_app(
        &mut self,
        driver: &mut dyn Driver,
        change: &AppChange<'_>,
    ) -> Result<Prepared, FailedStep> {
        let AppChange {
            app: name,
            folder,
            direction,
        } = *change;
        prepare::all_answer(driver)?;
        let file = folder.join(layout::app_name(name.as_str()));
        let to = Version {
            vsn: App::read(&file)?.vsn,
            folder: folder.to_path_buf(),
        };
        let from = self.running_version(driver, name)?;
        self.watch
            .begin(&from.vsn, &to.vsn, direction, Purpose::Install);
        let boot = self.boot_with(name, &to)?;
        let way = self.way_of(name, &from, &to, direction)?;
        let script = Script::of_one_application(&way.script)?;
        let libraries = self.read_code(&boot.applications, &script)?;
        let converters = self.read_converters(&script)?;
        let mut prepared = Prepared {
            warnings: Vec::new(),
            left: Vec::new(),
            judgement: Judgement::default(),
            purpose: Purpose::Install,
            planned: Planned {
                from: from.vsn.clone(),
                to: to.vsn,
                direction,
                description: way.description,
                script: way.script,
            },
            boot,
            script,
            libraries,
            converters,
        };
        let before = |handler: &ReleaseHandler| handler.boot_with(name, &from).ok();
        self.look_ahead(driver, &before, &mut prepared)?;
        prepared.warnings = prepared.judgement.warnings.clone();
        Ok(prepared)
    }

    /// The running version of an application, and its directory.
    fn running_version(&self, driver: &mut dyn Driver, name: Atom) -> Result<Version, FailedStep> {
        let missing = |why| FailedStep::App(name.as_str().to_string(), why);
        let AppReply::Data(apps, _) = driver.applications(&AppRequest::Data, ASK_TIMEOUT_MS)?
        else {
            return Err(missing("the application controller sent no list"));
        };
        let is_it = |app: &&pq_otp::application::LoadedApp| app.spec.name == name.as_str();
        let app = apps.iter().find(is_it).filter(|app| app.running);
        let vsn = app
            .ok_or_else(|| missing("it does not run"))?
            .spec
            .vsn
            .clone();
        let tree = self.registry.tree();
        let by_hand = self
            .app_folders
            .iter()
            .find(|lib| lib.name == name && lib.vsn == vsn);
        let folder = match by_hand {
            Some(lib) => PathBuf::from(&lib.folder),
            None => self.folder_of(name, &vsn)?,
        };
        match tree.built_in(name.as_str()) {
            Some(_) => Err(missing("it is part of the node and changes with it")),
            None => Ok(Version { vsn, folder }),
        }
    }

    fn folder_of(&self, name: Atom, vsn: &str) -> Result<PathBuf, FailedStep> {
        let tree = self.registry.tree();
        let rel = tree.rel(&self.registry.running().vsn)?;
        let entry = rel
            .application(name.as_str())
            .filter(|entry| entry.vsn == vsn);
        let missing = || FailedStep::App(name.as_str().to_string(), "the running release lacks it");
        let entry = entry.ok_or_else(missing)?;
        Ok(tree.lib_folder(entry, &self.registry.running().libs)?)
    }

    /// The running release, with another version of one application.
    fn boot_with(&self, name: Atom, version: &Version) -> Result<BootRelease, FailedStep> {
        let (tree, running) = (self.registry.tree(), self.registry.running());
        let rel = with_version(tree.rel(&running.vsn)?, name, &version.vsn);
        let mut libs = running.libs.clone();
        libs.retain(|lib| lib.name != name);
        libs.push(Lib {
            name,
            vsn: version.vsn.clone(),
            folder: version.folder.display().to_string(),
        });
        let boot = tree.read(rel, &libs)?;
        let changed = boot.applications.iter().find(|app| app.app.name == name);
        if let Some(Code::Library { sha256, .. }) = changed.map(|app| &app.code) {
            is_as_signed(tree.root(), name.as_str(), &version.vsn, sha256)?;
        }
        Ok(boot)
    }

    /// The way between two versions of one application: systools makes it from two releases that differ only in this
    /// application.
    fn way_of(
        &self,
        name: Atom,
        from: &Version,
        to: &Version,
        direction: Direction,
    ) -> Result<Way, FailedStep> {
        let (older, newer) = match direction {
            Direction::Up => (from, to),
            Direction::Down => (to, from),
        };
        let tree = self.registry.tree();
        let rel = tree.rel(&self.registry.running().vsn)?;
        let folders = vec![
            newer.folder.clone(),
            older.folder.clone(),
            tree.root().to_path_buf(),
        ];
        let files = TwoReleases {
            older: rel_text(&with_version(rel.clone(), name, &older.vsn), OLDER),
            newer: rel_text(&with_version(rel, name, &newer.vsn), NEWER),
            folders: Folders::new(folders, tree.built_in_applications().to_vec()),
        };
        let older = [OLDER.into()];
        let (up, down): (&[_], &[_]) = match direction {
            Direction::Up => (&older, &[]),
            Direction::Down => (&[], &older),
        };
        let options = systools::Options::default();
        let (relup, warnings) = make_relup(&NEWER.into(), up, down, options, &files)?;
        for warning in warnings {
            tracing::warn!("{warning}");
        }
        let ways = relup.up.into_iter().chain(relup.down);
        ways.last()
            .ok_or_else(|| FailedStep::App(name.as_str().to_string(), "its appup has no such way"))
    }
}

fn with_version(mut rel: Rel, name: Atom, vsn: &str) -> Rel {
    for entry in rel
        .applications
        .iter_mut()
        .filter(|entry| entry.name == name)
    {
        entry.vsn = vsn.to_string();
    }
    rel
}

/// The text of a `.rel` file with these applications.
fn rel_text(rel: &Rel, vsn: &str) -> String {
    let entry = |app: &crate::rel::RelApp| {
        let parts = [Term::Atom(app.name), Term::string(app.vsn.as_str())];
        match app.start {
            RelStart::Start(pq_otp::application::StartType::Permanent) => Term::tuple(parts),
            start => {
                let [name, vsn] = parts;
                Term::tuple([name, vsn, Term::atom(start.word())])
            }
        }
    };
    let text = |text: &str| Term::string(text);
    let term = Term::tuple([
        Term::atom("release"),
        Term::tuple([text(&rel.name), text(vsn)]),
        Term::tuple([Term::atom("erts"), text(&rel.erts_vsn)]),
        rel.applications.iter().map(entry).collect(),
    ]);
    pq_term::write_file_text(&[term])
}

/// Two releases without files, and the directories of their applications.
struct TwoReleases {
    older: String,
    newer: String,
    folders: Folders,
}

impl Lookup for TwoReleases {
    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        match file.to_str() {
            Some(OLDER) => Ok(self.older.clone().into_bytes()),
            Some(NEWER) => Ok(self.newer.clone().into_bytes()),
            _ => self.folders.read(file),
        }
    }

    fn app_files(&self, name: &str) -> Vec<PathBuf> {
        self.folders.app_files(name)
    }
}

//! The commands of operators: one file each, with its words, what they ask, what the node does, what it answers, and how that
//! is shown. Here is the table of them.
//!
//! ```text
//!   pq kick Ann ─► Command::Kick ─► kick.rs ─ request ─► client ─► run/pq.sock ─► operator ─► AT_DOOR ─► kick.rs
//!        stdout ◄──────────────── show ◄─── kick.rs ◄─ answer ────────────────────────────────────────────┘
//! ```
//! A new command is a file, its `mod` and its lines in the tables below. [`command`] has what all of them are made of, and
//! [`kinds`] what becomes of a request at the node.

mod command;
mod kinds;

mod absolute;
mod install_options;

mod apps;
mod ban;
mod bans;
mod call;
mod check_install;
mod downgrade_app;
mod end_avatar;
mod history;
mod install;
mod install_file;
mod kick;
mod lock;
mod make_permanent;
mod names;
mod reboot_old;
mod remove;
mod set_removed;
mod set_unpacked;
mod shutdown;
mod status;
mod stop;
mod sys;
mod tree;
mod unban;
mod unpack;
mod upgrade_app;
mod wall;
mod which_releases;
mod who;

use std::process::ExitCode;

use clap::Subcommand;
use command::{Noted, To, Typed};
use kinds::{AtDoor, OnReleases, Question};
pub(crate) use kinds::{Ended, Operator, json, line};
use pq_protocol::{Exit, Failure, Named, Who};
use pq_term::printable_json;

use crate::client::{say, warn};
use crate::running::RunningNode;

/// A command for a running node.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// What runs, since when, and what is being done
    Status(status::StatusArgs),
    /// The releases of the tree, the newest first
    WhichReleases(To<which_releases::WhichReleases>),
    /// Unpack a package into the tree
    Unpack(Noted<unpack::Unpack>),
    /// Try an install on copies of all states, and change nothing
    CheckInstall(check_install::CheckInstallArgs),
    /// Boot the release that runs next time, too
    MakePermanent(Noted<make_permanent::MakePermanent>),
    /// Remove a release, and applications that no other release uses
    Remove(Noted<remove::Remove>),
    /// Make a release permanent that ran before, and start the node again with it
    RebootOld(Noted<reboot_old::RebootOld>),
    /// List a release whose files are in the tree already
    SetUnpacked(set_unpacked::SetUnpackedArgs),
    /// Take a release off the list, and leave its files
    SetRemoved(Noted<set_removed::SetRemoved>),
    /// Copy a file into the folder of a release
    InstallFile(Noted<install_file::InstallFile>),
    /// Bring one application to a newer version, and no release
    UpgradeApp(Noted<upgrade_app::UpgradeApp>),
    /// Bring one application back to an older version, and no release
    DowngradeApp(Noted<downgrade_app::DowngradeApp>),
    /// Bring a release into force, up or down, while everybody plays on
    ///
    /// OTP's options are here but update_paths: there is no code path. Each module comes from the library that its release
    /// names, also when an application has only moved to another folder.
    Install(install::InstallArgs),
    /// The applications that run
    Apps(To<apps::Apps>),
    /// Who is connected: the avatar, the client, and the versions that both sides of it run
    Who(To<who::Who>),
    /// Tell somebody something and close the connection
    Kick(To<kick::Kick>),
    /// End an avatar; its player, if there is one, is told and asked for another name
    EndAvatar(end_avatar::EndAvatarArgs),
    /// Let an address, a network or a name in no more, also after a restart
    Ban(ban::BanArgs),
    /// Let it in again
    Unban(To<unban::Unban>),
    /// Who is banned
    Bans(To<bans::Bans>),
    /// Tell everybody who is connected something
    Wall(To<wall::Wall>),
    /// Turn new clients away, or let them in again; who is in plays on
    Lock(lock::LockArgs),
    /// End the node, and tell the players before
    Shutdown(shutdown::ShutdownArgs),
    /// The supervision tree, with the version that each process runs
    Tree(To<tree::Tree>),
    /// Names of processes, the node's own and the registry's
    Names(To<names::Names>),
    /// Send a process a system message, as sys(3) does
    #[command(subcommand)]
    Sys(sys::SysArgs),
    /// Call a function of a module
    Call(To<call::Call>),
    /// What was done to the node, its boots and its ends, also when it does not run
    History(history::HistoryArgs),
    /// Stop the node in order, and wait until it has gone
    Stop(stop::StopArgs),
}

impl Command {
    fn typed(&self) -> &dyn Typed {
        match self {
            Command::Status(typed) => typed,
            Command::WhichReleases(typed) => typed,
            Command::Unpack(typed) => typed,
            Command::CheckInstall(typed) => typed,
            Command::MakePermanent(typed) => typed,
            Command::Remove(typed) => typed,
            Command::RebootOld(typed) => typed,
            Command::SetUnpacked(typed) => typed,
            Command::SetRemoved(typed) => typed,
            Command::InstallFile(typed) => typed,
            Command::UpgradeApp(typed) => typed,
            Command::DowngradeApp(typed) => typed,
            Command::Install(typed) => typed,
            Command::Apps(typed) => typed,
            Command::Who(typed) => typed,
            Command::Kick(typed) => typed,
            Command::EndAvatar(typed) => typed,
            Command::Ban(typed) => typed,
            Command::Unban(typed) => typed,
            Command::Bans(typed) => typed,
            Command::Wall(typed) => typed,
            Command::Lock(typed) => typed,
            Command::Shutdown(typed) => typed,
            Command::Tree(typed) => typed,
            Command::Names(typed) => typed,
            Command::Sys(typed) => typed,
            Command::Call(typed) => typed,
            Command::History(typed) => typed,
            Command::Stop(typed) => typed,
        }
    }
}

/// A request by its name, and what becomes of it at the node.
type Entry<F> = (&'static str, F);

type Answer = fn(Named, &RunningNode) -> Result<String, Failure>;
type DoneAtDoor = fn(Named, &RunningNode, &Who) -> Result<String, Failure>;
type DoneOnReleases = fn(Named, &RunningNode, Operator) -> Ended;

/// What is answered at any time.
const QUESTIONS: &[Entry<Answer>] = &[
    question::<status::Status>(),
    question::<which_releases::WhichReleases>(),
    question::<apps::Apps>(),
    question::<who::Who>(),
    question::<bans::Bans>(),
    question::<tree::Tree>(),
    question::<names::Names>(),
    question::<sys::Sys>(),
    question::<call::Call>(),
];

/// What is done to players.
const AT_DOOR: &[Entry<DoneAtDoor>] = &[
    at_door::<kick::Kick>(),
    at_door::<end_avatar::EndAvatar>(),
    at_door::<end_avatar::EndAbandoned>(),
    at_door::<ban::Ban>(),
    at_door::<unban::Unban>(),
    at_door::<wall::Wall>(),
    at_door::<lock::Lock>(),
];

/// What is done with releases.
const ON_RELEASES: &[Entry<DoneOnReleases>] = &[
    on_releases::<unpack::Unpack>(),
    on_releases::<check_install::CheckInstall>(),
    on_releases::<install::Install>(),
    on_releases::<make_permanent::MakePermanent>(),
    on_releases::<remove::Remove>(),
    on_releases::<reboot_old::RebootOld>(),
    on_releases::<set_unpacked::SetUnpacked>(),
    on_releases::<set_removed::SetRemoved>(),
    on_releases::<install_file::InstallFile>(),
    on_releases::<upgrade_app::UpgradeApp>(),
    on_releases::<downgrade_app::DowngradeApp>(),
];

const fn question<Q: Question>() -> Entry<Answer> {
    (Q::NAME, kinds::answer::<Q>)
}

const fn at_door<D: AtDoor>() -> Entry<DoneAtDoor> {
    (D::NAME, kinds::at_door::<D>)
}

const fn on_releases<R: OnReleases>() -> Entry<DoneOnReleases> {
    (R::NAME, kinds::on_releases::<R>)
}

/// Runs a command; a failure is a sentence on stderr and an exit code.
pub(crate) fn run(command: &Command) -> ExitCode {
    let typed = command.typed();
    let Err(failure) = typed.run() else {
        return Exit::Done.into();
    };
    // What there is of such an answer has been shown.
    let is_told = failure.exit == Exit::Partial;
    if typed.at().json
        && !is_told
        && let Ok(text) = serde_json::to_string(&failure)
    {
        say(&printable_json(&text));
    }
    warn(&failure.sentence);
    failure.exit.into()
}

/// Answers a question, which may take a while.
pub(crate) fn answer(asked: Named, node: &RunningNode) -> Result<String, Failure> {
    find(QUESTIONS, &asked)?(asked, node)
}

/// Does something to players, which may take a while.
pub(crate) fn do_at_door(asked: Named, node: &RunningNode, who: &Who) -> Result<String, Failure> {
    find(AT_DOOR, &asked)?(asked, node, who)
}

/// Does something with releases, which may take a while.
pub(crate) fn do_on_releases(asked: Named, node: &RunningNode, operator: Operator) -> Ended {
    match find(ON_RELEASES, &asked) {
        Ok(done) => done(asked, node, operator),
        Err(failure) => failure.into(),
    }
}

fn find<F: Copy>(table: &[Entry<F>], asked: &Named) -> Result<F, Failure> {
    let entry = table.iter().find(|(name, _)| *name == asked.name());
    entry.map(|(_, done)| *done).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        let sentence = format!(
            "failed to read the request: `{}` is none of {}",
            asked.name(),
            known.join(", ")
        );
        Failure::new(Exit::Usage, sentence)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_two_requests_of_a_kind_have_one_name() {
        fn check<F>(table: &[Entry<F>]) {
            let names: HashSet<&str> = table.iter().map(|(name, _)| *name).collect();
            assert_eq!(names.len(), table.len());
        }
        check(QUESTIONS);
        check(AT_DOOR);
        check(ON_RELEASES);
    }
}

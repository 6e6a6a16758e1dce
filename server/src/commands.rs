//! The commands of operators, one file each: the file has the options, the request, the action at the node, the
//! answer and its text. The tables in this module list all commands.
//!
//! ```text
//!   pq kick Ann ─► Command::Kick ─► kick.rs ─ request ─► client ─► run/pq.sock ─► operator ─► AT_DOOR ─► kick.rs
//!        stdout ◄──────────────── show ◄─── kick.rs ◄─ answer ────────────────────────────────────────────┘
//! ```
//! A new command is a file, its `mod` line and its lines in the tables below. [`command`] has the traits of all
//! commands, and [`kinds`] has the traits for the action at the node.

mod command;
mod kinds;

mod absolute;
mod answers;
mod install_options;

mod apps;
mod avatars;
mod ban;
mod bans;
mod call;
mod check_install;
mod copies;
mod downgrade_app;
mod end_avatar;
mod events;
mod history;
mod install;
mod install_file;
mod kick;
mod kill;
mod lock;
mod make_permanent;
mod names;
mod order;
mod reboot_old;
mod rehearse;
mod remove;
mod replay;
mod set_removed;
mod set_unpacked;
mod shutdown;
pub(crate) mod status;
mod stop;
mod store;
mod sys;
mod token;
mod top;
mod trace;
mod tree;
mod unban;
mod unpack;
mod upgrade_app;
mod wall;
mod watch;
mod which_releases;
mod who;

use std::process::ExitCode;

pub(crate) use answers::{ANSWERS, Answered};
use clap::Subcommand;
use command::{Noted, To, Typed};
use kinds::{AtDoor, OnReleases, Question};
pub(crate) use kinds::{Ended, Operator, json, line};
pub(crate) use names::{Scope, completed_names};
pub(crate) use order::{Order, Ordered};
use pq_protocol::{Exit, Failure, Named, Who};
use pq_term::printable_json;
pub(crate) use sys::{find as find_process, pid_of};

use crate::client::{say, warn};
use crate::running::RunningNode;

/// The commands for a running node.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Show the release, the uptime and the operation in progress of a node
    #[command(after_help = "Examples:\n  pq status --root rel\n  pq status --root rel --watch")]
    Status(status::StatusArgs),
    /// Show the figures of a node and then their changes, ten times a second at most
    ///
    /// The output begins with a snapshot. It goes on after a restart of the node, with a new snapshot. Ctrl-C ends it.
    #[command(
        after_help = "Examples:\n  pq events --root rel\n  pq events --root rel --json --for 60"
    )]
    Events(events::EventsArgs),
    /// Watch a node in this terminal: its processes, versions, installs and failures
    ///
    /// The view needs a window of 80x24, shows less in a smaller one, and goes on after a restart of the node. `?` shows all keys;
    /// `q` ends the view, and NO_COLOR switches colours off.
    #[command(
        mut_arg("json", |json| json.hide(true)),
        after_help = "Example:\n  pq top --root rel"
    )]
    Top(top::TopArgs),
    /// Watch an avatar: its story as its player reads it, without any change to it
    ///
    /// The story goes on through upgrades and restarts, and ends with the avatar or with Ctrl-C. With --json the output has
    /// the events themselves, one JSON object per line.
    #[command(
        after_help = "Examples:\n  pq watch Ann --root rel\n  pq watch Ann --root rel --json --for 60"
    )]
    Watch(watch::WatchArgs),
    /// Trace a process: the messages that it takes and sends, its callbacks with their durations, its timers and states
    ///
    /// The trace ends with the process, with the node, or with Ctrl-C. Bytes of a client are shown by their size only.
    #[command(
        after_help = "Examples:\n  pq trace Ann --root rel --count 20\n  pq trace 0.5.1 --root rel --json --for 10"
    )]
    Trace(trace::TraceArgs),
    /// List the releases of the tree, the newest first
    WhichReleases(To<which_releases::WhichReleases>),
    /// Unpack a release package into the tree
    #[command(
        after_help = "Examples:\n  pq unpack game-1.1.0 --root rel\n  pq unpack /tmp/game-1.1.0.tar.gz --root rel"
    )]
    Unpack(Noted<unpack::Unpack>),
    /// Try an install on copies of all states, without any change
    #[command(after_help = "Example:\n  pq check-install 1.1.0 --root rel")]
    CheckInstall(check_install::CheckInstallArgs),
    /// Play a release with copies of the living avatars in a process of its own, and the running release beside it
    ///
    /// The copies play for hours of virtual time, on the release and, with the same random numbers, on the running one. The release is
    /// installed as it would be, taken back, and installed again. The node goes on meanwhile. The exit code is 3 when an
    /// avatar crashes with the release, a state does not convert, or a condition of --abort-if holds.
    #[command(
        after_help = "Examples:\n  pq rehearse 1.1.0 --root rel\n  pq rehearse 1.1.0 --root rel --for 8h --avatars 1000 --abort-if 'gold/h > 1.5x'"
    )]
    Rehearse(rehearse::RehearseArgs),
    /// Play an avatar that has crashed in a rehearsal once more, and show its steps before the crash
    #[command(after_help = "Example:\n  pq replay 42 Ann --root rel")]
    Replay(replay::ReplayArgs),
    /// Make the running release permanent: the node boots it at its next start
    MakePermanent(Noted<make_permanent::MakePermanent>),
    /// Remove a release, and the applications that no other release uses
    Remove(Noted<remove::Remove>),
    /// Make an older release permanent and restart the node with it
    RebootOld(Noted<reboot_old::RebootOld>),
    /// Add a release whose files are in the tree to the list of releases
    SetUnpacked(set_unpacked::SetUnpackedArgs),
    /// Take a release off the list of releases and keep its files
    SetRemoved(Noted<set_removed::SetRemoved>),
    /// Copy a file into the directory of a release
    InstallFile(Noted<install_file::InstallFile>),
    /// Upgrade one application without a new release
    UpgradeApp(Noted<upgrade_app::UpgradeApp>),
    /// Downgrade one application without a new release
    DowngradeApp(Noted<downgrade_app::DowngradeApp>),
    /// Upgrade or downgrade the running node to a release; connected clients stay connected
    ///
    /// The options are those of OTP except update_paths: a node has no code path. Each module comes from the library
    /// that its release names, also when only the directory of an application has changed.
    #[command(
        after_help = "Examples:\n  pq install 1.1.0 --root rel -m quests\n  pq install 1.0.0 --root rel --ask"
    )]
    Install(install::InstallArgs),
    /// List the running applications
    Apps(To<apps::Apps>),
    /// List the connected clients with their avatars and the versions that their processes run
    #[command(after_help = "Example:\n  pq who --root rel")]
    Who(To<who::Who>),
    /// Send a client a line of text and close its connection
    Kick(To<kick::Kick>),
    /// End an avatar; a connected player reads a message and can choose another name
    EndAvatar(end_avatar::EndAvatarArgs),
    /// Ban an address, a network or a name; the ban outlasts a restart
    #[command(
        after_help = "Examples:\n  pq ban 192.0.2.0/24 --root rel\n  pq ban Ann --for 30m --root rel"
    )]
    Ban(ban::BanArgs),
    /// Lift the ban of an address, a network or a name
    Unban(To<unban::Unban>),
    /// List the bans with their ends and reasons
    Bans(To<bans::Bans>),
    /// Send all connected clients a line of text
    Wall(To<wall::Wall>),
    /// Refuse new clients, or admit new clients again; connected clients stay connected
    Lock(lock::LockArgs),
    /// Stop the node after a delay, with announcements to the players
    Shutdown(shutdown::ShutdownArgs),
    /// List the saved avatars, or show, export, import or remove one; also while the node is stopped
    #[command(
        after_help = "Examples:\n  pq avatars --root rel\n  pq avatars show Ann --root rel\n  pq avatars export Ann ann.json --root rel"
    )]
    Avatars(avatars::AvatarsArgs),
    /// Copy the saves to a file, also while the node runs
    #[command(after_help = "Example:\n  pq backup saves.backup --root rel")]
    Backup(store::BackupArgs),
    /// Put the saves of a backup in place, while the node is stopped; the present saves are kept beside them
    Restore(store::RestoreArgs),
    /// Look after the saves of the tree
    #[command(subcommand)]
    Store(store::StoreArgs),
    /// Show the supervision tree with the version of each process
    Tree(To<tree::Tree>),
    /// List the registered names of processes, both of the node and of the registry
    Names(To<names::Names>),
    /// Send a process a system message (sys(3))
    #[command(subcommand)]
    Sys(sys::SysArgs),
    /// Kill a process, which ends at once; its supervisor may start it again
    #[command(after_help = "Example:\n  pq kill Ann --root rel -m stuck")]
    Kill(To<kill::Kill>),
    /// Give yourself a token, with which the live page takes orders
    ///
    /// The page needs the web port for operators (--metrics-port). The node keeps only the hash of a token, and forgets it when it
    /// stops.
    #[command(after_help = "Example:\n  pq token --for 2h --root rel")]
    Token(token::TokenArgs),
    /// Call a function of a module
    Call(To<call::Call>),
    /// List operations, boots and ends of the node, also while the node is stopped
    #[command(after_help = "Examples:\n  pq history --root rel\n  pq history 7 --root rel")]
    History(history::HistoryArgs),
    /// Stop the node in order and wait for its end
    #[command(after_help = "Example:\n  pq stop --root rel -m update")]
    Stop(stop::StopArgs),
}

impl Command {
    fn typed(&self) -> &dyn Typed {
        match self {
            Command::Status(typed) => typed,
            Command::Events(args) => args,
            Command::Top(args) => args,
            Command::Watch(args) => args,
            Command::Trace(args) => args,
            Command::WhichReleases(typed) => typed,
            Command::Unpack(typed) => typed,
            Command::CheckInstall(typed) => typed,
            Command::Rehearse(args) => args,
            Command::Replay(args) => args,
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
            Command::Avatars(typed) => typed,
            Command::Backup(typed) => typed,
            Command::Restore(typed) => typed,
            Command::Store(typed) => typed,
            Command::Tree(typed) => typed,
            Command::Names(typed) => typed,
            Command::Sys(typed) => typed,
            Command::Kill(typed) => typed,
            Command::Token(args) => args,
            Command::Call(typed) => typed,
            Command::History(typed) => typed,
            Command::Stop(typed) => typed,
        }
    }
}

/// The name of a request, and the function that carries out the request at the node.
type Entry<F> = (&'static str, F);

type Answer = fn(Named, &RunningNode) -> Result<String, Failure>;
type DoneAtDoor = fn(Named, &RunningNode, &Who) -> Result<String, Failure>;
type DoneOnReleases = fn(Named, &RunningNode, Operator) -> Ended;

/// Questions, which the node answers at any time.
const QUESTIONS: &[Entry<Answer>] = &[
    question::<status::Status>(),
    question::<which_releases::WhichReleases>(),
    question::<apps::Apps>(),
    question::<who::Who>(),
    question::<bans::Bans>(),
    question::<tree::Tree>(),
    question::<names::Names>(),
    question::<sys::Sys>(),
    question::<top::Top>(),
    question::<call::Call>(),
    question::<copies::Copies>(),
];

/// Actions on players, which the node carries out at any time.
const AT_DOOR: &[Entry<DoneAtDoor>] = &[
    at_door::<kick::Kick>(),
    at_door::<kill::Kill>(),
    at_door::<end_avatar::EndAvatar>(),
    at_door::<end_avatar::EndAbandoned>(),
    at_door::<avatars::import::ImportAvatar>(),
    at_door::<avatars::remove::RemoveAvatar>(),
    at_door::<avatars::retry::RetryAvatar>(),
    at_door::<avatars::reset_word::ResetWord>(),
    at_door::<ban::Ban>(),
    at_door::<unban::Unban>(),
    at_door::<wall::Wall>(),
    at_door::<lock::Lock>(),
    at_door::<token::Token>(),
];

/// Operations on releases, of which the node carries out one at a time.
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

/// Runs a command. On failure, writes a sentence to stderr and returns the exit code.
pub(crate) fn run(command: &Command) -> ExitCode {
    let typed = command.typed();
    let Err(failure) = typed.run() else {
        return Exit::Done.into();
    };
    if typed.at().json
        && !typed.has_answered(&failure)
        && let Ok(text) = serde_json::to_string(&failure)
    {
        say(&printable_json(&text));
    }
    warn(&failure.sentence);
    failure.exit.into()
}

/// Answers a question. The function may block.
pub(crate) fn answer(asked: Named, node: &RunningNode) -> Result<String, Failure> {
    find(QUESTIONS, &asked)?(asked, node)
}

/// The supervision tree with one row for each large group. The function may block.
pub(crate) fn tree(node: &RunningNode) -> Result<String, Failure> {
    json(tree::Tree::summary().answer(node)?)
}

/// Carries out an action on players. The function may block.
pub(crate) fn do_at_door(asked: Named, node: &RunningNode, who: &Who) -> Result<String, Failure> {
    find(AT_DOOR, &asked)?(asked, node, who)
}

/// Carries out an operation on releases. The function may block.
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

    /// Commands without an entry in the tables: those that read files of the tree, and those that send requests of kinds of
    /// their own.
    const WITHOUT_ENTRY: [&str; 12] = [
        "avatars", "backup", "events", "history", "rehearse", "replay", "restore", "shutdown",
        "stop", "store", "trace", "watch",
    ];

    fn names<F>(table: &[Entry<F>]) -> HashSet<&'static str> {
        let names: HashSet<_> = table.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names.len(),
            table.len(),
            "two commands have the same name: {names:?}"
        );
        names
    }

    #[test]
    fn every_command_has_its_entry_in_one_of_the_tables() {
        let tables = [names(QUESTIONS), names(AT_DOOR), names(ON_RELEASES)];
        let all = Command::augment_subcommands(clap::Command::new("pq"));
        for command in all.get_subcommands() {
            let name = command.get_name().replace('-', "_");
            let has_entry = tables.iter().any(|names| names.contains(name.as_str()));
            let is_apart = WITHOUT_ENTRY.contains(&name.as_str());
            assert!(has_entry || is_apart, "{name}");
        }
    }
}

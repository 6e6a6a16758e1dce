//! The answers of all commands with `--json`, for their schemas (`crate::schema`).

use pq_protocol::Failure;
use pq_protocol::answer::{Banned, Planned, Release, Rows, Stopped};
use pq_protocol::history::{Entry, Past};
use pq_protocol::record::InstallRecord;
use pq_release::handler::CheckReport;
use pq_release::package::{Differences, Facts};
use schemars::{Schema, SchemaGenerator};

use super::{
    apps, avatars, ban, call, end_avatar, events, install_file, kick, kill, lock, make_permanent,
    names, reboot_old, remove, replay, set_removed, status, store, sys, token, tree, unban, unpack,
    wall, who,
};
use crate::author::new::written::Created;
use crate::author::release::answer::Released;
use crate::author::{key, package, sign};
use crate::lesson::Checked;
use crate::story::StoryLine;
use crate::trace::TraceLine;

/// The words of a command, and the forms of its answer. A command that goes on writes one of them on each line.
pub(crate) type Answered = (&'static str, &'static [Form]);

/// Adds the schema of a type to those of its document.
type Form = fn(&mut SchemaGenerator) -> Schema;

const fn of<T: schemars::JsonSchema>() -> Form {
    SchemaGenerator::subschema_for::<T>
}

/// The last entry is the answer of every command that fails.
pub(crate) const ANSWERS: &[Answered] = &[
    ("status", &[of::<status::Report>()]),
    ("events", &[of::<events::FeedLine>()]),
    ("watch", &[of::<StoryLine>()]),
    ("trace", &[of::<TraceLine>()]),
    ("which-releases", &[of::<Rows<Release>>()]),
    ("unpack", &[of::<unpack::Unpacked>()]),
    ("check-install", &[of::<CheckReport>()]),
    ("rehearse", &[of::<pq_rehearsal::Report>()]),
    ("replay", &[of::<replay::Replayed>()]),
    ("make-permanent", &[of::<make_permanent::Permanent>()]),
    ("remove", &[of::<remove::Removed>()]),
    ("reboot-old", &[of::<reboot_old::Rebooting>()]),
    ("set-unpacked", &[of::<unpack::Unpacked>()]),
    ("set-removed", &[of::<set_removed::Unlisted>()]),
    ("install-file", &[of::<install_file::Copied>()]),
    ("upgrade-app", &[of::<InstallRecord>()]),
    ("downgrade-app", &[of::<InstallRecord>()]),
    ("install", &[of::<InstallRecord>()]),
    ("apps", &[of::<Rows<apps::App>>()]),
    ("who", &[of::<Rows<who::Guest>>()]),
    ("kick", &[of::<kick::Kicked>()]),
    (
        "end-avatar",
        &[of::<end_avatar::Ended>(), of::<end_avatar::AllEnded>()],
    ),
    ("ban", &[of::<ban::Enforced>()]),
    ("unban", &[of::<unban::Unbanned>()]),
    ("bans", &[of::<Rows<Banned>>()]),
    ("token", &[of::<token::Issued>()]),
    ("wall", &[of::<wall::WallAnswer>()]),
    ("lock", &[of::<lock::Locked>()]),
    ("shutdown", &[of::<Planned>(), of::<Stopped>()]),
    ("avatars", &[of::<Rows<avatars::SavedAvatar>>()]),
    ("avatars show", &[of::<avatars::show::Whole>()]),
    ("avatars export", &[of::<avatars::export::Written>()]),
    ("avatars import", &[of::<avatars::import::IsImported>()]),
    ("avatars remove", &[of::<avatars::remove::IsRemoved>()]),
    ("avatars retry", &[of::<avatars::retry::Plays>()]),
    (
        "avatars reset-word",
        &[of::<avatars::reset_word::IsReset>()],
    ),
    ("backup", &[of::<store::BackedUp>()]),
    ("restore", &[of::<store::Restored>()]),
    ("store check", &[of::<store::Checked>()]),
    ("tree", &[of::<Rows<tree::TreeRow>>()]),
    ("names", &[of::<Rows<names::Name>>()]),
    ("sys get-state", &[of::<sys::Reply>()]),
    ("sys get-status", &[of::<sys::Reply>()]),
    ("sys suspend", &[of::<sys::Reply>()]),
    ("sys resume", &[of::<sys::Reply>()]),
    ("sys statistics", &[of::<sys::Reply>()]),
    ("sys log", &[of::<sys::Reply>()]),
    ("sys trace", &[of::<sys::Reply>()]),
    ("kill", &[of::<kill::Killed>()]),
    ("call", &[of::<call::Returned>()]),
    ("history", &[of::<Past>(), of::<Entry>()]),
    ("stop", &[of::<Stopped>()]),
    ("key list", &[of::<key::KeyList>()]),
    ("package show", &[of::<Facts>()]),
    ("package diff", &[of::<Differences>()]),
    ("package verify", &[of::<package::Verified>()]),
    ("sign", &[of::<sign::SignedPackage>()]),
    ("new", &[of::<Created>()]),
    ("new app", &[of::<Created>()]),
    ("release", &[of::<Released>()]),
    ("lesson check", &[of::<Checked>()]),
    ("failure", &[of::<Failure>()]),
];

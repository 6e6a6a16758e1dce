//! The words of the commands about players.

use std::time::Duration;

use clap::Subcommand;

use super::{At, Switch, message};

/// A command about players.
#[derive(Subcommand, Debug)]
pub(crate) enum Door {
    /// Who is connected: the avatar, the client, and the versions that both sides of it run
    Who {
        #[command(flatten)]
        at: At,
    },
    /// Tell somebody something and close the connection
    Kick {
        /// The name of the avatar, or the address as `who` shows it
        #[arg(value_name = "NAME|ADDRESS")]
        whom: String,
        /// What is said first
        #[arg(value_parser = message)]
        text: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// End an avatar; its player, if there is one, is told and asked for another name
    EndAvatar {
        /// The name of the avatar, as `who` and `names` show it or in letters that look the same
        #[arg(required_unless_present = "abandoned")]
        name: Option<String>,
        /// A line that its player is sent first
        #[arg(value_parser = message)]
        text: Option<String>,
        /// End all avatars whose clients have left without `quit`; avatars that operators started are not among them
        #[arg(long, conflicts_with_all = ["name", "text"])]
        abandoned: bool,
        #[command(flatten)]
        at: At,
    },
    /// Let an address, a network or a name in no more, also after a restart
    Ban {
        /// Whom: 192.0.2.7, 192.0.2.0/24, 2001:db8::/32, or the name of an avatar
        #[arg(value_name = "ADDRESS|NETWORK|NAME")]
        whom: String,
        /// For how long: 30m, 1h 30m, 7d [default: for ever]
        #[arg(long = "for", value_name = "TIME", value_parser = humantime::parse_duration)]
        span: Option<Duration>,
        /// Why: for `bans` and the history
        #[arg(value_parser = message)]
        text: Option<String>,
        #[command(flatten)]
        at: At,
    },
    /// Let it in again
    Unban {
        /// Whom, as `bans` shows it
        #[arg(value_name = "ADDRESS|NETWORK|NAME")]
        whom: String,
        #[command(flatten)]
        at: At,
    },
    /// Who is banned
    Bans {
        #[command(flatten)]
        at: At,
    },
    /// Tell everybody who is connected something
    Wall {
        /// What: one line
        #[arg(value_parser = message)]
        text: String,
        #[command(flatten)]
        at: At,
    },
    /// Turn new clients away, or let them in again; who is in plays on
    Lock {
        /// Begin or end; the next start of the node ends it, too
        #[arg(value_enum)]
        switch: Switch,
        #[command(flatten)]
        at: At,
    },
}

impl Door {
    /// Which node it is for.
    pub(crate) fn at(&self) -> &At {
        match self {
            Door::Who { at }
            | Door::Kick { at, .. }
            | Door::EndAvatar { at, .. }
            | Door::Ban { at, .. }
            | Door::Unban { at, .. }
            | Door::Bans { at }
            | Door::Wall { at, .. }
            | Door::Lock { at, .. } => at,
        }
    }
}

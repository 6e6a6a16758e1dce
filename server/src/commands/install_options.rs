//! How code is installed (`release_handler:install_release/2`), on the command line and on the wire.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use pq_otp::upgrade::OnOverrun;
use pq_release::handler;
use serde::{Deserialize, Serialize};

use crate::restart::ErrorAction;

/// How an install is done.
#[derive(Args, Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct How {
    /// How long processes may be held [default: what the relup says, or 5000]
    #[arg(long = "suspend-timeout", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    suspend_timeout_ms: Option<u64>,
    /// How long one conversion may take [default: 5000]
    #[arg(long = "code-change-timeout", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    code_change_timeout_ms: Option<u64>,
    /// What becomes of the node when it fails after the point of no return
    #[arg(long, value_enum, default_value_t = ErrorAction::Restart)]
    pub(crate) error_action: ErrorAction,
    /// What becomes of a process whose conversion takes too long
    #[arg(long, value_parser = on_overrun(), default_value = ABORT)]
    on_overrun: OnOverrun,
}

/// The same of an install of all or a part of a release.
#[derive(Args, Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) how: How,
    /// Install what the relup does, although it leaves code of the release that runs in force
    #[arg(long)]
    #[serde(default)]
    partial: bool,
}

const ABORT: &str = "abort";
const KILL: &str = "kill";

/// The runtime's own type, which knows no command line.
fn on_overrun() -> impl TypedValueParser<Value = OnOverrun> {
    let abort = PossibleValue::new(ABORT).help("Nothing, and the install is given up");
    let kill = PossibleValue::new(KILL).help("It is killed, and the install goes on");
    PossibleValuesParser::new([abort, kill]).map(|word| match word.as_str() {
        KILL => OnOverrun::Kill,
        _ => OnOverrun::Abort,
    })
}

impl How {
    /// As the release handler has it.
    pub(crate) fn options(&self) -> handler::Options {
        handler::Options {
            suspend_timeout_ms: self.suspend_timeout_ms,
            code_change_timeout_ms: self.code_change_timeout_ms,
            on_overrun: self.on_overrun,
            ..handler::Options::default()
        }
    }
}

impl Options {
    /// As the release handler has it.
    pub(crate) fn options(&self) -> handler::Options {
        handler::Options {
            partial: self.partial,
            ..self.how.options()
        }
    }
}

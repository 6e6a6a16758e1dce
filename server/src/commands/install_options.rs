//! The options of an install (`release_handler:install_release/2`), on the command line and in the request.

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use pq_otp::upgrade::OnOverrun;
use pq_release::handler;
use serde::{Deserialize, Serialize};

use crate::restart::ErrorAction;

/// The options of every install.
#[derive(Args, Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct How {
    /// The limit for supervisors to settle and for a standstill, in milliseconds [default: the relup's limit, or 5000]
    #[arg(long = "suspend-timeout", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    suspend_timeout_ms: Option<u64>,
    /// The limit for one conversion, in milliseconds in which it computes or sleeps [default: 5000]
    #[arg(long = "code-change-timeout", value_name = "MS", value_parser = clap::value_parser!(u64).range(1..))]
    code_change_timeout_ms: Option<u64>,
    /// The action on a failure after the point of no return
    #[arg(long, value_enum, default_value_t = ErrorAction::Restart)]
    pub(crate) error_action: ErrorAction,
    /// The action on a process whose conversion exceeds the limit
    #[arg(long, value_parser = on_overrun(), default_value = ABORT)]
    on_overrun: OnOverrun,
    /// Install although the way down loses values of states, which the refusal without this option names
    #[arg(long)]
    #[serde(default)]
    lossy: bool,
}

/// The options of an install of a whole release or of a part of it.
#[derive(Args, Serialize, Deserialize, Clone, Copy, Default, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    #[serde(flatten)]
    pub(crate) how: How,
    /// Install although the relup leaves some code of the running release in force
    #[arg(long)]
    #[serde(default)]
    partial: bool,
}

const ABORT: &str = "abort";
const KILL: &str = "kill";

/// Parses the runtime's own type, which does not depend on the command line parser.
fn on_overrun() -> impl TypedValueParser<Value = OnOverrun> {
    let abort = PossibleValue::new(ABORT).help("Keep the process and abort the install");
    let kill = PossibleValue::new(KILL).help("Kill the process and continue the install");
    PossibleValuesParser::new([abort, kill]).map(|word| match word.as_str() {
        KILL => OnOverrun::Kill,
        _ => OnOverrun::Abort,
    })
}

impl How {
    /// Converts the options to those of the release handler.
    pub(crate) fn options(&self) -> handler::Options {
        handler::Options {
            suspend_timeout_ms: self.suspend_timeout_ms,
            code_change_timeout_ms: self.code_change_timeout_ms,
            on_overrun: self.on_overrun,
            lossy: self.lossy,
            ..handler::Options::default()
        }
    }
}

impl Options {
    /// Converts the options to those of the release handler.
    pub(crate) fn options(&self) -> handler::Options {
        handler::Options {
            partial: self.partial,
            ..self.how.options()
        }
    }
}

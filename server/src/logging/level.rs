//! The lowest level of log lines: the setting `logger_level` of `kernel`, in OTP's words (`kernel(6)`).
//!
//! ```erlang
//! {kernel, [{logger_level, debug}]}      % default: info
//! ```
//! `RUST_LOG` in the environment stands above the setting.

use std::sync::OnceLock;

use anyhow::bail;
use pq_otp::Node;
use pq_release::boot::BootRelease;
use pq_term::Term;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::reload::Handle;

pub(crate) const APPLICATION: &str = "kernel";
pub(crate) const SETTING: &str = "logger_level";

/// Replaces the filter of the log.
type Change = Box<dyn Fn(EnvFilter) + Send + Sync>;

static CHANGE: OnceLock<Change> = OnceLock::new();

/// Keeps the handle of the log's filter. The log is installed only once.
pub(super) fn changes_through<S: 'static>(handle: Handle<EnvFilter, S>) {
    // The subscriber exists as long as the program.
    let _ = CHANGE.set(Box::new(move |filter| drop(handle.reload(filter))));
}

/// Applies the setting of the node, unless `RUST_LOG` stands above it.
///
/// # Errors
/// The invalid setting, with the valid ones.
pub(crate) fn apply(node: &Node) -> anyhow::Result<()> {
    let level = level(node.env(APPLICATION, SETTING).as_ref())?;
    if std::env::var_os(EnvFilter::DEFAULT_ENV).is_none()
        && let Some(change) = CHANGE.get()
    {
        let filter = EnvFilter::builder().with_default_directive(level.into());
        change(filter.parse_lossy(""));
    }
    Ok(())
}

/// Checks the setting of a release before the release runs.
///
/// # Errors
/// The invalid setting, with the valid ones.
pub(crate) fn judge(release: &BootRelease) -> Result<(), String> {
    let level = level(release.env(APPLICATION, SETTING));
    level.map(drop).map_err(|error| error.to_string())
}

/// The level of the setting.
///
/// # Errors
/// The invalid setting, with the valid ones.
pub(crate) fn level(setting: Option<&Term>) -> anyhow::Result<LevelFilter> {
    let Some(term) = setting else {
        return Ok(LevelFilter::INFO);
    };
    Ok(match term.as_atom().map(|atom| atom.as_str()) {
        Some("none") => LevelFilter::OFF,
        Some("emergency" | "alert" | "critical" | "error") => LevelFilter::ERROR,
        Some("warning") => LevelFilter::WARN,
        Some("notice" | "info") => LevelFilter::INFO,
        Some("debug") => LevelFilter::DEBUG,
        Some("all") => LevelFilter::TRACE,
        _ => bail!(
            "{SETTING} of {APPLICATION} is {term}, where none, error, warning, notice, info, debug or all is needed"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_has_the_word_of_otp() {
        let read = |text: &str| level(Some(&pq_term::read_term(text).unwrap()));
        assert_eq!(level(None).unwrap(), LevelFilter::INFO);
        assert_eq!(read("notice").unwrap(), LevelFilter::INFO);
        assert_eq!(read("critical").unwrap(), LevelFilter::ERROR);
        assert_eq!(read("all").unwrap(), LevelFilter::TRACE);
        for odd in ["loud", "\"debug\"", "7"] {
            let error = read(odd).unwrap_err().to_string();
            assert!(error.contains("logger_level of kernel is "), "{error}");
        }
    }
}

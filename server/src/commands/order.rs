//! An order from the live page, as the request of the command that does the same.

use pq_protocol::{Exit, Failure, Named};
use serde::Deserialize;

use super::check_install::CheckInstall;
use super::command::Words;
use super::install::Install;
use super::install_options::Options;
use super::kill::Kill;
use super::make_permanent::MakePermanent;
use super::unpack::Unpack;

/// An operation that the page may ask for.
#[derive(Deserialize, PartialEq, Eq, Debug)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Unpack a package that lies in the tree.
    Unpack { package: String },
    /// Try an install on copies of all states.
    Check { vsn: String },
    /// Install a release.
    Install { vsn: String },
    /// Make the running release permanent.
    MakePermanent { vsn: String },
    /// Kill a process.
    Kill { process: String },
}

impl Order {
    /// The request of the command, and whether it is an operation on releases.
    ///
    /// # Errors
    /// [`Exit::Usage`] for a package that does not lie in the tree.
    pub(crate) fn request(self) -> Result<(Named, bool), Failure> {
        let options = Options::default();
        match self {
            Order::Unpack { package } if package.contains('/') || package.starts_with('.') => {
                let sentence = "failed to unpack: the page unpacks packages of the tree, which are named without a path";
                Err(Failure::new(Exit::Usage, sentence))
            }
            Order::Unpack { package } => of_releases(&Unpack { package }),
            Order::Check { vsn } => of_releases(&CheckInstall {
                vsn,
                options,
                of_install: false,
            }),
            Order::Install { vsn } => of_releases(&Install {
                vsn,
                from: None,
                options,
            }),
            Order::MakePermanent { vsn } => of_releases(&MakePermanent { vsn }),
            Order::Kill { process } => {
                let message = None;
                Ok((Named::of(Kill::NAME, &Kill { process, message })?, false))
            }
        }
    }
}

fn of_releases<W: Words>(words: &W) -> Result<(Named, bool), Failure> {
    Ok((Named::of(W::NAME, words)?, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<String, String> {
        let order: Order = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let (named, is_of_releases) = order.request().map_err(|failure| failure.sentence)?;
        Ok(format!("{} {is_of_releases}", named.name()))
    }

    #[test]
    fn an_order_is_the_request_of_its_command() {
        for (text, expected) in [
            (
                r#"{"order":"unpack","package":"shop-1.1.0"}"#,
                "unpack true",
            ),
            (r#"{"order":"check","vsn":"1.1.0"}"#, "check_install true"),
            (r#"{"order":"install","vsn":"1.1.0"}"#, "install true"),
            (
                r#"{"order":"make_permanent","vsn":"1.1.0"}"#,
                "make_permanent true",
            ),
            (r#"{"order":"kill","process":"<0.7.1>"}"#, "kill false"),
        ] {
            assert_eq!(asked(text).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn nothing_else_can_be_ordered() {
        for odd in [
            r#"{"order":"stop"}"#,
            r#"{"order":"install","vsn":"1","on_overrun":"kill"}"#,
            r#"{"order":"unpack","package":"/tmp/evil-1.0.0.tar.gz"}"#,
            r#"{"order":"unpack","package":"../evil-1.0.0"}"#,
            "{}",
        ] {
            assert!(asked(odd).is_err(), "{odd}");
        }
    }
}

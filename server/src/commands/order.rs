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
    /// Install a release as a whole.
    Install { vsn: String },
    /// Make the running release permanent.
    MakePermanent { vsn: String },
    /// Kill a process, which its supervisor may restart.
    Kill { process: String },
}

/// The request of a command by its kind.
#[derive(PartialEq, Debug)]
pub(crate) enum Ordered {
    /// An operation on releases, of which the node carries out one at a time.
    OnReleases(Named),
    /// An action that the node carries out at any time.
    AtOnce(Named),
}

impl Order {
    /// The request of the command that does the same.
    ///
    /// # Errors
    /// [`Exit::Usage`] for a package that does not lie in the tree.
    pub(crate) fn request(self) -> Result<Ordered, Failure> {
        let options = Options::default();
        match self {
            Order::Unpack { package } if package.contains('/') || package.starts_with('.') => {
                let sentence = "failed to unpack: the page unpacks packages of the tree, which are named without a path";
                Err(Failure::new(Exit::Usage, sentence))
            }
            Order::Unpack { package } => of_releases(&Unpack {
                package,
                older: false,
            }),
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
                Named::of(Kill::NAME, &Kill { process, message }).map(Ordered::AtOnce)
            }
        }
    }
}

fn of_releases<W: Words>(words: &W) -> Result<Ordered, Failure> {
    Named::of(W::NAME, words).map(Ordered::OnReleases)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str) -> Result<String, String> {
        let order: Order = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(match order.request().map_err(|failure| failure.sentence)? {
            Ordered::OnReleases(named) => format!("on releases: {}", named.name()),
            Ordered::AtOnce(named) => format!("at once: {}", named.name()),
        })
    }

    #[test]
    fn an_order_is_the_request_of_its_command() {
        for (text, expected) in [
            (
                r#"{"order":"unpack","package":"shop-1.1.0"}"#,
                "on releases: unpack",
            ),
            (
                r#"{"order":"check","vsn":"1.1.0"}"#,
                "on releases: check_install",
            ),
            (
                r#"{"order":"install","vsn":"1.1.0"}"#,
                "on releases: install",
            ),
            (
                r#"{"order":"make_permanent","vsn":"1.1.0"}"#,
                "on releases: make_permanent",
            ),
            (r#"{"order":"kill","process":"<0.7.1>"}"#, "at once: kill"),
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

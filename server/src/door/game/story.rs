//! The setting `story`: the news of an avatar, and the function that tells them in the words of the game (`pq watch`).
//!
//! ```erlang
//! {story, {{news, name}, [event], {talk_story, to_output}}}
//! ```
//! The first term is the name in the registry of the event manager that gets the news of an avatar; `name` in it stands for the
//! avatar's name. The path leads to the event in a notification. The function gets the event, and returns the pieces that a
//! session shows: a list of `#{text => Text}` and `#{wait => Milliseconds}`.

use std::sync::Arc;

use anyhow::{Context, bail};
use pq_otp::{Node, Payload, RequestError};
use pq_term::Term;
use tokio::sync::Semaphore;

use super::Function;
use super::who::{Path, path};
use crate::door::asker::call;

/// The way from an avatar to its story.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    events: Term,
    event: Path,
    function: Function,
}

impl Story {
    pub(super) fn read(term: &Term) -> anyhow::Result<Story> {
        let Some([events, event, function]) = term.as_tuple() else {
            bail!("the value is not {{Name, Path, {{Module, Function}}}}");
        };
        let event = match event.as_list() {
            Some([]) => Path::default(),
            _ => path(event)?,
        };
        let function = Function::read(function).context("the third part")?;
        Ok(Story {
            events: events.clone(),
            event,
            function,
        })
    }

    /// The name in the registry of the event manager of this avatar.
    pub(crate) fn events_of(&self, name: &str) -> Term {
        named(&self.events, name)
    }

    /// The event in a notification.
    pub(crate) fn event<'a>(&self, notification: &'a Term) -> Option<&'a Term> {
        self.event.find(notification)
    }

    /// Has the game tell an event; `permits` bounds the functions that run at once.
    ///
    /// # Errors
    /// The function has failed, or has not returned in time.
    pub(crate) async fn tell(
        &self,
        node: &Node,
        event: Term,
        permits: &Arc<Semaphore>,
    ) -> Result<Payload, RequestError> {
        call(node, &self.function, event, permits).await
    }

    /// The name of the function, for errors.
    pub(crate) fn function(&self) -> String {
        self.function.to_string()
    }
}

/// The term with the avatar's name in place of the atom `name`.
fn named(term: &Term, name: &str) -> Term {
    match term.as_tuple() {
        Some(items) => Term::tuple(
            items
                .iter()
                .map(|item| named(item, name))
                .collect::<Vec<_>>(),
        ),
        None if term.is_atom("name") => Term::string(name),
        None => term.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    #[test]
    fn the_news_of_an_avatar_are_found_by_its_name_and_by_the_path() {
        let story = Story::read(&term("{{news,name},[event],{talk,tell}}")).unwrap();
        assert_eq!(story.events_of("Ann"), term(r#"{news,"Ann"}"#));
        let news = term("#{name => \"Ann\", event => born}");
        assert_eq!(story.event(&news), Some(&term("born")));
        assert_eq!(story.event(&term("born")), None);
        assert_eq!(story.function(), "talk:tell");
        let whole = Story::read(&term("{name,[],{talk,tell}}")).unwrap();
        assert_eq!(whole.event(&news), Some(&news));
        for odd in [
            "news",
            "{news,[event]}",
            "{news,event,{a,b}}",
            "{news,[event],a}",
        ] {
            assert!(Story::read(&term(odd)).is_err(), "{odd}");
        }
    }
}

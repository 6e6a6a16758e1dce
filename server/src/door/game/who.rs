//! The setting `who`: finds the avatar of a session by a function of the game, or by paths in the session's state.
//!
//! ```erlang
//! {who, {talk, who}}          % talk:who(State), a pure function, returns one of
//!                             %   nobody, #{named => #{name => Name}}, #{arriving => #{name => Name}},
//!                             %   #{playing => #{name => Name, process => Pid}}
//! {who, {state, [{named, [stage, asked, name]},           % for a game without such a function: paths in the maps of
//!                {arriving, [stage, begins, name]},       % a session's state to the name and the process
//!                {playing, [stage, plays, name], [stage, plays, sup]}]}}
//! ```
//! `named`: the player has chosen this name and must confirm it. `arriving`: the avatar is being started. `playing`:
//! the avatar runs; `process`, which may be omitted, is the process that ends with the avatar.

use anyhow::{Context, bail, ensure};
use pq_term::Term;
use sockserv::{Avatar, Login};

use super::Function;

/// The method to find the avatar of a session.
#[derive(Clone, Debug)]
pub(in crate::door) enum Who {
    /// Calls this function with the session's state.
    Function(Function),
    /// Reads the session's state.
    State(Places),
}

/// The paths of the answer in a term.
#[derive(Clone, Default, Debug)]
pub(in crate::door) struct Places {
    named: Option<Path>,
    arriving: Option<Path>,
    playing: Option<Path>,
    process: Option<Path>,
}

/// A path of map keys, from the outermost map inwards.
#[derive(Clone, Default, Debug)]
pub(super) struct Path(Vec<Term>);

impl Who {
    pub(super) fn read(term: &Term) -> anyhow::Result<Who> {
        match term.as_tuple() {
            Some([state, places]) if state.is_atom("state") && places.as_list().is_some() => {
                Places::read(places).map(Who::State)
            }
            _ => Function::read(term).map(Who::Function),
        }
    }
}

impl Places {
    /// The paths in the return value of a function.
    pub(in crate::door) fn of_answer() -> Places {
        let path = |keys: [&'static str; 2]| Some(Path(keys.map(Term::atom).to_vec()));
        Places {
            named: path(["named", "name"]),
            arriving: path(["arriving", "name"]),
            playing: path(["playing", "name"]),
            process: path(["playing", "process"]),
        }
    }

    fn read(term: &Term) -> anyhow::Result<Places> {
        let mut places = Places::default();
        for place in term.as_list().unwrap_or_default() {
            match place.as_tuple() {
                Some([kind, name]) if kind.is_atom("named") => places.named = Some(path(name)?),
                Some([kind, name]) if kind.is_atom("arriving") => {
                    places.arriving = Some(path(name)?);
                }
                Some([kind, name, rest @ ..]) if kind.is_atom("playing") && rest.len() < 2 => {
                    places.playing = Some(path(name)?);
                    places.process = rest.first().map(path).transpose()?;
                }
                _ => bail!(
                    "{place} is no {{named, Path}}, {{arriving, Path}} or {{playing, Path, Path}}"
                ),
            }
        }
        // Without this path no client ever plays, so each one would be disconnected at the end of `login_ms`.
        ensure!(
            places.playing.is_some(),
            "the paths do not include {{playing, Path}}"
        );
        Ok(places)
    }

    /// Reads the avatar from this state or return value.
    pub(in crate::door) fn login(&self, term: &Term) -> Login {
        if let Some(name) = name(self.playing.as_ref(), term) {
            let process = self.process.as_ref().and_then(|path| path.find(term));
            let process = process.and_then(Term::as_pid);
            return Login::Playing(Avatar { name, process });
        }
        let arriving = name(self.arriving.as_ref(), term).map(Login::Arriving);
        let named = || name(self.named.as_ref(), term).map(Login::Named);
        arriving.or_else(named).unwrap_or(Login::Nobody)
    }
}

pub(super) fn path(term: &Term) -> anyhow::Result<Path> {
    let keys = term.as_list().filter(|keys| !keys.is_empty());
    let needed = || format!("{term} is not a path like [stage, plays, name]");
    keys.map(|keys| Path(keys.to_vec())).with_context(needed)
}

fn name(path: Option<&Path>, term: &Term) -> Option<String> {
    path?.find(term)?.as_str().map(str::to_string)
}

impl Path {
    pub(super) fn find<'a>(&self, term: &'a Term) -> Option<&'a Term> {
        let inward = |term: &'a Term, key| term.as_map()?.get(key);
        self.0.iter().try_fold(term, inward)
    }
}

#[cfg(test)]
mod tests {
    use pq_otp::Pid;

    use super::*;

    fn term(text: &str) -> Term {
        pq_term::read_term(text).unwrap()
    }

    fn plays(process: Option<Pid>) -> Login {
        let name = "Ann".to_string();
        Login::Playing(Avatar { name, process })
    }

    #[test]
    fn a_session_has_the_name_of_its_avatar_as_soon_as_it_was_given() {
        let places = "[{named,[stage,asked,name]},{arriving,[stage,begins,name]},\
                      {playing,[stage,plays,name],[stage,plays,sup]}]";
        let places = Places::read(&term(places)).unwrap();
        for (state, login) in [
            (
                r#"#{stage => #{plays => #{name => "Ann", sup => <0.4.1>}}}"#,
                plays(Some(Pid::new(0, 4, 1))),
            ),
            (r#"#{stage => #{plays => #{name => "Ann"}}}"#, plays(None)),
            (
                r#"#{stage => #{begins => #{name => "Ann"}}}"#,
                Login::Arriving("Ann".into()),
            ),
            (
                r#"#{stage => #{asked => #{name => "Ann"}}}"#,
                Login::Named("Ann".into()),
            ),
            ("#{stage => name}", Login::Nobody),
            ("#{stage => leaving}", Login::Nobody),
            ("{state,1}", Login::Nobody),
        ] {
            assert_eq!(places.login(&term(state)), login, "{state}");
        }
    }

    #[test]
    fn a_function_answers_with_who_plays() {
        let login = |answer: &str| Places::of_answer().login(&term(answer));
        assert_eq!(login("nobody"), Login::Nobody);
        let playing = r#"#{playing => #{name => "Ann", process => <0.4.1>}}"#;
        assert_eq!(login(playing), plays(Some(Pid::new(0, 4, 1))));
        let arriving = r#"#{arriving => #{name => "Ann"}}"#;
        assert_eq!(login(arriving), Login::Arriving("Ann".into()));
        let named = r#"#{named => #{name => "Ann"}}"#;
        assert_eq!(login(named), Login::Named("Ann".into()));
    }
}

//! The setting `game` in the environment of the door's application: the release's description of its game.
//!
//! ```erlang
//! {game, [{noun, {"ship", "ships"}},          % the word for an avatar, and its plural
//!         {sessions, talk_sup},              % starts sessions as children with the arguments [Port]
//!         {avatars, ships_sup},              % the supervisor of the avatars
//!         {who, {talk, who}},                % from a session's state to its avatar (see `who`)
//!         {sheet, {ship, gmcp}},             % from an avatar's state to GMCP messages for its client
//!         {story, {{news, name}, [event], {talk, told}}},      % from an avatar's news to its story (see `story`)
//!         {measures, {ship, [{level, [data, level]}]}},    % from an avatar's state to its measures (see `measures`)
//!         {check, {ship, check}},            % from an avatar's state to `ok`, or what is wrong with it
//!         {fill, [{name, "bot-"}, #{pace => pace}]}]}     % the arguments of an avatar without a session
//! ```
//! Each part may be omitted. The default of `sessions` is the first registered name of the application. A function
//! that needs an omitted part reports the missing part. No default contains a name of a game.

use std::fmt;

use anyhow::{Context, bail, ensure};
use pq_term::Term;
use sockserv::Noun;

use crate::boot::Booted;

mod fill;
mod measures;
mod story;
mod who;

use fill::Fill;
use measures::Measured;
pub(crate) use story::Story;
pub(super) use who::{Places, Who};

/// The parts of the setting, for errors.
const PARTS: &str = r#"{noun, {"ship", "ships"}}, {sessions, Supervisor}, {avatars, Supervisor}, {who, {Module, Function}}, {who, {state, Paths}}, {sheet, {Module, Function}}, {story, {Name, Path, {Module, Function}}}, {measures, {Module, Places}}, {measures, {Module, Function}}, {check, {Module, Function}} or {fill, [{name, "bot-"}, pace]}"#;

/// The settings of the game.
#[derive(Clone, Default, Debug)]
pub(crate) struct Game {
    /// The game's word for an avatar.
    pub(crate) noun: Noun,
    /// The supervisor of sessions.
    pub(super) sessions: Option<String>,
    /// The supervisor of avatars.
    pub(crate) avatars: Option<String>,
    /// The method to find the avatar of a session.
    pub(super) who: Option<Who>,
    /// The function that describes an avatar.
    pub(super) sheet: Option<Function>,
    /// The way from an avatar to its story.
    pub(crate) story: Option<Story>,
    /// The places of an avatar's measures, or the function that returns them.
    pub(crate) measures: Option<Measured>,
    /// The function that examines an avatar's state.
    pub(super) check: Option<Function>,
    /// The template of the arguments of an avatar without a session.
    pub(crate) fill: Option<Fill>,
}

/// A function of a module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Function {
    pub(super) module: String,
    pub(super) function: String,
}

impl Game {
    /// Reads the setting of the running release.
    ///
    /// # Errors
    /// Fails without a door's application, or on an invalid setting.
    pub(crate) fn of(booted: &Booted) -> anyhow::Result<Game> {
        let application = booted.behind_door();
        let application =
            application.context("the running release has no application with listeners")?;
        let name = &application.name;
        Game::read(name, booted.node().env(name, "game").as_ref())
    }

    /// The module whose state is that of an avatar, as the setting `sheet` names it.
    pub(crate) fn avatar_module(&self) -> Option<&str> {
        self.sheet.as_ref().map(|sheet| sheet.module.as_str())
    }

    /// Whether the setting has a method to find the avatar of a session.
    pub(crate) fn says_who_plays(&self) -> bool {
        self.who.is_some()
    }

    /// Reads the setting of this application; all parts of an absent setting are empty.
    ///
    /// # Errors
    /// The invalid part, with a valid example.
    pub(crate) fn read(application: &str, setting: Option<&Term>) -> anyhow::Result<Game> {
        let mut game = Game::default();
        let Some(term) = setting else {
            return Ok(game);
        };
        let parts = term.as_list().with_context(|| {
            format!("game of {application} is {term}, where a list of {PARTS} is needed")
        })?;
        for part in parts {
            game.set(part).with_context(|| {
                format!("game of {application} has {part}, where {PARTS} is needed")
            })?;
        }
        ensure!(
            game.sheet.is_none() || game.who.is_some(),
            "game of {application} has sheet, for which {{who, {{Module, Function}}}} or {{who, {{state, Paths}}}} is needed"
        );
        Ok(game)
    }

    fn set(&mut self, part: &Term) -> anyhow::Result<()> {
        let Some([key, value]) = part.as_tuple() else {
            bail!("the part is not a pair");
        };
        match key.as_atom().map(|key| key.as_str()).unwrap_or_default() {
            "noun" => self.noun = noun(value)?,
            "sessions" => self.sessions = Some(name(value)?),
            "avatars" => self.avatars = Some(name(value)?),
            "who" => self.who = Some(Who::read(value)?),
            "sheet" => self.sheet = Some(Function::read(value)?),
            "story" => self.story = Some(Story::read(value)?),
            "measures" => self.measures = Some(Measured::read(value)?),
            "check" => self.check = Some(Function::read(value)?),
            "fill" => self.fill = Some(Fill::read(value)?),
            _ => bail!("no part has this name"),
        }
        Ok(())
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.module, self.function)
    }
}

impl Function {
    fn read(term: &Term) -> anyhow::Result<Function> {
        let Some([module, function]) = term.as_tuple() else {
            bail!("the value is not {{Module, Function}}");
        };
        Ok(Function {
            module: name(module)?,
            function: name(function)?,
        })
    }
}

fn name(term: &Term) -> anyhow::Result<String> {
    let name = term.as_atom().map(|name| name.as_str().to_string());
    name.with_context(|| format!("{term} is not an atom"))
}

/// Both words become parts of commands (`pq end-ship`, `--ships`), so they must be easy to type.
fn noun(term: &Term) -> anyhow::Result<Noun> {
    let word = |term: &Term| {
        let word = term.as_str().filter(|word| {
            let letters = word.bytes().all(|byte| byte.is_ascii_lowercase());
            letters && (1..=NOUN_MAX).contains(&word.len())
        });
        let needed = || format!("{term} is not a word of 1 to {NOUN_MAX} lower-case letters");
        word.map(str::to_string).with_context(needed)
    };
    let Some([one, many]) = term.as_tuple() else {
        bail!("the value is not {{\"one\", \"many\"}}");
    };
    Ok(Noun {
        one: word(one)?,
        many: word(many)?,
    })
}

/// The longest noun in characters: commands show the noun in the middle of a line.
const NOUN_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn game(text: &str) -> anyhow::Result<Game> {
        Game::read("talk", Some(&pq_term::read_term(text).unwrap()))
    }

    #[test]
    fn what_is_left_out_names_no_game() {
        let game = Game::read("talk", None).unwrap();
        assert_eq!(game.noun, Noun::default());
        assert!(game.sessions.is_none() && game.avatars.is_none() && game.who.is_none());
        assert!(game.sheet.is_none() && game.fill.is_none());
    }

    #[test]
    fn every_part_can_be_set() {
        let text = r#"[{noun,{"ship","ships"}},{sessions,talk_sup},{avatars,ships},{who,{talk,who}},
            {sheet,{ship,gmcp}},{fill,[{name,"bot-"},#{pace => pace}]}]"#;
        let game = game(text).unwrap();
        assert_eq!((&*game.noun.one, &*game.noun.many), ("ship", "ships"));
        assert_eq!(game.sessions.as_deref(), Some("talk_sup"));
        assert_eq!(game.avatars.as_deref(), Some("ships"));
        let function = Function {
            module: "ship".to_string(),
            function: "gmcp".to_string(),
        };
        assert_eq!(game.sheet, Some(function));
        assert!(game.who.is_some() && game.fill.is_some());
    }

    #[test]
    fn an_odd_part_is_refused_with_what_would_be_right() {
        for odd in [
            "talk",
            "[talk]",
            "[{port,1}]",
            r#"[{noun,"ship"}]"#,
            r#"[{noun,{"Ship","ships"}}]"#,
            r#"[{noun,{"","ships"}}]"#,
            r#"[{sessions,"talk_sup"}]"#,
            "[{sheet,ship}]",
            "[{sheet,{ship,gmcp}}]",
            "[{who,{talk,\"who\"}}]",
            "[{who,{state,[{playing,name}]}}]",
            "[{who,{state,[{plays,[name]}]}}]",
            "[{who,{state,[]}}]",
            "[{who,{state,[{named,[name]}]}}]",
            "[{fill,pace}]",
        ] {
            let error = format!("{:#}", game(odd).unwrap_err());
            assert!(error.starts_with("game of talk "), "{odd}: {error}");
            assert!(error.contains(" is needed"), "{odd}: {error}");
        }
    }
}

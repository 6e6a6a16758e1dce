//! The setting `measures`: the figures of an avatar, for rehearsals.
//!
//! ```erlang
//! {measures, {ship, [{level, [data, level]},          % places in the maps of a state of this module, of any version;
//!                    {gold, [data, hold, gold]}]}}    % the first one is that on which the rules of the game depend most
//! {measures, {ship, measures}}                        % ship:measures(State), which returns #{level => 3, gold => 12}
//! ```

use anyhow::{Context, bail, ensure};
use pq_rehearsal::{Function, Judge, Measures};
use pq_term::Term;

use super::{Game, name};

/// The measures of a game at most: a report has a line for each.
const MEASURES_MAX: usize = 20;

/// The module of an avatar, and its measures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Measured {
    module: String,
    measures: Measures,
}

impl Measured {
    pub(super) fn read(term: &Term) -> anyhow::Result<Measured> {
        let Some([module, how]) = term.as_tuple() else {
            bail!("the value is not {{Module, Places}} or {{Module, Function}}");
        };
        let module = name(module)?;
        let measures = match how.as_list() {
            Some(places) => {
                let count = places.len();
                ensure!(
                    (1..=MEASURES_MAX).contains(&count),
                    "a game has 1 to {MEASURES_MAX} measures, and these are {count}"
                );
                Measures::Places(places.iter().map(place).collect::<anyhow::Result<_>>()?)
            }
            None => Measures::Function(Function {
                module: module.clone(),
                function: name(how)?,
            }),
        };
        Ok(Measured { module, measures })
    }
}

fn place(term: &Term) -> anyhow::Result<(String, Vec<String>)> {
    let needed = || format!("{term} is not a place like {{gold, [data, gold]}}");
    let Some([measure, keys]) = term.as_tuple() else {
        bail!(needed());
    };
    let keys = keys.as_list().filter(|keys| !keys.is_empty());
    let keys = keys.with_context(needed)?.iter().map(name);
    let keys = keys.collect::<anyhow::Result<_>>().with_context(needed)?;
    Ok((name(measure)?, keys))
}

impl Game {
    /// The judge of avatars in a rehearsal; `None` for a game without measures and without a check.
    pub(crate) fn judge(&self) -> Option<Judge> {
        let of_check = || self.check.as_ref().map(|check| check.module.clone());
        let module = self.measures.as_ref().map(|it| it.module.clone());
        Some(Judge {
            module: module.or_else(of_check)?,
            measures: self.measures.as_ref().map(|it| it.measures.clone()),
            check: self.check.as_ref().map(|check| Function {
                module: check.module.clone(),
                function: check.function.clone(),
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn game(text: &str) -> anyhow::Result<Game> {
        Game::read("talk", Some(&pq_term::read_term(text).unwrap()))
    }

    #[test]
    fn measures_are_places_or_a_function() {
        let places = game("[{measures,{ship,[{level,[data,level]},{gold,[gold]}]}}]").unwrap();
        let judge = places.judge().unwrap();
        let place = |name: &str, keys: &[&str]| {
            (
                name.to_string(),
                keys.iter().map(ToString::to_string).collect(),
            )
        };
        let expected = vec![place("level", &["data", "level"]), place("gold", &["gold"])];
        assert_eq!(
            (&*judge.module, judge.measures),
            ("ship", Some(Measures::Places(expected)))
        );
        let function = game("[{measures,{ship,figures}},{check,{ship,check}}]").unwrap();
        let judge = function.judge().unwrap();
        assert!(matches!(judge.measures, Some(Measures::Function(it)) if it.function == "figures"));
        assert_eq!(judge.check.unwrap().function, "check");
        let check = game("[{check,{ship,check}}]").unwrap().judge().unwrap();
        assert_eq!((&*check.module, check.measures), ("ship", None));
        assert!(game("[]").unwrap().judge().is_none());
    }

    #[test]
    fn an_odd_place_is_refused() {
        for odd in [
            "[{measures,ship}]",
            "[{measures,{ship,[]}}]",
            "[{measures,{ship,[gold]}}]",
            "[{measures,{ship,[{gold,[]}]}}]",
            "[{measures,{ship,[{gold,[1]}]}}]",
            "[{check,ship}]",
        ] {
            let error = format!("{:#}", game(odd).unwrap_err());
            assert!(
                error.contains("{measures, {Module, Places}}"),
                "{odd}: {error}"
            );
        }
    }
}

//! The rules that have changed: the talent of a class, spells, and eleven places for equipment. All other rules are those of older
//! versions.

use std::borrow::Cow;

use pq_sdk::RngExt;
use pq_words::{Item, Loot, Stats};

use super::Player;
use super::gear::Seen;
use crate::place::Place;
use crate::pq_origin::Talent;
use crate::pq_spell::{Known, learn};
use crate::v1_4_0::pq_enemy::Foes;

impl Player {
    /// Wins against these enemies; a spell and a talent for fights teach more.
    pub fn fight(&mut self, foes: &Foes, spell: Option<&Known>) {
        self.old.fight(foes);
        let spell = spell.map_or(0, |spell| u64::from(spell.rank));
        let talent = match self.origin.talent() {
            Some(Talent::Fights) => tenth(foes.enemy.experience.into()),
            _ => 0,
        };
        let exp = &mut self.old.hero.exp;
        *exp = exp.saturating_add(spell).saturating_add(talent);
    }

    /// The spell for a fight: in one of four fights any that the hero knows, with a talent for spells in two of four.
    pub fn cast(&self, dice: &mut impl RngExt) -> Option<Known> {
        let chances = match self.origin.talent() {
            Some(Talent::Spells) => 2,
            _ => 1,
        };
        let is_cast = !self.spells.is_empty() && dice.random_range(0..4) < chances;
        is_cast.then(|| self.spells[dice.random_range(0..self.spells.len())].clone())
    }

    /// Sells the newest pile as in 1.4.0; a talent for sales brings a tenth more.
    pub fn sell(&mut self) -> Option<(Loot, u64, u64)> {
        let (loot, count, value) = self.old.sell()?;
        let more = match self.origin.talent() {
            Some(Talent::Sales) => tenth(value),
            _ => 0,
        };
        self.old.hero.earn(more);
        Some((loot, count, value.saturating_add(more)))
    }

    /// Buys the next better item, the worst place first, as in 1.0.0. `None` when every place has been seen; then the next trip
    /// starts with none seen. `find` is the market: place, quality to be bettered, money.
    pub fn buy(
        &mut self,
        find: &mut impl FnMut(Place, i32, u64) -> Option<Item>,
    ) -> Option<(Place, Item)> {
        while let Some(place) = self.worst_place() {
            self.seen.mark(place);
            let hero = &mut self.old.hero;
            if let Some(item) = find(place, self.gear.rank(place), hero.money) {
                hero.money = hero.money.saturating_sub(item.price);
                self.gear.wear(place, item.clone());
                return Some((place, item));
            }
        }
        self.seen = Seen::default();
        None
    }

    fn worst_place(&self) -> Option<Place> {
        let unseen = Place::ALL
            .into_iter()
            .filter(|place| !self.seen.has(*place));
        unseen.min_by_key(|place| self.gear.rank(*place))
    }

    /// Reaches the next level: the stats gain as in 1.0.0, the stat of the race one point more, and the hero learns a spell.
    pub fn level_up(&mut self, gain: Stats, spell: Cow<'static, str>) {
        let hero = &mut self.old.hero;
        hero.level_up(gain);
        self.origin.grow(&mut hero.stats);
        learn(&mut self.spells, spell);
    }
}

/// A tenth, rounded up.
fn tenth(number: u64) -> u64 {
    number.div_ceil(10)
}

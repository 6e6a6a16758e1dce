//! The next action of a hero and its time: a second implementation of the rules of the game.
//!
//! A model knows the past of one hero. The past determines the future except for random numbers, so each piece of news
//! is either the right one at the right millisecond or a fault. The tables of enemies and goods come from
//! `processquest`; the rules do not.

use pq_words::{Event, Item, Place, Slot, Stats};
use processquest_1_0_0::pq_enemy::{Catalogue, PqEnemy};
use processquest_1_0_0::pq_market;
use processquest_1_0_0::pq_player::{Player, State, Whole};
use serde::{Deserialize, Serialize};

/// The expected state of one hero.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Model {
    /// The stats of the hero.
    pub stats: Stats,
    /// The experience of the hero.
    pub exp: u64,
    /// The experience at which its next level begins.
    pub lvlexp: u64,
    /// The level of the hero.
    pub lvl: u32,
    /// The money of the hero.
    pub money: u64,
    /// The enemies whose drops are in the bag, as numbers.
    pub loot: Vec<u8>,
    /// The worn equipment as numbers in the market's catalogue, in the order of the slots.
    pub worn: [Option<u8>; 4],
    /// The slots for which the hero has tried to buy on this trip.
    seen: [bool; 4],
    pace_ms: u64,
    /// The experience at which its second level began.
    lvlexp_first: u64,
    due_ms: u64,
    next: Next,
    /// The number of pieces of news so far.
    pub news: u64,
}

/// The kinds of the next piece of news.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
enum Next {
    Fight,
    LevelUp,
    GoToMarket,
    Sell,
    Buy,
}

/// A wrong piece of news, described together with the expected one.
pub type Fault = String;

impl Model {
    /// The model of a hero that has just set out for its first fight.
    pub fn newborn(hero: &Player, now_ms: u64) -> Model {
        let pace_ms = u64::from(hero.time);
        Model {
            stats: hero.stats,
            exp: 0,
            lvlexp: hero.lvlexp,
            lvl: 1,
            money: 0,
            loot: Vec::new(),
            worn: [None; 4],
            seen: [false; 4],
            pace_ms,
            lvlexp_first: hero.lvlexp,
            due_ms: now_ms + pace_ms,
            next: Next::Fight,
            news: 0,
        }
    }

    /// Takes a piece of news that arrived now.
    ///
    /// # Errors
    /// Returns the expected news when this one is wrong or comes at the wrong time.
    pub fn hear(&mut self, event: &Event<'_>, now_ms: u64) -> Result<(), Fault> {
        if now_ms != self.due_ms {
            return Err(format!(
                "{event:?} came at {now_ms} ms, due at {} ms",
                self.due_ms
            ));
        }
        self.news += 1;
        let pause_ms = match self.next {
            Next::Fight => self.fight(event),
            Next::LevelUp => self.level_up(event),
            Next::GoToMarket => self.walk(event, Place::Market),
            Next::Sell => self.sell(event),
            Next::Buy => self.buy(event),
        };
        self.due_ms +=
            pause_ms.ok_or_else(|| format!("{event:?} does not follow from {self:?}"))?;
        Ok(())
    }

    fn fight(&mut self, event: &Event<'_>) -> Option<u64> {
        let Event::Killed {
            ms,
            enemy,
            drop,
            experience,
        } = event
        else {
            return None;
        };
        let known = PqEnemy::ENEMIES.iter().position(|known| {
            (&*known.name, &*known.drop) == (&**enemy, &**drop)
                && u64::from(known.experience) == *experience
        });
        self.loot.push(u8::try_from(known?).ok()?);
        self.exp += experience;
        self.next = match self.loot.len() {
            // As in the book, the check of the bag comes before that of the level.
            full if full == 2 * usize::from(self.stats.strength) => Next::GoToMarket,
            _ if self.exp >= self.lvlexp => Next::LevelUp,
            _ => Next::Fight,
        };
        (*ms == 2 * self.pace_ms).then_some(2 * self.pace_ms)
    }

    fn level_up(&mut self, event: &Event<'_>) -> Option<u64> {
        let Event::LvlUp { stats, lvl, lvlexp } = event else {
            return None;
        };
        let gains = |(new, old): ((_, u16), (_, u16))| (1..=6).contains(&(new.1 - old.1));
        let gained = stats.iter().zip(self.stats.iter()).all(gains);
        let right = *lvl == self.lvl + 1 && *lvlexp == self.lvlexp_first << (lvl - 1);
        (self.stats, self.lvl, self.lvlexp) = (*stats, *lvl, *lvlexp);
        self.next = Next::Fight;
        (gained && right).then_some(0)
    }

    fn walk(&mut self, event: &Event<'_>, to: Place) -> Option<u64> {
        self.next = match to {
            Place::Killing => Next::Fight,
            Place::Market => Next::Sell,
        };
        let due = Event::Heading {
            ms: self.pace_ms,
            place: to,
        };
        (*event == due).then_some(self.pace_ms)
    }

    fn sell(&mut self, event: &Event<'_>) -> Option<u64> {
        let Some(newest) = self.loot.pop() else {
            return self.buy(event);
        };
        let enemy = &PqEnemy::ENEMIES[usize::from(newest)];
        self.money += u64::from(enemy.value);
        let due = Event::Sell {
            ms: (self.pace_ms as f64 / 5.0).round() as u64,
            drop: enemy.drop.clone(),
            value: enemy.value.into(),
        };
        (*event == due).then_some(self.pace_ms)
    }

    fn buy(&mut self, event: &Event<'_>) -> Option<u64> {
        self.next = Next::Buy;
        let Some((slot, number)) = self.bargain() else {
            self.seen = [false; 4];
            return self.walk(event, Place::Killing);
        };
        let item = &pq_market::catalogue(slot)[usize::from(number)];
        let better = item.modifier + item.level > self.rank(slot);
        self.money = self.money.checked_sub(item.price)?;
        self.worn[slot as usize] = Some(number);
        let pause_ms = (self.pace_ms as f64 / 2.0).round() as u64;
        let due = Event::Buy {
            ms: pause_ms,
            slot,
            item: item.name.clone(),
        };
        (better && *event == due).then_some(pause_ms)
    }

    /// The next purchase: the worst slot first, and for each slot the first item that is better and affordable.
    fn bargain(&mut self) -> Option<(Slot, u8)> {
        loop {
            let unseen = Slot::ALL
                .into_iter()
                .filter(|slot| !self.seen[*slot as usize]);
            let mut unseen: Vec<Slot> = unseen.collect();
            // The sort is stable: of equal slots, the first by name stays first.
            unseen.sort_by_key(|slot| self.rank(*slot));
            let slot = *unseen.first()?;
            self.seen[slot as usize] = true;
            let (rank, money) = (self.rank(slot), self.money);
            let fits = |item: &Item| item.modifier + item.level > rank && item.price <= money;
            if let Some(number) = pq_market::catalogue(slot).iter().position(fits) {
                return Some((slot, number as u8));
            }
        }
    }

    fn rank(&self, slot: Slot) -> i32 {
        self.item(slot).map_or(0, |item| item.modifier + item.level)
    }

    fn item(&self, slot: Slot) -> Option<&'static Item> {
        let number = self.worn[slot as usize]?;
        Some(&pq_market::catalogue(slot)[usize::from(number)])
    }

    /// Compares the state of the hero with the expected state.
    ///
    /// # Errors
    /// Returns both states when they differ.
    pub fn compare(&self, hero: &Whole) -> Result<(), Fault> {
        let Whole { state, data } = hero;
        let numbers = (data.exp, data.lvlexp, data.lvl, data.money, data.stats)
            == (self.exp, self.lvlexp, self.lvl, self.money, self.stats);
        let worn = Slot::ALL
            .iter()
            .all(|slot| data.equip.item(*slot) == self.item(*slot));
        let drop_of = |number: &u8| &PqEnemy::ENEMIES[usize::from(*number)].drop;
        let carried: Vec<_> = data.loot.iter().map(|loot| loot.drop).collect();
        let loot = carried.iter().eq(self.loot.iter().rev().map(drop_of));
        let place = match self.next {
            Next::Fight | Next::LevelUp | Next::GoToMarket => State::Killing,
            Next::Sell | Next::Buy => State::Market,
        };
        match numbers && worn && loot && place == *state {
            true => Ok(()),
            false => Err(format!("{hero:?} must be {self:?}")),
        }
    }
}

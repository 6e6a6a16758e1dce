//! The rules of the game, as a hero feels them: pure, with dice and market as arguments.
//!
//! Which news is told and how long a hero pauses is not here (`pq_player`, `pq_events`).

use pq_sdk::Pid;
use pq_words::{Enemy, Item, Loot, Name, Opts, Slot, Stats};

use crate::pq_enemy::Catalogue;
use crate::pq_player::Player;
use crate::pq_player::bag::{Bag, TooManyDrops};
use crate::pq_player::equip::{Equip, Visited};

/// The experience for the second level, unless a hero is given another one: the book's.
const LVLEXP_FIRST: u64 = 1_000;

/// How many pieces of loot a hero carries per point of strength: the book's.
const LOOT_PER_STRENGTH: usize = 2;

/// What a fight leads to: just one of these, the first that holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Nothing more can be carried.
    BagFull,
    /// There is experience enough for the next level.
    LevelReached,
    /// The next enemy, please.
    GoOn,
}

impl<C: Catalogue> Player<C> {
    /// A hero as it begins, with what `opts` says otherwise; `stats` stands for those of `opts`.
    pub fn new(name: Name, events: Pid, stats: Stats, opts: Opts) -> Result<Self, TooManyDrops> {
        Ok(Player {
            name,
            stats,
            exp: opts.exp.unwrap_or(0),
            lvlexp: opts.lvlexp.unwrap_or(LVLEXP_FIRST),
            lvl: opts.lvl.unwrap_or(1),
            equip: Equip::from(opts.equip.unwrap_or_default()),
            money: opts.money.unwrap_or(0),
            loot: Bag::try_from(opts.loot.unwrap_or_default())?,
            bought: Visited::from(opts.bought.unwrap_or_default()),
            time: opts.time.unwrap_or(0),
            events,
        })
    }

    /// Wins against this enemy: what it leaves goes into the bag, what it teaches is learned.
    pub fn fight(&mut self, enemy: &Enemy) {
        self.loot.put(&enemy.drop, enemy.value);
        self.exp = self.exp.saturating_add(enemy.experience.into());
    }

    /// What comes after a fight.
    ///
    /// The book compares the bag with `=:=`. A hero that is given more than it can carry would then never
    /// see the market again, so here the bag is full from that size on.
    pub fn outcome(&self) -> Outcome {
        if self.loot.len() >= self.capacity() {
            return Outcome::BagFull;
        }
        match self.exp >= self.lvlexp {
            true => Outcome::LevelReached,
            false => Outcome::GoOn,
        }
    }

    /// How many pieces of loot it can carry.
    pub fn capacity(&self) -> usize {
        LOOT_PER_STRENGTH * usize::from(self.stats.strength)
    }

    /// Reaches the next level: the stats gain, the level after it needs twice the experience.
    pub fn level_up(&mut self, gain: Stats) {
        self.stats = self.stats.plus(gain);
        self.lvl = self.lvl.saturating_add(1);
        self.lvlexp = self.lvlexp.saturating_mul(2);
    }

    /// Takes the newest thing out of the bag and earns its value; `None` when the bag is empty.
    pub fn sell(&mut self) -> Option<Loot> {
        let loot = self.loot.take()?;
        self.earn(loot.value.into());
        Some(loot)
    }

    /// Money comes in.
    pub fn earn(&mut self, value: u64) {
        self.money = self.money.saturating_add(value);
    }

    /// Buys the next better thing. The worst slot comes first; one for which the market has nothing is passed
    /// over. `None` when every slot has been seen; then the next trip starts with none seen.
    ///
    /// `find` is the market: slot, what must be bettered, money.
    pub fn buy(
        &mut self,
        find: &mut impl FnMut(Slot, i32, u64) -> Option<Item>,
    ) -> Option<(Slot, Item)> {
        while let Some(slot) = self.worst_slot() {
            self.bought.mark(slot);
            if let Some(item) = find(slot, self.equip.rank(slot), self.money) {
                self.money = self.money.saturating_sub(item.price);
                self.equip.wear(slot, item.clone());
                return Some((slot, item));
            }
        }
        self.bought = Visited::default();
        None
    }

    /// Of the slots not seen on this trip the one with the least in it; the first by name among equals.
    fn worst_slot(&self) -> Option<Slot> {
        let unseen = Slot::ALL.into_iter().filter(|slot| !self.bought.has(*slot));
        unseen.min_by_key(|slot| self.equip.rank(*slot))
    }
}

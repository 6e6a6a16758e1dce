//! The state of one hero according to its lines: everything that decides about the next possible line.

use pq_words::{Enemy, Item, Loot, Slot, Stats};
use processquest_1_0_0::pq_market;
use processquest_1_0_0::pq_player::Player;
use processquest_1_1_0::pq_quest::QUESTS;

use super::saying::Saying;
use super::{At, Version};

/// The experience at which the second level of a hero begins that plays over a socket.
const FIRST_LVLEXP: u64 = 50;

/// The state of one hero.
#[derive(Clone, PartialEq, Debug)]
pub struct Tale {
    /// The stats of the hero.
    pub stats: Stats,
    /// The experience, including that of the current fight.
    pub exp: u64,
    /// The level of the hero.
    pub lvl: u32,
    /// The money of the hero.
    pub money: u64,
    /// The number of completed fights.
    pub kills: u64,
    /// The number of completed quests.
    pub quests: u64,
    /// The number of trips to the market.
    pub trips: u64,
    lvlexp: u64,
    loot: Vec<Loot>,
    worn: [Option<&'static Item>; 4],
    seen: [bool; 4],
    next: Next,
}

/// The kind of the next line.
#[derive(Clone, PartialEq, Debug)]
enum Next {
    Fight,
    /// The end of a fight with this enemy.
    Drop(&'static Enemy),
    /// The line after a fight, which may report a completed quest.
    Fought,
    /// The line about the action after a fight.
    GoOn,
    /// The second line about a quest.
    NewQuest(&'static str),
    Sell,
    Price(Loot),
    Bargain(Slot, &'static Item),
}

impl Tale {
    fn new(stats: Stats) -> Tale {
        Tale {
            stats,
            exp: 0,
            lvl: 1,
            money: 0,
            kills: 0,
            quests: 0,
            trips: 0,
            lvlexp: FIRST_LVLEXP,
            loot: Vec::new(),
            worn: [None; 4],
            seen: [false; 4],
            next: Next::Fight,
        }
    }

    /// Applies a line; false when it cannot be the next one. The tale is not usable after that.
    pub(super) fn hear(&mut self, saying: Saying<'_>, version: Version) -> bool {
        let next = match (self.next.clone(), saying) {
            (Next::Fight, Saying::Executing(enemy)) => self.fight(enemy, version),
            (Next::Drop(enemy), Saying::Obtained(drop)) if enemy.drop == drop => {
                self.kills += 1;
                Some(Next::Fought)
            }
            (Next::Fought, Saying::Completed(quest)) if version == Version::New => {
                self.complete(quest)
            }
            (Next::Fought | Next::GoOn, Saying::ToMarket) if self.is_full() => {
                self.trips += 1;
                Some(Next::Sell)
            }
            (Next::Fought | Next::GoOn, Saying::Executing(enemy))
                if !self.is_full() && !self.is_ripe() =>
            {
                self.fight(enemy, version)
            }
            (Next::NewQuest(old), Saying::NewQuest(new)) => {
                let is_one = QUESTS.iter().any(|quest| quest.name == new);
                (is_one && old != new).then_some(Next::GoOn)
            }
            (Next::Sell, Saying::Selling(drop)) => self.sell(drop),
            (Next::Price(loot), Saying::Got(money)) => self.earn(&loot, money, version),
            (Next::Sell, Saying::Negotiating | Saying::ToKilling) if self.loot.is_empty() => {
                self.bargain(saying)
            }
            (Next::Bargain(slot, item), Saying::Bought(what)) => self.buy(slot, item, what),
            _ => None,
        };
        next.map(|next| self.next = next).is_some()
    }

    /// Compares the tale with a hero of which it told, as that hero is now or was later. Returns a sentence about the first
    /// fact of the tale that the hero lacks.
    ///
    /// Experience, levels and equipment only grow. Money shrinks only where equipment grows, and loot only where money does.
    pub fn lacks(&self, hero: &Player) -> Option<String> {
        let counts = [
            ("experience", self.exp, hero.exp),
            ("levels", u64::from(self.lvl), u64::from(hero.lvl)),
        ];
        let grows = counts.into_iter().find(|(_, told, has)| has < told);
        if let Some((what, told, has)) = grows {
            return Some(format!("{told} {what} were told, and the hero has {has}"));
        }
        let rank = |slot: Slot| hero.equip.item(slot).map_or(0, Item::rank);
        let worse = Slot::ALL
            .into_iter()
            .find(|slot| rank(*slot) < self.rank(*slot));
        if let Some(slot) = worse {
            let (told, has) = (self.worn[slot as usize], hero.equip.item(slot));
            return Some(format!("{told:?} was told, and the hero wears {has:?}"));
        }
        let has_bought = Slot::ALL
            .into_iter()
            .any(|slot| rank(slot) > self.rank(slot));
        if !has_bought && hero.money < self.money {
            let (told, has) = (self.money, hero.money);
            return Some(format!("{told} gold was told, and the hero has {has}"));
        }
        let has_sold = has_bought || hero.money > self.money;
        let mut loot: Vec<_> = hero.loot.iter().map(|loot| loot.drop.clone()).collect();
        loot.reverse();
        let told: Vec<_> = self.loot.iter().map(|loot| loot.drop.clone()).collect();
        let lacks = !has_sold && !loot.starts_with(&told);
        lacks.then(|| format!("the loot {told:?} was told, and the hero has {loot:?}"))
    }

    fn fight(&mut self, name: &str, version: Version) -> Option<Next> {
        let enemy = version.enemies().iter().find(|enemy| enemy.name == name)?;
        self.exp += u64::from(enemy.experience);
        self.loot.push(Loot {
            drop: enemy.drop.clone(),
            value: enemy.value,
        });
        Some(Next::Drop(enemy))
    }

    fn complete(&mut self, name: &str) -> Option<Next> {
        let quest = QUESTS.iter().find(|quest| quest.name == name)?;
        self.quests += 1;
        self.exp += u64::from(quest.experience);
        Some(Next::NewQuest(&quest.name))
    }

    /// Whether the bag is full. As in the book, this check comes before that of the level.
    fn is_full(&self) -> bool {
        self.loot.len() == 2 * usize::from(self.stats.strength)
    }

    fn is_ripe(&self) -> bool {
        self.exp >= self.lvlexp
    }

    /// Begins a new level and returns the block of stats that has to follow.
    pub(super) fn level_up(&mut self, lvl: u32) -> Option<Block> {
        let has_fought = matches!(self.next, Next::Fought | Next::GoOn);
        let is_due = has_fought && !self.is_full() && self.is_ripe();
        (is_due && lvl == self.lvl + 1).then(|| Block::grown(self.stats))
    }

    fn has_grown(mut self, stats: Stats) -> Tale {
        (self.stats, self.lvl, self.lvlexp) = (stats, self.lvl + 1, 2 * self.lvlexp);
        self.next = Next::Fight;
        self
    }

    fn sell(&mut self, drop: &str) -> Option<Next> {
        let newest = self.loot.pop().filter(|newest| newest.drop == drop)?;
        Some(Next::Price(newest))
    }

    fn earn(&mut self, loot: &Loot, money: u64, version: Version) -> Option<Next> {
        let times = match version {
            Version::Old => 1,
            Version::New => u64::from(self.lvl),
        };
        self.money += money;
        (u64::from(loot.value) * times == money).then_some(Next::Sell)
    }

    /// The actions of a hero with nothing to sell: it buys better equipment item by item, and then leaves.
    fn bargain(&mut self, saying: Saying<'_>) -> Option<Next> {
        match (self.wish(), saying) {
            (Some((slot, item)), Saying::Negotiating) => Some(Next::Bargain(slot, item)),
            (None, Saying::ToKilling) => {
                self.seen = [false; 4];
                Some(Next::Fight)
            }
            _ => None,
        }
    }

    /// The next purchase: the worst slot first, and for each slot the first item that is better and affordable.
    fn wish(&mut self) -> Option<(Slot, &'static Item)> {
        loop {
            let unseen = Slot::ALL
                .into_iter()
                .filter(|slot| !self.seen[*slot as usize]);
            // Of equal slots the first by name, which is the first in the order of slots.
            let slot = unseen.min_by_key(|slot| self.rank(*slot))?;
            self.seen[slot as usize] = true;
            let fits = |item: &&Item| item.rank() > self.rank(slot) && item.price <= self.money;
            if let Some(item) = pq_market::catalogue(slot).iter().find(fits) {
                return Some((slot, item));
            }
        }
    }

    fn rank(&self, slot: Slot) -> i32 {
        self.worn[slot as usize].map_or(0, Item::rank)
    }

    fn buy(&mut self, slot: Slot, item: &'static Item, what: &str) -> Option<Next> {
        let expected = match slot {
            Slot::Weapon => item.name.to_string(),
            other => format!("{} {other}", item.name),
        };
        self.worn[slot as usize] = Some(item);
        self.money -= item.price;
        (what == expected).then_some(Next::Sell)
    }
}

/// A block of stats that is not complete yet.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Block {
    values: Vec<u16>,
    /// The stats before the new level; `None` when they were rolled.
    before: Option<Stats>,
    /// The number of lines of its end so far.
    ended: usize,
}

impl Block {
    /// The block of stats to which a client has to agree.
    pub(super) fn rolled() -> Block {
        Block {
            values: Vec::new(),
            before: None,
            ended: 0,
        }
    }

    fn grown(before: Stats) -> Block {
        Block {
            before: Some(before),
            ..Block::rolled()
        }
    }

    /// The state after the next line: inside the block, or behind it.
    pub(super) fn after(mut self, saying: Saying<'_>, tale: Option<Tale>) -> Option<At> {
        if let Saying::Stat(name, value) = saying {
            self.take(name, value)?;
            return Some(At::Block(self, tale));
        }
        let end = match self.before {
            None => &[Saying::Empty, Saying::Agree, Saying::Empty][..],
            Some(_) => &[Saying::Empty, Saying::Empty],
        };
        let is_next = self.values.len() == 6 && end[self.ended] == saying;
        self.ended += 1;
        match (is_next, self.ended == end.len()) {
            (false, _) => None,
            (true, false) => Some(At::Block(self, tale)),
            (true, true) => Some(self.end(tale)),
        }
    }

    /// Three dice at first, and one more for each level.
    fn take(&mut self, name: &str, value: u16) -> Option<()> {
        let at = self.values.len();
        let (due, before) = self.before.unwrap_or_default().iter().nth(at)?;
        let allowed = match self.before {
            None => 3..=18,
            Some(_) => before + 1..=before + 6,
        };
        self.values.push(value);
        (name == due && allowed.contains(&value)).then_some(())
    }

    fn end(self, tale: Option<Tale>) -> At {
        let mut values = self.values.into_iter();
        let stats = Stats::from_fn(|| values.next().unwrap_or_default());
        match tale {
            Some(tale) => At::Play(tale.has_grown(stats)),
            None => At::Dialogue(Some(Tale::new(stats))),
        }
    }
}

//! Conversion of heroes between 1.1.0 and this version, up and down (`pq_player:code_change`).
//!
//! ```text
//!   1.1.0  ── up ──►  equal pieces that lie on each other become a pile
//!   1.1.0  ◄─ down ─  a pile becomes its pieces, in their places
//! ```
//! Nothing is lost in either direction, and nothing has to be kept beside the hero: the bag is a stack in both versions, and a pile
//! has only pieces that lay on each other.
//!
//! INVARIANT: a conversion up and then down changes nothing (`tests/migration.rs`,
//! `a_hero_that_went_up_and_down_is_the_same_to_the_last_byte`).

use pq_sdk::{Ctx, Migrate, Reason};
use pq_words::Loot;

use crate::pq_player::Player;
use crate::pq_player::sack::Sack;
use crate::v1_0_0::pq_enemy::Catalogue;
use crate::v1_0_0::pq_player as pq_player_1_0_0;
use crate::v1_0_0::pq_player::bag::Bag;
use crate::v1_1_0::pq_player as pq_player_1_1_0;

/// The number of pieces up to which a bag is laid out piece by piece. No hero can carry as many: strength would have to be half of
/// it. A state with more is damaged, and laying it out would take all memory.
const PIECES_MAX: u64 = 1_000_000;

impl Migrate<pq_player_1_1_0::Player> for Player {
    fn up(old: pq_player_1_1_0::Player, _ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        let sack = old.hero.loot.iter().collect();
        Ok(Player {
            hero: with_bag(old.hero, Bag::default()),
            sack,
            quest: old.quest,
        })
    }

    /// The conversion fails for a hero with about a thousand kinds of loot that no enemy leaves, as that from 1.0.0 does.
    fn down(self, _ctx: &mut Ctx<'_>) -> Result<pq_player_1_1_0::Player, Reason> {
        self.piece_by_piece()
    }
}

impl Player {
    /// The hero as 1.1.0 has it.
    ///
    /// # Errors
    /// Fails if a bag of 1.1.0 cannot hold the loot.
    pub fn piece_by_piece(self) -> Result<pq_player_1_1_0::Player, Reason> {
        let bag = Bag::try_from(pieces(&self.sack)?).map_err(|error| bad_state(&error))?;
        Ok(pq_player_1_1_0::Player {
            hero: with_bag(self.hero, bag),
            quest: self.quest,
        })
    }
}

/// All pieces, the newest first.
fn pieces(sack: &Sack) -> Result<Vec<Loot>, Reason> {
    let count = sack.len();
    if count > PIECES_MAX {
        let error = format!("{count} pieces of loot, where {PIECES_MAX} are the most");
        return Err(bad_state(&error));
    }
    let mut pieces = Vec::new();
    for (loot, count) in sack.iter() {
        pieces.extend(std::iter::repeat_n(loot, count as usize));
    }
    Ok(pieces)
}

fn bad_state(error: &dyn std::fmt::Display) -> Reason {
    Reason::tagged("bad_state", &error.to_string())
}

/// The same hero with another bag.
fn with_bag<Old: Catalogue, New: Catalogue>(
    hero: pq_player_1_0_0::Player<Old>,
    loot: Bag<New>,
) -> pq_player_1_0_0::Player<New> {
    pq_player_1_0_0::Player {
        name: hero.name,
        stats: hero.stats,
        exp: hero.exp,
        lvlexp: hero.lvlexp,
        lvl: hero.lvl,
        equip: hero.equip,
        money: hero.money,
        loot,
        bought: hero.bought,
        time: hero.time,
        events: hero.events,
    }
}

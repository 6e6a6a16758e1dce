//! Heroes of 1.0.0 and of this version, up and down (`pq_player:code_change`).
//!
//! ```text
//!   1.0.0  ── up ──►  every part as it was, and the quest it had here before, or one by the dice
//!   1.0.0  ◄─ down ─  every part as it is; the quest is kept beside the hero, experience from quests stays
//! ```
//!
//! What is carried is told by the name of the drop, so that no piece is lost: an Ant Egg in this version
//! and a Spider Egg in the older are sold like any other loot.
//!
//! INVARIANT: down after up is nothing at all (`tests/game/migration.rs`,
//! `a_hero_that_went_up_and_down_is_the_same_to_the_last_byte`).

use pq_sdk::{Ctx, Migrate, Reason};

use crate::pq_player::Player;
use crate::pq_player::task::Task;
use crate::pq_quest;
use crate::v1_0_0::pq_enemy::Catalogue;
use crate::v1_0_0::pq_player as pq_player_1_0_0;
use crate::v1_0_0::pq_player::bag::Bag;

impl Migrate<pq_player_1_0_0::Player> for Player {
    /// The quest is drawn from this very library: while heroes are converted it is not yet decided whether
    /// `pq_quest` becomes current at all.
    fn up(old: pq_player_1_0_0::Player, ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        let quest = ctx.kept()?;
        Ok(Player {
            hero: rebagged(old)?,
            quest: quest.unwrap_or_else(|| Task::from(pq_quest::any(ctx).clone())),
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<pq_player_1_0_0::Player, Reason> {
        ctx.keep(&self.quest);
        rebagged(self.hero)
    }
}

/// The same hero, its bag counted by the other version's enemies. It fails for a hero that was given about a
/// thousand sorts of loot that neither version has: then it stays what it is, and the upgrade with it.
fn rebagged<Old: Catalogue, New: Catalogue>(
    hero: pq_player_1_0_0::Player<Old>,
) -> Result<pq_player_1_0_0::Player<New>, Reason> {
    let pq_player_1_0_0::Player {
        name,
        stats,
        exp,
        lvlexp,
        lvl,
        equip,
        money,
        loot,
        bought,
        time,
        events,
    } = hero;
    let loot = Bag::try_from(loot.iter().collect::<Vec<_>>())
        .map_err(|error| Reason::tagged("bad_state", &error.to_string()))?;
    Ok(pq_player_1_0_0::Player {
        name,
        stats,
        exp,
        lvlexp,
        lvl,
        equip,
        money,
        loot,
        bought,
        time,
        events,
    })
}

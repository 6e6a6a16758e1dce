//! Conversion of heroes between 1.0.0 and this version, up and down (`pq_player:code_change`).
//!
//! ```text
//!   1.0.0  ── up ──►  all parts unchanged, and the quest that it had here before, or a random one
//!   1.0.0  ◄─ down ─  all parts unchanged; the quest is kept beside the hero, experience from quests stays
//! ```
//!
//! Loot is converted by the name of the drop, so no piece is lost: an Ant Egg in this version and a Spider Egg in the
//! older one are sold like any other loot.
//!
//! INVARIANT: a conversion up and then down changes nothing (`tests/game/migration.rs`,
//! `a_hero_that_went_up_and_down_is_the_same_to_the_last_byte`).

use pq_sdk::{Ctx, Migrate, Reason};

use crate::pq_player::Player;
use crate::pq_player::task::Task;
use crate::pq_quest;
use crate::v1_0_0::pq_enemy::Catalogue;
use crate::v1_0_0::pq_player as pq_player_1_0_0;
use crate::v1_0_0::pq_player::bag::Bag;

impl Migrate<pq_player_1_0_0::Player> for Player {
    /// The quest comes from this library, not from a call of `pq_quest`: while heroes are converted it is not decided
    /// yet whether `pq_quest` will become current.
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

/// Returns the same hero with its bag counted by the enemies of the other version. The conversion fails for a hero that
/// was given about a thousand kinds of loot that neither version has. Then the hero keeps its version, and the upgrade
/// fails.
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

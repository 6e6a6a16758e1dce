//! Conversion of heroes between 1.4.0 and this version, up and down (`pq_player:code_change`).
//!
//! ```text
//!   1.4.0  ── up ──►  all parts unchanged; race, class, spells and further equipment that it had here before, or a random origin
//!   1.4.0  ◄─ down ─  the equipment of the four slots stays; all that has no place below is kept beside the hero
//! ```
//! A hero below is nobody in particular and wears less: [`LOST`] has the fields that it does without, and the operator has to confirm
//! the way.
//!
//! INVARIANT: a conversion up and then down changes nothing, and a conversion down and then up brings everything back
//! (`tests/migration.rs`).

use pq_sdk::{Ctx, Migrate, Reason};
use serde::{Deserialize, Serialize};

use crate::place::Place;
use crate::pq_origin::{self, Origin};
use crate::pq_player::Player;
use crate::pq_player::gear::{Gear, Seen};
use crate::pq_spell::Known;
use crate::v1_0_0::pq_player::equip::{Equip, Visited};
use crate::v1_4_0::pq_player as pq_player_1_4_0;

/// The fields that a hero loses on the way down; of the last one, the seven places that 1.4.0 does not have.
pub const LOST: &[&str] = &["race", "class", "spells", "equip"];

/// The parts of a hero that have no place in 1.4.0.
#[derive(Serialize, Deserialize)]
struct Beyond {
    origin: Origin,
    spells: Vec<Known>,
    /// The equipment of the seven further places.
    gear: Gear,
    /// Those of them that it has asked the market for.
    seen: Seen,
}

impl Migrate<pq_player_1_4_0::Player> for Player {
    /// The origin comes from this library, not from a call of `pq_origin`: while heroes are converted it is not decided yet
    /// whether `pq_origin` will become current.
    fn up(old: pq_player_1_4_0::Player, ctx: &mut Ctx<'_>) -> Result<Player, Reason> {
        let beyond: Option<Beyond> = ctx.kept()?;
        Ok(match beyond {
            None => Player::of(old, pq_origin::any(ctx)),
            Some(beyond) => {
                let mut player = Player::of(old, beyond.origin);
                player.spells = beyond.spells;
                player.gear.extend(beyond.gear);
                player.seen.extend(beyond.seen);
                player
            }
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<pq_player_1_4_0::Player, Reason> {
        let (old, beyond) = self.split();
        ctx.keep(&beyond);
        Ok(old)
    }
}

impl Player {
    /// A hero of 1.4.0 with this origin, without spells and further equipment.
    pub fn of(mut old: pq_player_1_4_0::Player, origin: Origin) -> Player {
        let worn = std::mem::take(&mut old.hero.equip);
        let visited = std::mem::take(&mut old.hero.bought);
        Player {
            gear: Gear::of(&worn),
            seen: Seen::of(visited),
            spells: Vec::new(),
            old,
            origin,
        }
    }

    /// The hero as 1.4.0 has it.
    pub fn below(self) -> pq_player_1_4_0::Player {
        self.split().0
    }

    fn split(self) -> (pq_player_1_4_0::Player, Beyond) {
        let Player {
            mut old,
            origin,
            spells,
            gear,
            seen,
        } = self;
        let (mut worn, mut visited) = (Equip::default(), Visited::default());
        for (slot, item) in gear.in_slots() {
            worn.wear(slot, item.clone());
        }
        for slot in seen.in_slots() {
            visited.mark(slot);
        }
        old.hero.equip = worn;
        old.hero.bought = visited;
        let is_further = |place: Place| place.slot().is_none();
        let beyond = Beyond {
            origin,
            spells,
            gear: gear.only(is_further),
            seen: seen.only(is_further),
        };
        (old, beyond)
    }
}

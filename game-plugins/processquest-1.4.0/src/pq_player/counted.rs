//! A number of pieces of loot in words: `Pelt`, `4 Pelts`, `2 Puddles of blood`, `3 Bacon`.

use std::borrow::Cow;

use crate::v1_3_0::pq_enemy::plural;

/// The drops that have no plural.
const UNCOUNTED: [&str; 7] = [
    "Bacon",
    "Goblin hair",
    "Cotton Candy",
    "Fur",
    "Horseradish",
    "Hairy milk",
    "Bear Grylls",
];

/// So many pieces of a drop, as players read it. One piece has no number.
pub fn counted(count: u64, drop: Cow<'static, str>) -> Cow<'static, str> {
    match count {
        1 => drop,
        _ => Cow::Owned(format!("{count} {}", several(&drop))),
    }
}

/// The plural of a drop: that of the noun before `of`, if there is one. `Wood chips` is a plural already.
fn several(drop: &str) -> Cow<'_, str> {
    let (noun, rest) = match drop.find(" of ") {
        Some(at) => drop.split_at(at),
        None => (drop, ""),
    };
    match UNCOUNTED.contains(&drop) || noun.ends_with('s') {
        true => Cow::Borrowed(drop),
        false => Cow::Owned(plural(noun) + rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stands_before_several_and_never_before_one() {
        for (count, drop, told) in [
            (1, "Pelt", "Pelt"),
            (4, "Pelt", "4 Pelts"),
            (2, "Puddle of blood", "2 Puddles of blood"),
            (2, "Wrench", "2 Wrenches"),
            (5, "Wood chips", "5 Wood chips"),
            (3, "Chunks of Metal", "3 Chunks of Metal"),
            (3, "Bacon", "3 Bacon"),
            (0, "Map", "0 Maps"),
        ] {
            assert_eq!(counted(count, Cow::Borrowed(drop)), told);
        }
    }
}

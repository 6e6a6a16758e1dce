//! Maps of terms: a sorted slice with binary search. Maps in files and states are small and mostly read.

use std::sync::Arc;

use crate::Term;

/// Pairs of key and value in the order of their keys, each key once. The default is the empty map.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Map(Arc<[(Term, Term)]>);

impl Map {
    /// The value of a key, or `None`. Keys match exactly: `1` does not find `1.0`.
    pub fn get(&self, key: &Term) -> Option<&Term> {
        let at = self.0.binary_search_by(|(held, _)| held.cmp(key)).ok()?;
        Some(&self.0[at].1)
    }

    /// All pairs in the order of their keys.
    pub fn pairs(&self) -> &[(Term, Term)] {
        &self.0
    }

    /// The number of pairs.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the map has no pair.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<(Term, Term)>> for Map {
    /// When pairs have the same key, the last one counts, as in `maps:from_list/1`.
    fn from(mut pairs: Vec<(Term, Term)>) -> Map {
        pairs.reverse();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|(later, _), (kept, _)| later == kept);
        Map(pairs.into())
    }
}

impl FromIterator<(Term, Term)> for Map {
    fn from_iter<I: IntoIterator<Item = (Term, Term)>>(pairs: I) -> Map {
        Map::from(pairs.into_iter().collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_pairs_with_one_key_the_last_counts() {
        let pair = |key: i64, value: &str| (Term::from(key), Term::from(value));
        let map: Map = [pair(2, "b"), pair(1, "old"), pair(1, "new")]
            .into_iter()
            .collect();
        assert_eq!(map.pairs(), [pair(1, "new"), pair(2, "b")]);
        assert_eq!(map.get(&Term::from(1)), Some(&Term::from("new")));
        assert_eq!(map.get(&Term::from(3)), None);
    }
}

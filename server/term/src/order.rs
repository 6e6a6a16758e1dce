//! Erlang's order of terms, made total (Reference Manual, "Term Comparisons"):
//! number < atom < pid < tuple < map < list < binary.
//!
//! Numbers compare by value; an integer stands before the float of the same value. Tuples and maps compare by size
//! first. A string compares as the list of its code points and stands before the equal list. These tie-breaks make the
//! order agree with equality. Keys of maps use this order, too, where Erlang would put all integers before all floats.

use std::cmp::Ordering;

use crate::number::{cmp_big_with_float, cmp_small_with_float};
use crate::{Map, Term};

impl Ord for Term {
    fn cmp(&self, other: &Term) -> Ordering {
        match (self, other) {
            (Term::Atom(a), Term::Atom(b)) => a.cmp(b),
            (Term::Pid(a), Term::Pid(b)) => a.cmp(b),
            (Term::Tuple(a), Term::Tuple(b)) => {
                a.len().cmp(&b.len()).then_with(|| a.as_ref().cmp(b))
            }
            (Term::Map(a), Term::Map(b)) => cmp_maps(a, b),
            (Term::Binary(a), Term::Binary(b)) => a.cmp(b),
            (Term::List(a), Term::List(b)) => a.as_ref().cmp(b),
            (Term::String(a), Term::String(b)) => a.cmp(b),
            (Term::String(a), Term::List(b)) => cmp_string_with_list(a, b),
            (Term::List(a), Term::String(b)) => cmp_string_with_list(b, a).reverse(),
            _ => rank(self)
                .cmp(&rank(other))
                .then_with(|| cmp_numbers(self, other)),
        }
    }
}

impl PartialOrd for Term {
    fn partial_cmp(&self, other: &Term) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

fn rank(term: &Term) -> u8 {
    match term {
        Term::Integer(_) | Term::BigInteger(_) | Term::Float(_) => 0,
        Term::Atom(_) => 1,
        Term::Pid(_) => 2,
        Term::Tuple(_) => 3,
        Term::Map(_) => 4,
        Term::String(_) | Term::List(_) => 5,
        Term::Binary(_) => 6,
    }
}

/// Compares two numbers; the caller compares all other pairs of equal rank.
fn cmp_numbers(a: &Term, b: &Term) -> Ordering {
    match (a, b) {
        (Term::Integer(a), Term::Integer(b)) => a.cmp(b),
        (Term::BigInteger(a), Term::BigInteger(b)) => a.cmp(b),
        (Term::Float(a), Term::Float(b)) => a.cmp(b),
        (Term::Integer(_), Term::BigInteger(big)) => sign(big.is_negative()).reverse(),
        (Term::BigInteger(big), Term::Integer(_)) => sign(big.is_negative()),
        (Term::Integer(a), Term::Float(b)) => cmp_small_with_float(*a, *b).then(Ordering::Less),
        (Term::BigInteger(a), Term::Float(b)) => cmp_big_with_float(a, *b).then(Ordering::Less),
        (Term::Float(_), Term::Integer(_) | Term::BigInteger(_)) => cmp_numbers(b, a).reverse(),
        _ => Ordering::Equal,
    }
}

/// The order of a big integer relative to every small one.
fn sign(is_negative: bool) -> Ordering {
    if is_negative {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

fn cmp_maps(a: &Map, b: &Map) -> Ordering {
    let keys = |map: &Map| map.pairs().len();
    let by_keys = || {
        a.pairs()
            .iter()
            .map(|(key, _)| key)
            .cmp(b.pairs().iter().map(|(key, _)| key))
    };
    let by_values = || {
        a.pairs()
            .iter()
            .map(|(_, value)| value)
            .cmp(b.pairs().iter().map(|(_, value)| value))
    };
    keys(a)
        .cmp(&keys(b))
        .then_with(by_keys)
        .then_with(by_values)
}

fn cmp_string_with_list(text: &str, list: &[Term]) -> Ordering {
    let mut items = list.iter();
    for c in text.chars() {
        let Some(item) = items.next() else {
            return Ordering::Greater;
        };
        match Term::Integer(i64::from(u32::from(c))).cmp(item) {
            Ordering::Equal => {}
            decided => return decided,
        }
    }
    // The longer list is greater. If both have the same elements, the string stands first.
    Ordering::Less
}

#[cfg(test)]
mod tests {
    use crate::read_term;

    #[test]
    fn kinds_values_and_sizes_follow_the_order_of_erlang() {
        let texts =
            "-100000000000000000000. -1.5. -1. 0. 0.5. 1. 1.0. 1.5. 9007199254740993. 100000000000000000000. 1.0e20.
             'B'. a. ab. <0.1.2>. <0.1.3>. <1.0.0>. {}. {b}. {a,a}. {a,b}. #{}. #{b => 1}. #{a => 1, b => 0}. #{a => 1, c => 0}.
             #{a => 2, c => 0}. \"\". []. [1]. \"a\". [97]. [97, a]. \"b\". [a]. <<>>. <<1>>. <<1,0>>. <<2>>.";
        let texts = texts.replace('\n', " ");
        let in_order = texts
            .split(". ")
            .map(read_term)
            .collect::<Result<Vec<_>, _>>()
            .unwrap();
        for (i, a) in in_order.iter().enumerate() {
            for (j, b) in in_order.iter().enumerate() {
                assert_eq!(a.cmp(b), i.cmp(&j), "{a} with {b}");
            }
        }
    }
}

//! Generated values: a deserializer that reads random data, so that every type that serde can read can be generated.
//!
//! ```text
//!   T::deserialize ─ "a struct with these fields" ─► Generator ─ dice ─► a value for each field
//! ```
//! Values near limits are frequent: zero, the largest and smallest numbers, empty texts and lists, texts of other scripts.

use std::any::type_name;
use std::fmt;

use pq_term::{Pid, Term};
use rand::RngExt;
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

/// How often a value is tried: types may refuse values, such as a name that is too long.
const ATTEMPTS: u32 = 1_000;

/// The depth from which lists are empty and options have no value, so that types that contain themselves end.
const DEPTH_MAX: u32 = 8;

/// The most elements of a list.
const LENGTH_MAX: usize = 6;

/// Pieces of texts: letters of several scripts, marks, an emoji, quotes, blanks.
const PIECES: [&str; 12] = [
    "a", "Z", "0", "-", " ", "\"", "é", "ß", "勇", "🗡", "ا", "e\u{301}",
];

/// Endless values of a type, the same for each seed.
///
/// ```
/// #[derive(serde::Deserialize, Debug)]
/// struct Point { x: i32, label: Option<String> }
///
/// let points: Vec<Point> = pq_testing::generated(1).take(50).collect();
/// assert!(points.iter().any(|point| point.x == i32::MAX));
/// assert!(points.iter().any(|point| point.label.is_none()));
/// ```
///
/// # Panics
/// When serde cannot read the type without knowing its data. A type with `#[serde(flatten)]` does not tell its fields: make its
/// states from generated ones of the version before.
pub fn generated<T: DeserializeOwned>(seed: u64) -> impl Iterator<Item = T> {
    let mut dice = Xoshiro256PlusPlus::seed_from_u64(seed);
    std::iter::repeat_with(move || one(&mut dice, seed).unwrap_or_else(|error| panic!("{error}")))
}

fn one<T: DeserializeOwned>(dice: &mut Xoshiro256PlusPlus, seed: u64) -> Result<T, String> {
    let mut refused = String::new();
    for _ in 0..ATTEMPTS {
        match T::deserialize(Generator { dice, depth: 0 }) {
            Ok(value) => return Ok(value),
            Err(Refused(why)) => refused = why,
        }
    }
    Err(format!(
        "no {} can be generated from seed {seed}: {refused}; a type with #[serde(flatten)] or of unknown form has to be given by \
         hand, or made from generated states of the version before",
        type_name::<T>()
    ))
}

/// The reason why a value was refused.
#[derive(Debug)]
struct Refused(String);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    fn custom<T: fmt::Display>(text: T) -> Refused {
        Refused(text.to_string())
    }
}

struct Generator<'a> {
    dice: &'a mut Xoshiro256PlusPlus,
    depth: u32,
}

impl Generator<'_> {
    fn below(&mut self) -> Generator<'_> {
        Generator {
            dice: self.dice,
            depth: self.depth + 1,
        }
    }

    fn length(&mut self) -> usize {
        match self.depth < DEPTH_MAX {
            true => self.dice.random_range(0..=LENGTH_MAX),
            false => 0,
        }
    }

    fn text(&mut self) -> String {
        let length = self.dice.random_range(0..=LENGTH_MAX * 2);
        let piece = |_| PIECES[self.dice.random_range(0..PIECES.len())];
        (0..length).map(piece).collect()
    }

    /// A pid in most cases.
    fn term(&mut self) -> Term {
        match self.dice.random_range(0..10_u8) {
            0 => Term::atom("ok"),
            1 => Term::from(self.signed(i64::MIN, i64::MAX)),
            2 => Term::from(self.text().as_str()),
            _ => Term::from(Pid::new(0, self.dice.random_range(1..1_000), 1)),
        }
    }

    /// A bit pattern: a small number, one near a limit, or any.
    fn bits(&mut self) -> u64 {
        match self.dice.random_range(0..8_u8) {
            0 => 0,
            1 => u64::MAX,
            2..=4 => self.dice.random_range(0..100),
            _ => self.dice.random(),
        }
    }

    /// A signed number: also both limits of its type.
    fn signed(&mut self, min: i64, max: i64) -> i64 {
        match self.dice.random_range(0..6_u8) {
            0 => min,
            1 => max,
            2..=3 => self.dice.random_range(-10..10_i64).clamp(min, max),
            _ => self.dice.random_range(min..=max),
        }
    }
}

/// A method for an unsigned number of any size.
macro_rules! unsigned {
    ($($method:ident $visit:ident $number:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
            visitor.$visit(self.bits() as $number)
        })*
    };
}

macro_rules! signed {
    ($($method:ident $visit:ident $number:ty,)*) => {
        $(fn $method<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
            let number = self.signed(i64::from(<$number>::MIN), i64::from(<$number>::MAX));
            visitor.$visit(number as $number)
        })*
    };
}

impl<'de> Deserializer<'de> for Generator<'_> {
    type Error = Refused;

    /// A term: pids, atoms and terms of any kind are read in this way. A refused one is tried again.
    fn deserialize_any<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let bytes = rmp_serde::to_vec_named(&self.term()).map_err(de::Error::custom)?;
        let mut term = rmp_serde::Deserializer::new(&bytes[..]);
        term.deserialize_any(visitor).map_err(de::Error::custom)
    }

    unsigned! {
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
    }

    signed! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_bool(self.dice.random())
    }

    fn deserialize_f32<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_f32(self.signed(-1_000_000, 1_000_000) as f32 / 8.0)
    }

    fn deserialize_f64<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_f64(self.signed(-1_000_000_000, 1_000_000_000) as f64 / 16.0)
    }

    fn deserialize_char<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_char(self.text().chars().next().unwrap_or('x'))
    }

    fn deserialize_str<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_string(self.text())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let length = self.length();
        visitor.visit_byte_buf((0..length).map(|_| self.bits() as u8).collect())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        match self.depth < DEPTH_MAX && self.dice.random() {
            true => visitor.visit_some(self.below()),
            false => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_newtype_struct(self.below())
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let left = self.length();
        visitor.visit_seq(Elements {
            generator: self,
            left,
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_seq(Elements {
            generator: self,
            left,
        })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        left: usize,
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_tuple(left, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Refused> {
        let left = self.length();
        visitor.visit_map(Elements {
            generator: self,
            left,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_map(Fields {
            generator: self,
            fields: fields.iter(),
        })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        visitor.visit_enum(Variant {
            generator: self,
            variants,
        })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refused> {
        visitor.visit_unit()
    }

    /// States are MessagePack, which no person reads.
    fn is_human_readable(&self) -> bool {
        false
    }

    forward_to_deserialize_any! { i128 u128 }

    /// The name of a field that nobody has told: that of a type with `flatten`.
    fn deserialize_identifier<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Refused> {
        Err(Refused("the type does not tell its fields".to_string()))
    }
}

/// The elements of a list, or the pairs of a map.
struct Elements<'a> {
    generator: Generator<'a>,
    left: usize,
}

impl Elements<'_> {
    fn next(&mut self) -> Option<Generator<'_>> {
        self.left = self.left.checked_sub(1)?;
        Some(self.generator.below())
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Refused;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        self.next()
            .map(|element| seed.deserialize(element))
            .transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> MapAccess<'de> for Elements<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        self.next().map(|key| seed.deserialize(key)).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        seed.deserialize(self.generator.below())
    }
}

/// The fields of a struct.
struct Fields<'a> {
    generator: Generator<'a>,
    fields: std::slice::Iter<'static, &'static str>,
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Refused;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Refused> {
        let field = self.fields.next();
        field.map(|field| seed.deserialize(name(field))).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Refused> {
        seed.deserialize(self.generator.below())
    }
}

fn name(text: &'static str) -> StrDeserializer<'static, Refused> {
    text.into_deserializer()
}

/// A variant of an enum.
struct Variant<'a> {
    generator: Generator<'a>,
    variants: &'static [&'static str],
}

impl<'de, 'a> EnumAccess<'de> for Variant<'a> {
    type Error = Refused;
    type Variant = Generator<'a>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Generator<'a>), Refused> {
        let Variant {
            mut generator,
            variants,
        } = self;
        if variants.is_empty() {
            return Err(Refused("an enum without variants has no value".to_string()));
        }
        let variant = variants[generator.dice.random_range(0..variants.len())];
        generator.depth += 1;
        Ok((seed.deserialize(name(variant))?, generator))
    }
}

impl<'de> VariantAccess<'de> for Generator<'_> {
    type Error = Refused;

    fn unit_variant(self) -> Result<(), Refused> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Refused> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Refused> {
        self.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refused> {
        self.deserialize_struct("", fields, visitor)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, PartialEq, Debug)]
    enum Tree {
        Leaf,
        Named(String),
        Pair(u8, i64),
        Twigs {
            all: Vec<Tree>,
            by_name: BTreeMap<String, Option<bool>>,
        },
    }

    #[test]
    fn every_variant_of_a_type_that_contains_itself_is_generated_and_a_seed_repeats_it() {
        let trees = |seed| generated::<Tree>(seed).take(500).collect::<Vec<_>>();
        let all = trees(3);
        assert_eq!(all, trees(3));
        assert_ne!(all, trees(4));
        let has = |is: fn(&Tree) -> bool| all.iter().any(is);
        assert!(has(|tree| matches!(tree, Tree::Leaf)));
        assert!(has(|tree| matches!(tree, Tree::Pair(u8::MAX, i64::MIN))));
        assert!(has(
            |tree| matches!(tree, Tree::Named(name) if name.is_empty())
        ));
        assert!(has(
            |tree| matches!(tree, Tree::Twigs { all, by_name } if all.len() > 2 && !by_name.is_empty())
        ));
    }

    #[test]
    fn a_type_that_does_not_tell_its_fields_is_named() {
        #[derive(Deserialize, Debug)]
        struct Inner {
            _a: u8,
        }
        #[derive(Deserialize, Debug)]
        struct Outer {
            #[serde(flatten)]
            _inner: Inner,
        }
        let error = one::<Outer>(&mut Xoshiro256PlusPlus::seed_from_u64(1), 1).unwrap_err();
        assert!(
            error.contains("Outer can be generated from seed 1"),
            "{error}"
        );
        assert!(error.contains("has to be given by hand"), "{error}");
    }
}

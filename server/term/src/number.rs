//! The two number types with an invariant: a float is finite, and a big integer does not fit 64 bits. Small integers
//! are plain `i64` in [`Term`](crate::Term).

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Neg;
use std::sync::Arc;

use num_bigint::{BigInt, Sign};

/// A finite 64-bit float. `-0.0` and `0.0` are different values, as for `=:=` of OTP 27.
#[derive(Debug, Clone, Copy)]
pub struct Float(f64);

impl Float {
    /// Returns `None` for NaN and the infinities, which no term can hold.
    pub fn new(value: f64) -> Option<Float> {
        value.is_finite().then_some(Float(value))
    }

    /// The finite value as an `f64`.
    pub fn value(self) -> f64 {
        self.0
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Float {}

impl Ord for Float {
    fn cmp(&self, other: &Float) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Float) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Neg for Float {
    type Output = Float;

    fn neg(self) -> Float {
        Float(-self.0)
    }
}

impl Hash for Float {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.to_bits());
    }
}

/// An integer outside the range of `i64`; other integers are [`Term::Integer`](crate::Term::Integer).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BigInteger(Arc<BigInt>);

impl BigInteger {
    /// The largest number of bits of an integer in text or bytes. The time to convert digits to bits grows with the
    /// square of their number: 32 768 bits, which are 9 864 digits, are read in 0.1 ms and printed in 0.25 ms. Numbers
    /// of releases and of the game are far smaller.
    pub const BITS_MAX: u64 = 32_768;

    /// Returns the number itself as the error when it fits an `i64`.
    pub(crate) fn new(value: BigInt) -> Result<BigInteger, i64> {
        match i64::try_from(&value) {
            Ok(small) => Err(small),
            Err(_) => Ok(BigInteger(Arc::new(value))),
        }
    }

    /// The value, which is outside the range of `i64`.
    pub fn value(&self) -> &BigInt {
        &self.0
    }

    pub(crate) fn is_negative(&self) -> bool {
        self.0.sign() == Sign::Minus
    }
}

/// Compares by value and exactly: no integer is rounded to a float.
pub(crate) fn cmp_small_with_float(small: i64, float: Float) -> Ordering {
    /// 2^63, the first float above every `i64`.
    const ABOVE: f64 = 9_223_372_036_854_775_808.0;
    let value = float.value();
    if value >= ABOVE {
        return Ordering::Less;
    }
    if value < -ABOVE {
        return Ordering::Greater;
    }
    let whole = value.trunc();
    let rest = || 0.0_f64.partial_cmp(&(value - whole));
    small
        .cmp(&(whole as i64))
        .then_with(|| rest().unwrap_or(Ordering::Equal))
}

/// Compares by value and exactly. The sign of the big integer decides against a float below 2^63. A larger float has no
/// fraction, so it is an integer of 53 bits shifted left.
pub(crate) fn cmp_big_with_float(big: &BigInteger, float: Float) -> Ordering {
    let bits = float.value().to_bits();
    let exponent = (bits >> 52 & 0x7ff) as i64 - 1_075;
    if exponent < 63 - 52 {
        return if big.is_negative() {
            Ordering::Less
        } else {
            Ordering::Greater
        };
    }
    let magnitude = BigInt::from(bits & ((1 << 52) - 1) | 1 << 52) << exponent as u64;
    let whole = if float.value() < 0.0 {
        -magnitude
    } else {
        magnitude
    };
    big.value().cmp(&whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn float(value: f64) -> Float {
        Float::new(value).unwrap()
    }

    #[test]
    fn small_integers_and_floats_compare_without_rounding() {
        let near = (1_i64 << 53) + 1;
        assert_eq!(
            cmp_small_with_float(near, float((1_u64 << 53) as f64)),
            Ordering::Greater
        );
        assert_eq!(
            cmp_small_with_float(i64::MAX, float(i64::MAX as f64)),
            Ordering::Less
        );
        assert_eq!(
            cmp_small_with_float(i64::MIN, float(i64::MIN as f64)),
            Ordering::Equal
        );
        assert_eq!(cmp_small_with_float(-1, float(-1.5)), Ordering::Greater);
        assert_eq!(cmp_small_with_float(1, float(1.5)), Ordering::Less);
        assert_eq!(cmp_small_with_float(0, float(1e300)), Ordering::Less);
        assert_eq!(cmp_small_with_float(0, float(-1e300)), Ordering::Greater);
    }

    #[test]
    fn big_integers_and_floats_compare_without_rounding() {
        let big = |value: BigInt| BigInteger::new(value).unwrap();
        let two_to_100: BigInt = BigInt::from(1) << 100;
        let same = float(2.0_f64.powi(100));
        assert_eq!(
            cmp_big_with_float(&big(two_to_100.clone()), same),
            Ordering::Equal
        );
        assert_eq!(
            cmp_big_with_float(&big(&two_to_100 + 1), same),
            Ordering::Greater
        );
        assert_eq!(
            cmp_big_with_float(&big(-&two_to_100), float(-2.0_f64.powi(100))),
            Ordering::Equal
        );
        assert_eq!(
            cmp_big_with_float(&big(-&two_to_100), float(-1.0)),
            Ordering::Less
        );
        assert_eq!(
            cmp_big_with_float(&big(BigInt::from(1) << 63), float(2.0_f64.powi(63))),
            Ordering::Equal
        );
    }

    #[test]
    fn what_fits_64_bits_is_no_big_integer() {
        assert_eq!(BigInteger::new(BigInt::from(i64::MIN)), Err(i64::MIN));
        assert!(BigInteger::new(BigInt::from(i64::MIN) - 1).is_ok());
    }

    #[test]
    fn a_float_is_finite() {
        assert!(Float::new(f64::NAN).is_none() && Float::new(f64::INFINITY).is_none());
        assert_ne!(float(0.0), float(-0.0));
    }
}

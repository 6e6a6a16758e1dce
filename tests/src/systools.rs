//! The comparison of our systools with OTP's.
//!
//! | module | content |
//! |---|---|
//! | [`case`] | a question: files and options, for both systools, in memory and on the disk |
//! | [`vectors`] | a hundred questions with the answers of OTP 25.2.3, in `tests/vectors` |
//! | [`comparison`] | exact comparison of two answers |
//! | [`order`] | comparison of two answers except for orders that the dependencies leave open |
//!
//! Answers are terms as OTP returns them: `{ok,Relup,Warnings}` or `{error,Module,Reason}`.

pub mod case;
pub mod comparison;
pub mod order;
pub mod vectors;

pub use case::Case;

//! What tests need to compare our systools with OTP's.
//!
//! | room | what lives there |
//! |---|---|
//! | [`case`] | a question: files and options, for both systools, in memory and on the disk |
//! | [`vectors`] | a hundred questions with the answers of OTP 25.2.3, in `tests/vectors` |
//! | [`comparison`] | when two answers are one, to the letter |
//! | [`order`] | when they differ in nothing but what the dependencies leave open |
//!
//! Answers are terms as OTP returns them: `{ok,Relup,Warnings}` or `{error,Module,Reason}`.

pub mod case;
pub mod comparison;
pub mod order;
pub mod vectors;

pub use case::Case;

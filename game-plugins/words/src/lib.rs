//! The words of the game that its applications share.

//! The table between a node and its libraries.

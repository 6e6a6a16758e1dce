//! Paths on the command line become absolute, because the node has another working directory.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

/// Parses a path and makes the path absolute.
pub(crate) fn absolute() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(std::path::absolute)
}

//! All tests of the node as a whole, as one program: while the tests of one area wait for a node, those of another compute.
//!
//! Each module is one area, with its subject at the top of its file. `cargo test -p pq-tests --test system door::` runs the tests of
//! one area. The rules of STYLE.md are a program of their own (`tidy.rs`), which needs nothing of the node.

#![allow(clippy::unwrap_used)]

mod author;
mod authors;
mod book;
mod broken;
mod browser;
mod chapter;
mod clients;
mod comeback;
mod declarations;
mod door;
mod examples;
mod feed;
mod ladder;
mod lessons;
mod machine;
mod next_version;
mod operator;
mod rehearsal;
mod relup_vectors;
mod saves;
mod simulation;
mod systools_oracle;
mod telnet;
mod trust;
mod upgrades;

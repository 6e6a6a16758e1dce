//! The views of a node: `pq events`, `pq top`, `/metrics`, `/healthz` and `/readyz`. They agree with each other and with `pq status`, and
//! disturb nobody.
#![allow(clippy::unwrap_used)]

#[path = "feed/agree.rs"]
mod agree;
#[path = "feed/documents.rs"]
mod documents;
#[path = "feed/follow.rs"]
mod follow;
#[path = "feed/otlp.rs"]
mod otlp;
#[path = "feed/top.rs"]
mod top;
#[path = "feed/viewers.rs"]
mod viewers;
#[path = "feed/web.rs"]
mod web;

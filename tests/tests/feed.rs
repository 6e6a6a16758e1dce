//! The views of a node: `pq events`, `pq top`, `/metrics`, `/healthz` and `/readyz`. They agree with each other and with `pq status`, and
//! disturb nobody.

mod agree;
mod documents;
mod follow;
mod otlp;
mod top;
mod viewers;
mod web;

//! Authors: a version of one's own, from its scaffold to its install, in a copy of this workspace and in others.

pub(crate) mod desk;
mod foreign;
mod mistakes;
mod trial;

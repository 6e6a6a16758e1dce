//! A registry of processes: any key, one owner, and a dead owner loses its names by itself.

//! The runtime: shards, processes, behaviours, supervisors, applications, sys.

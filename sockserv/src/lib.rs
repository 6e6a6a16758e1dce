//! The door: listeners, sockets and the lines between players and their processes.

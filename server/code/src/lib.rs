//! The code server: loads libraries, and keeps the current and the old of every module.

//! The conversation over a socket, 1.0.0.

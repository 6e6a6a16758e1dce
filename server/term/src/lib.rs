//! Erlang-style terms and their text form.

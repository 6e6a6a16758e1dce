//! What an author of modules writes against.

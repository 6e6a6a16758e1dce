//! Players come back to their heroes: release 1.2.0 on real nodes.
//!
//! | module | what happens |
//! |---|---|
//! | `words` | a word is chosen, and leads back: after a broken line, after `quit`, from elsewhere, after `kill -9` |
//! | `hostile` | guesses, claims at the same moment, heroes that are set aside, words that are too long |
//! | `installs` | installs from and to 1.1.0 and 1.0.0 with players at each prompt |
//! | `program` | a client's program that logs in by itself (GMCP `Char.Login`) |
//! | `rounds` | clients leave in every way and come back, during installs and kills |
//! | `play` | commands while the hero plays, and the hero that plays without its player |
//! | `player` | what a player types and reads |

mod hostile;
mod installs;
mod play;
pub(crate) mod player;
mod program;
mod rounds;
mod words;

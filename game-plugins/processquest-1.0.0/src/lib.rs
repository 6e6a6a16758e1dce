//! Process Quest 1.0.0: the game.

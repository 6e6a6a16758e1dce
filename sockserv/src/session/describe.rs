//! Tells the program of one client about its avatar, as long as the client plays.
//!
//! ```text
//!   a text for the client ─┐
//!   what it wants ─────────┼─► Port::news ─► Game::sheet ─► Told::update ─► messages, and a pause
//!   another release ───────┘
//! ```
//! A program that has asked for nothing of the package `Char` costs nothing here: nothing wakes this task.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::session::crowd::Client;
use crate::session::sheet::Told;
use crate::settings::Current;
use crate::settings::game::Sheet;

/// How soon after one sheet the next is asked for: four in a second are as smooth as a gauge has to be, and at the book's
/// pace an avatar does something once in 400 ms at most.
const PAUSE: Duration = Duration::from_millis(250);

/// How long the game may take to answer: the default of `gen_server:call/2`. Then the next news is waited for.
const SHEET_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends what changes, until the client leaves.
pub(crate) async fn describe(client: &Client, settings: &Current) -> Infallible {
    let mut told = Told::default();
    loop {
        let wish = client.port.news().await;
        let began = Instant::now();
        if let Some(sheet) = ask(client, settings).await {
            for message in told.update(wish, sheet) {
                // Who is too slow is dropped by its own task.
                let _ = client.port.message(&message);
            }
        }
        sleep_until(began + PAUSE).await;
    }
}

/// Asks the game once. An avatar that an upgrade holds answers when it is let go; nobody but its own client waits for it.
async fn ask(client: &Client, settings: &Current) -> Option<Sheet> {
    let (answer, answered) = oneshot::channel();
    let game = settings.load().game.clone();
    // Whoever asked may have given up.
    let on_answer = move |sheet| drop(answer.send(sheet));
    game.sheet(client.process, Box::new(on_answer));
    timeout(SHEET_TIMEOUT, answered).await.ok()?.ok()?
}

#[cfg(test)]
mod tests;

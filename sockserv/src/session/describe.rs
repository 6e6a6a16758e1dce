//! Sends messages about an avatar to the program of its client, as long as the client is connected.
//!
//! ```text
//!   a text for the client ─┐
//!   a subscription ────────┼─► Port::news ─► Game::sheet ─► Known::update ─► messages, and a pause
//!   another release ───────┘
//! ```
//! A program without a subscription to the package `Char` costs nothing here: no event wakes this task.

use std::convert::Infallible;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use crate::session::crowd::Client;
use crate::session::sheet::Known;
use crate::settings::Current;
use crate::settings::game::Sheet;

/// The minimum time between two sheets. Four a second are smooth enough for a gauge, and at the book's pace an avatar acts
/// at most once in 400 ms.
const PAUSE: Duration = Duration::from_millis(250);

/// The time limit for the game's answer: the default of `gen_server:call/2`. After it the task waits for the next news.
const SHEET_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends the changes until the client leaves.
pub(crate) async fn describe(client: &Client, settings: &Current) -> Infallible {
    let mut told = Known::default();
    loop {
        let wish = client.port.news().await;
        let began = Instant::now();
        if let Some(sheet) = ask(client, settings).await {
            for message in told.update(wish, sheet) {
                // An overflow is ignored here: the task of a client that reads too slowly drops it.
                let _ = client.port.message(&message);
            }
        }
        sleep_until(began + PAUSE).await;
    }
}

/// Asks the game once. An avatar that an upgrade has suspended answers when it is resumed; only this client's task waits.
async fn ask(client: &Client, settings: &Current) -> Option<Sheet> {
    let (answer, answered) = oneshot::channel();
    let game = settings.load().game.clone();
    // The receiver may have given up after its time limit.
    let on_answer = move |sheet| drop(answer.send(sheet));
    game.sheet(client.process, Box::new(on_answer));
    timeout(SHEET_TIMEOUT, answered).await.ok()?.ok()?
}

#[cfg(test)]
mod tests;

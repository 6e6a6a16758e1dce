//! Login: the door finds out who plays for a client, and again whenever that has ended.
//!
//! ```text
//!   a line was handed over ─► Game::login ─┬─ nobody, or only a name ─► the next line
//!                                          ├─ is being started ─► asked again soon, and less and less soon
//!                                          └─ plays ─► its end ─► from the beginning
//! ```
//! A client that takes too long, or whose name is banned, is closed.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::refused::Refusal;
use crate::session::crowd::Client;
use crate::session::sessions::Sessions;
use crate::settings::game::Login;

/// How soon a session is asked again whether the hero that it has asked for plays now; then half as soon each time.
const ARRIVING: Duration = Duration::from_millis(10);

/// And no more seldom than this.
const ARRIVING_MAX: Duration = Duration::from_secs(1);

/// Follows one client until it is dropped with its connection. `lines` is notified of each line that was handed over.
pub(crate) async fn follow(sessions: &Sessions, client: &Client, lines: &Notify) -> Infallible {
    loop {
        let limit = sessions.settings.load().limits.login;
        let deadline = limit.map(|limit| Instant::now() + limit);
        let known = know(sessions, client, lines);
        let known = match deadline {
            Some(deadline) => timeout_at(deadline, known).await,
            None => Ok(known.await),
        };
        let refused = known.unwrap_or_else(|_| Err(Refusal::Login(limit.unwrap_or_default())));
        if let Err(refusal) = refused {
            sessions.dismiss(client, &refusal);
            return pending().await;
        }
        while sessions.crowd.is_played(client) {
            client.fell.notified().await;
        }
    }
}

/// Waits until a hero plays there.
async fn know(sessions: &Sessions, client: &Client, lines: &Notify) -> Result<(), Refusal> {
    // A ban may have come while its process was started.
    sessions.gate.ban_of_address(client.arrival.address.ip())?;
    loop {
        client.port.set_dialogue(true);
        lines.notified().await;
        let mut pause = ARRIVING;
        while let Some(login) = ask(sessions, client).await? {
            client.port.set_dialogue(false);
            if client.plays_as(login) {
                // And now that it can be found by its name, once more.
                return sessions.ban_of_name(client);
            }
            // The next line may say something else.
            let _ = timeout(pause, lines.notified()).await;
            pause = ARRIVING_MAX.min(pause * 2);
        }
    }
}

/// Asks the session once: the hero that plays or is being started, unless its name is banned.
async fn ask(sessions: &Sessions, client: &Client) -> Result<Option<Login>, Refusal> {
    let (answer, answered) = oneshot::channel();
    let game = sessions.settings.load().game.clone();
    let on_answer = move |login| drop(answer.send(login));
    game.login(client.process, Box::new(on_answer));
    let login = answered.await.unwrap_or(Login::Nobody);
    sessions.gate.ban_of_name(login.name())?;
    Ok(match login {
        // Its player is to say something first.
        Login::Nobody | Login::Named(_) => None,
        login => Some(login),
    })
}

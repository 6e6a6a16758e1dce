//! Login: finds the avatar that plays for a client, and repeats that each time the avatar has ended.
//!
//! ```text
//!   a line was passed on ─► Game::login ─┬─ no name, or only a name ─► the next line
//!                                        ├─ starting, or unknown ─► asked again, with growing pauses
//!                                        └─ plays ─► its end ─► from the beginning
//! ```
//! The door closes a client that takes too long, or whose avatar's name is banned.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use crate::admission::gate::Gate;
use crate::admission::refused::Refusal;
use crate::session::crowd::{Client, Crowd};
use crate::settings::Current;
use crate::settings::game::Login;

/// The first pause before a session is asked again about an avatar that is starting; each pause doubles the next.
const ARRIVING: Duration = Duration::from_millis(10);

/// The longest pause between two such questions.
const ARRIVING_MAX: Duration = Duration::from_secs(1);

/// The logins of all clients, with the bans and limits that apply to them.
pub(crate) struct Logins {
    pub(crate) gate: Arc<Gate>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) settings: Current,
}

impl Logins {
    /// Follows one client until its connection drops this future. `lines` is notified of each line passed to the session.
    pub(crate) async fn follow(&self, client: &Client, lines: &Notify) -> Infallible {
        loop {
            let limit = self.settings.load().limits.login;
            let deadline = limit.map(|limit| Instant::now() + limit);
            let known = self.know(client, lines);
            let known = match deadline {
                Some(deadline) => timeout_at(deadline, known).await,
                None => Ok(known.await),
            };
            let refused = known.unwrap_or_else(|_| Err(Refusal::Login(limit.unwrap_or_default())));
            if let Err(refusal) = refused {
                self.dismiss(client, &refusal);
                return pending().await;
            }
            while self.crowd.is_played(client) {
                client.fell.notified().await;
            }
        }
    }

    /// Waits until an avatar plays for the client.
    async fn know(&self, client: &Client, lines: &Notify) -> Result<(), Refusal> {
        // The address may have been banned while the client's process was started.
        self.gate.ban_of_address(client.arrival.address.ip())?;
        loop {
            client.port.set_dialogue(true);
            lines.notified().await;
            let mut pause = ARRIVING;
            while let Some(login) = self.ask(client).await? {
                if login != Login::Unknown {
                    client.port.set_dialogue(false);
                }
                if client.plays_as(login) {
                    // The ban is checked once more, now that `dismiss_banned` can find the client by its name.
                    return self.ban_of_name(client);
                }
                // The next line may change the answer.
                let _ = timeout(pause, lines.notified()).await;
                pause = ARRIVING_MAX.min(pause * 2);
            }
        }
    }

    /// Asks the session once. Returns an avatar that plays or is being started, unless its name is banned; `None` when the
    /// player has to send another line first.
    async fn ask(&self, client: &Client) -> Result<Option<Login>, Refusal> {
        let (answer, answered) = oneshot::channel();
        let game = self.settings.load().game.clone();
        let on_answer = move |login| drop(answer.send(login));
        game.login(client.process, Box::new(on_answer));
        let login = answered.await.unwrap_or(Login::Nobody);
        self.gate.ban_of_name(login.name())?;
        Ok(match login {
            Login::Nobody | Login::Named(_) => None,
            login => Some(login),
        })
    }

    /// Checks whether the name of the avatar that plays for this client is banned.
    fn ban_of_name(&self, client: &Client) -> Result<(), Refusal> {
        let name = self.crowd.avatar_of(client);
        name.map_or(Ok(()), |name| self.gate.ban_of_name(&name))
    }

    /// Closes all banned clients; returns their number.
    pub(crate) fn dismiss_banned(&self) -> usize {
        let mut dismissed = 0;
        for (_, client) in self.crowd.all() {
            let address = self.gate.ban_of_address(client.arrival.address.ip());
            if let Err(refusal) = address.and_then(|()| self.ban_of_name(&client)) {
                self.dismiss(&client, &refusal);
                dismissed += 1;
            }
        }
        dismissed
    }

    /// Tells a client the refusal, and closes the connection.
    fn dismiss(&self, client: &Client, refusal: &Refusal) {
        self.gate.refused.count(refusal);
        client.port.dismiss(&refusal.to_string());
    }
}

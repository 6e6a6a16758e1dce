//! Login: the door finds out who plays for a client, and again whenever that has ended.
//!
//! ```text
//!   a line was handed over ─► Game::login ─┬─ nobody, or only a name ─► the next line
//!                                          ├─ is being started, or cannot say ─► asked again soon, and less and less soon
//!                                          └─ plays ─► its end ─► from the beginning
//! ```
//! A client that takes too long, or whose name is banned, is closed.

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

/// How soon a session is asked again whether the avatar that it has asked for plays now; then half as soon each time.
const ARRIVING: Duration = Duration::from_millis(10);

/// And no more seldom than this.
const ARRIVING_MAX: Duration = Duration::from_secs(1);

/// Who plays, and who may not.
pub(crate) struct Logins {
    pub(crate) gate: Arc<Gate>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) settings: Current,
}

impl Logins {
    /// Follows one client until it is dropped with its connection. `lines` is notified of each line that was handed over.
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

    /// Waits until an avatar plays there.
    async fn know(&self, client: &Client, lines: &Notify) -> Result<(), Refusal> {
        // A ban may have come while its process was started.
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
                    // And now that it can be found by its name, once more.
                    return self.ban_of_name(client);
                }
                // The next line may say something else.
                let _ = timeout(pause, lines.notified()).await;
                pause = ARRIVING_MAX.min(pause * 2);
            }
        }
    }

    /// Asks the session once: the avatar that plays or is being started, unless its name is banned; nothing when its player
    /// is to say something first.
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

    /// Whether the name of the avatar that plays for this client is banned.
    fn ban_of_name(&self, client: &Client) -> Result<(), Refusal> {
        let name = self.crowd.avatar_of(client);
        name.map_or(Ok(()), |name| self.gate.ban_of_name(&name))
    }

    /// Closes who is in and banned; returns how many they are.
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

    /// Tells a client why it is closed, and closes it.
    fn dismiss(&self, client: &Client, refusal: &Refusal) {
        self.gate.refused.count(refusal);
        client.port.dismiss(&refusal.to_string());
    }
}

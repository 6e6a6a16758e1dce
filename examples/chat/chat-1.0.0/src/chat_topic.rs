//! The topic: the server that knows the members, and passes their lines on.

use pq_sdk::{Ctx, GenServer, Info, InitError, Module, Next, Pid};
use serde::{Deserialize, Serialize};

/// The state of the topic.
#[derive(Serialize, Deserialize)]
pub struct Topic {
    /// The members of the topic: the session and the name of each.
    pub members: Vec<(Pid, String)>,
}

/// The messages of sessions to the topic.
#[derive(Serialize, Deserialize)]
pub enum Said {
    /// A client has given its name.
    Join(Pid, String),
    /// A client has typed a line.
    Line(Pid, String),
}

impl Module for Topic {
    const NAME: &'static str = "chat_topic";
    const VSN: &'static str = "1.0.0";
    const REGISTERED: &'static str = "chat_topic";
}

impl GenServer for Topic {
    type Args = ();
    type Call = ();
    type Cast = Said;

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Topic, InitError> {
        Ok(Topic {
            members: Vec::new(),
        })
    }

    fn handle_cast(&mut self, said: Said, ctx: &mut Ctx<'_>) -> Next {
        match said {
            Said::Join(session, name) => {
                ctx.monitor(session);
                self.members.push((session, name.clone()));
                self.tell_all(&format!("* {name} is here"), ctx);
            }
            Said::Line(session, line) => {
                if let Some(name) = self.name_of(session) {
                    let text = format!("{name}: {line}");
                    self.tell_all(&text, ctx);
                }
            }
        }
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        if let Info::Down { pid, .. } = info
            && let Some(name) = self.name_of(pid).map(str::to_string)
        {
            self.members.retain(|(session, _)| *session != pid);
            self.tell_all(&format!("* {name} has left"), ctx);
        }
        Next::Wait
    }
}

impl Topic {
    fn name_of(&self, session: Pid) -> Option<&str> {
        let member = self.members.iter().find(|(member, _)| *member == session);
        member.map(|(_, name)| name.as_str())
    }

    fn tell_all(&self, text: &str, ctx: &mut Ctx<'_>) {
        for (session, _) in &self.members {
            ctx.cast(*session, text);
        }
    }
}

//! The topic. New in 1.1.0: it keeps the last lines for newcomers, and answers `/who`.

use std::collections::VecDeque;

use chat_1_0_0::chat_topic as v1_0_0;
use pq_sdk::{Ctx, GenServer, Info, InitError, Migrate, Migration, Module, Next, Pid, Reason};
use serde::{Deserialize, Serialize};

/// The number of lines that a newcomer gets.
const RECENT_MAX: usize = 5;

/// The state of the topic.
#[derive(Serialize, Deserialize)]
pub struct Topic {
    /// The members of the topic: the session and the name of each.
    pub members: Vec<(Pid, String)>,
    /// The last lines, the oldest first.
    pub recent: VecDeque<String>,
}

/// The messages of sessions to the topic. Sessions of 1.0.0 do not send the last one.
#[derive(Serialize, Deserialize)]
pub enum Said {
    /// A client has given its name.
    Join(Pid, String),
    /// A client has typed a line.
    Line(Pid, String),
    /// A client asks for the names of the members.
    Who(Pid),
}

impl Module for Topic {
    const NAME: &'static str = "chat_topic";
    const VSN: &'static str = "1.1.0";
    const REGISTERED: &'static str = "chat_topic";
}

impl GenServer for Topic {
    type Args = ();
    type Call = ();
    type Cast = Said;
    const MIGRATIONS: &'static [Migration] =
        &[Migration::converts::<v1_0_0::Topic, Topic>("1.0.0")];

    fn init((): (), _ctx: &mut Ctx<'_>) -> Result<Topic, InitError> {
        Ok(Topic {
            members: Vec::new(),
            recent: VecDeque::new(),
        })
    }

    fn handle_cast(&mut self, said: Said, ctx: &mut Ctx<'_>) -> Next {
        match said {
            Said::Join(session, name) => self.join(session, name, ctx),
            Said::Line(session, line) => {
                if let Some(name) = self.name_of(session) {
                    let text = format!("{name}: {line}");
                    self.tell_all(text, ctx);
                }
            }
            Said::Who(session) => {
                let names: Vec<&str> = self.members.iter().map(|(_, name)| name.as_str()).collect();
                ctx.cast(session, &format!("* here: {}", names.join(", ")));
            }
        }
        Next::Wait
    }

    fn handle_info(&mut self, info: Info<'_>, ctx: &mut Ctx<'_>) -> Next {
        if let Info::Down { pid, .. } = info
            && let Some(name) = self.name_of(pid).map(str::to_string)
        {
            self.members.retain(|(session, _)| *session != pid);
            self.tell_all(format!("* {name} has left"), ctx);
        }
        Next::Wait
    }
}

impl Topic {
    fn join(&mut self, session: Pid, name: String, ctx: &mut Ctx<'_>) {
        ctx.monitor(session);
        for line in &self.recent {
            ctx.cast(session, line);
        }
        let text = format!("* {name} is here");
        self.members.push((session, name));
        self.tell_all(text, ctx);
    }

    fn name_of(&self, session: Pid) -> Option<&str> {
        let member = self.members.iter().find(|(member, _)| *member == session);
        member.map(|(_, name)| name.as_str())
    }

    fn tell_all(&mut self, text: String, ctx: &mut Ctx<'_>) {
        for (session, _) in &self.members {
            ctx.cast(*session, &text);
        }
        self.recent.push_back(text);
        if self.recent.len() > RECENT_MAX {
            self.recent.pop_front();
        }
    }
}

/// The state of 1.0.0 has no field for the last lines, so a downgrade keeps them beside the process for the next upgrade.
impl Migrate<v1_0_0::Topic> for Topic {
    fn up(old: v1_0_0::Topic, ctx: &mut Ctx<'_>) -> Result<Topic, Reason> {
        Ok(Topic {
            members: old.members,
            recent: ctx.kept()?.unwrap_or_default(),
        })
    }

    fn down(self, ctx: &mut Ctx<'_>) -> Result<v1_0_0::Topic, Reason> {
        ctx.keep(&self.recent);
        Ok(v1_0_0::Topic {
            members: self.members,
        })
    }
}

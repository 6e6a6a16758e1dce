//! What the door wants to know of the game, asked of the game's own processes.

use std::sync::Arc;

use pq_otp::sys::SysMessage;
use pq_otp::{Node, Pid, Reason, Term};
use regis_application::Names;
use sockserv::settings::game::Answer;
use sockserv::{Game, Hero, Login, Sheet};

use super::sheet::Asker;

/// Process Quest, as `sockserv` shows it to the door.
pub(super) struct Quest {
    node: Node,
    heroes: Arc<Asker>,
}

impl Quest {
    /// That of this node, whose heroes have these names.
    pub(super) fn new(node: &Node, names: &Names) -> Quest {
        Quest {
            node: node.clone(),
            heroes: Asker::new(node.clone(), names.clone()),
        }
    }
}

impl Game for Quest {
    /// The session says it itself, in its state (`sockserv_serv`), behind all that it was sent before.
    fn login(&self, session: Pid, answer: Answer<Login>) {
        let on_reply = |state: Result<Term, Reason>| {
            let login = state.ok().and_then(|state| login_in(&state));
            answer(login.unwrap_or(Login::Nobody));
        };
        self.node
            .sys_request(session, SysMessage::GetState, on_reply);
    }

    fn sheet(&self, session: Pid, answer: Answer<Option<Sheet>>) {
        let heroes = self.heroes.clone();
        tokio::spawn(async move { answer(heroes.ask(session).await) });
    }
}

/// Whose session it is by its state. A release whose sessions keep it elsewhere has no names here.
pub(super) fn login_in(state: &Term) -> Option<Login> {
    let phase = field(state, "phase")?;
    let name = |hero: &Term| field(hero, "name")?.as_str().map(str::to_string);
    if let Some(playing) = field(phase, "playing") {
        let hero = field(playing, "hero")?;
        let process = field(hero, "sup").and_then(Term::as_pid);
        return name(hero).map(|name| Login::Playing(Hero { name, process }));
    }
    let starting = field(phase, "starting").and_then(name);
    let stats = field(phase, "stats").and_then(name);
    let login = starting.map(Login::Arriving).or(stats.map(Login::Named));
    Some(login.unwrap_or(Login::Nobody))
}

fn field<'a>(term: &'a Term, name: &'static str) -> Option<&'a Term> {
    term.as_map()?.get(&Term::atom(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(state: &str, login: Option<Login>) {
        let state = pq_term::read_term(state).unwrap();
        assert_eq!(login_in(&state), login, "{state}");
    }

    #[test]
    fn a_session_has_the_name_of_its_hero_as_soon_as_it_was_given() {
        let process = Some(Pid::new(0, 4, 1));
        let plays = |process| {
            let name = "Ann".to_string();
            Some(Login::Playing(Hero { name, process }))
        };
        check(
            r#"#{phase => #{playing => #{hero => #{name => "Ann", sup => <0.4.1>}}}}"#,
            plays(process),
        );
        check(
            r#"#{phase => #{playing => #{hero => #{name => "Ann"}}}}"#,
            plays(None),
        );
        check(
            r#"#{phase => #{starting => #{name => "Ann"}}}"#,
            Some(Login::Arriving("Ann".into())),
        );
        check(
            r#"#{phase => #{stats => #{name => "Ann"}}}"#,
            Some(Login::Named("Ann".into())),
        );
        check("#{phase => name}", Some(Login::Nobody));
        check("#{phase => leaving}", Some(Login::Nobody));
        check("{state,1}", None);
    }
}

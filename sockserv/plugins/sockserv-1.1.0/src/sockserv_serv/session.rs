//! The dialogue with one client, as a machine without effects: the dialogue of 1.0.0, and a question about a word above it.
//! Its picture is in `sockserv_serv`, which carries out the results.

use pq_sdk::players::Players;
use pq_sdk::pq_abi::spec;
use pq_sdk::words::{self, Answer, Judged, Line, Look, SEAL, Said};
use pq_sdk::{ManagerReply, Pid, PortId, Reason, RequestId};
use pq_words::{Name, Stats};
use serde::{Deserialize, Serialize};

use crate::away::Away;
use crate::shown::{self, Command, Facts};
use crate::v1_0_0::sockserv_serv::{self as v1_0_0, Hero, Phase, Watch};
use crate::v1_0_0::sockserv_trans::Piece;

/// The wrong words after which a connection ends.
pub const WRONG_MAX: u8 = 3;

/// The pause before such a connection ends, in milliseconds: guesses on one connection after another take time.
pub const PAUSE_MS: u64 = 3_000;

/// The state of one client's session, which an upgrade converts by the names of its fields.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Session {
    /// The dialogue of 1.0.0. While a word is asked for, it is where a player of 1.0.0 would be.
    pub book: v1_0_0::Session,
    /// The question above it.
    pub asks: Asks,
    /// Whether the node keeps words, as it has said last.
    pub kept: bool,
    /// The number of the last question to the node.
    pub number: u64,
    /// The client has gone, and the session waits for the node.
    pub is_gone: bool,
    /// The request to the handler in the hero's event manager, to pass the news to this session; there may be none.
    pub adopts: Option<RequestId>,
    /// The facts that the node was asked for, by the number of the question.
    pub shows: Option<(u64, Command)>,
}

/// A question about a word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asks {
    /// None: the dialogue is that of 1.0.0.
    Nothing,
    /// The client is asked for the word of a hero.
    Word {
        /// The name of the hero.
        name: Name,
        /// The wrong words so far.
        wrong: u8,
    },
    /// The node compares a word.
    Checking {
        /// The name of the hero.
        name: Name,
        /// The wrong words before.
        wrong: u8,
        /// The number of the question.
        number: u64,
    },
    /// The client may choose a word.
    Choice {
        /// The hero that gets it.
        hero: Whose,
    },
    /// The client types the word once more.
    Again {
        /// The hero that gets it.
        hero: Whose,
        /// The sealed line with the word.
        line: Line,
    },
    /// The hero starts, and is to get this word.
    Chosen {
        /// The sealed line with the word.
        line: Line,
    },
    /// The hero plays, and the node keeps its word.
    Keeping {
        /// The number of the question.
        number: u64,
    },
    /// The connection ends when the pause is over.
    Ending,
}

/// The hero that gets a word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Whose {
    /// The name of the hero.
    pub name: Name,
    /// The stats that the client has agreed to; `None` for a hero that plays already.
    pub stats: Option<Stats>,
}

/// An action of the process, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Do {
    /// An action of 1.0.0.
    Book(v1_0_0::Do),
    /// Ask the node about a name: [`Session::looked`].
    Look(Name),
    /// Ask the node whether a word may be chosen: [`Session::judged`].
    Judge(Line),
    /// Ask the node whether a word was typed in the same way twice: [`Session::compared`].
    Compare(Line, Line),
    /// Ask the node to compare a word: [`Session::said`].
    Check {
        /// The sealed line with the word.
        line: Line,
        /// The name of the hero.
        name: Name,
        /// The number of the question.
        number: u64,
    },
    /// Ask the node to keep a word: [`Session::said`].
    Keep {
        /// The sealed line with the word.
        line: Line,
        /// The hero's `pq_sup`, which the node knows as the avatar.
        hero: Pid,
        /// The number of the question.
        number: u64,
    },
    /// Ask the node for the players: [`Session::players`].
    Who,
    /// Ask the node for the facts about the hero: [`Session::described`].
    Describe(u64),
    /// End the connection later: [`Session::paused`].
    Pause,
    /// Add a handler to this event manager: [`Session::answered`].
    AddHandler(Pid),
    /// The client has gone, and its hero has a word or not: leave it, or stop it.
    LeaveHero(Pid),
    /// The word of this hero could not be kept; it has another one or none: [`Session::not_kept`].
    NotKept(Name, Pid),
}

impl From<v1_0_0::Do> for Do {
    fn from(todo: v1_0_0::Do) -> Do {
        Do::Book(todo)
    }
}

const PROMPT: &str = "What's your character's name?\n";

fn say(text: impl Into<String>) -> Do {
    Do::Book(v1_0_0::Do::Say(text.into()))
}

fn all(todo: Vec<v1_0_0::Do>) -> Vec<Do> {
    todo.into_iter().map(Do::from).collect()
}

impl Session {
    /// A new session, and its greeting.
    pub fn new(port: PortId) -> (Session, Vec<Do>) {
        let (book, greeting) = v1_0_0::Session::new(port);
        let login = say(words::LOGIN);
        let greeting = all(greeting).into_iter();
        (
            Session::of(book),
            [login].into_iter().chain(greeting).collect(),
        )
    }

    /// The session with this dialogue, in which nothing is asked about words.
    pub fn of(book: v1_0_0::Session) -> Session {
        Session {
            book,
            asks: Asks::Nothing,
            kept: false,
            number: 0,
            is_gone: false,
            adopts: None,
            shows: None,
        }
    }

    /// The hero of the session, while it plays.
    pub fn hero(&self) -> Option<&Hero> {
        match &self.book.phase {
            Phase::Playing { hero } => Some(hero),
            _ => None,
        }
    }

    /// The client sent a line.
    pub fn line(&mut self, line: &[u8]) -> Vec<Do> {
        if line.starts_with(b"quit") {
            self.asks = Asks::Nothing;
            return all(self.book.quit());
        }
        match (&self.asks, Line::of(line)) {
            (Asks::Word { name, wrong }, Some(line)) => {
                let (name, wrong) = (name.clone(), *wrong);
                self.check(line, name, wrong)
            }
            (Asks::Choice { .. }, Some(line)) => vec![Do::Judge(line)],
            (Asks::Again { line: first, .. }, Some(line)) => vec![Do::Compare(*first, line)],
            (Asks::Word { .. }, None) if line.is_empty() => self.ask_name(""),
            (Asks::Choice { .. }, None) if line.is_empty() => self.chosen(None),
            (Asks::Again { .. }, None) if line.is_empty() => self.ask_again(""),
            // It was sent before the question, so the node has not sealed it.
            (Asks::Word { .. } | Asks::Choice { .. } | Asks::Again { .. }, None) => {
                self.ask("Words that come before the question are not taken.\n")
            }
            (Asks::Checking { .. } | Asks::Ending, _) => Vec::new(),
            (Asks::Nothing | Asks::Chosen { .. } | Asks::Keeping { .. }, _) => self.book_line(line),
        }
    }

    /// A line for the dialogue of 1.0.0. A name is looked at before stats are rolled, and a word may be chosen before a hero
    /// starts.
    fn book_line(&mut self, line: &[u8]) -> Vec<Do> {
        if let (Some(command), Some(_)) = (Command::of(line), self.hero()) {
            return self.command(command);
        }
        let before = self.book.phase.clone();
        let todo = self.book.line(line);
        match (before, &self.book.phase) {
            (Phase::Name, Phase::Stats { name, .. }) => vec![Do::Look(name.clone())],
            (Phase::Stats { name, stats }, Phase::Starting { .. }) if self.kept => {
                self.book.phase = Phase::Stats {
                    name: name.clone(),
                    stats,
                };
                let stats = Some(stats);
                self.asks = Asks::Choice {
                    hero: Whose { name, stats },
                };
                self.ask("")
            }
            _ => all(todo),
        }
    }

    /// A command while the hero plays. One question about facts is open at a time.
    fn command(&mut self, command: Command) -> Vec<Do> {
        match command {
            Command::Help => vec![say(shown::HELP)],
            Command::Who => vec![Do::Who],
            Command::Word if matches!(self.asks, Asks::Nothing) => {
                let hero = self.hero();
                hero.map_or(Vec::new(), |hero| vec![Do::Look(hero.name.clone())])
            }
            // The hero is just getting one.
            Command::Word => Vec::new(),
            Command::Score | Command::Inventory if self.shows.is_some() => Vec::new(),
            Command::Score | Command::Inventory => {
                let number = self.next_number();
                self.shows = Some((number, command));
                vec![Do::Describe(number)]
            }
        }
    }

    /// The node has listed the players.
    pub fn players(&self, players: &Players) -> Vec<Do> {
        vec![say(shown::who(players))]
    }

    /// The node has the facts about the hero.
    pub fn described(&mut self, number: u64, facts: &Facts) -> Vec<Do> {
        match self.shows.take_if(|(asked, _)| *asked == number) {
            Some((_, command)) => vec![say(shown::described(command, facts))],
            None => Vec::new(),
        }
    }

    /// The node has looked at the name.
    pub fn looked(&mut self, look: Look) -> Vec<Do> {
        self.kept = look.kept;
        match &self.book.phase {
            Phase::Stats { name, .. } if look.taken && look.kept => {
                let name = name.clone();
                self.book.phase = Phase::Name;
                self.asks = Asks::Word { name, wrong: 0 };
                self.ask("That name is taken.\n")
            }
            Phase::Stats { .. } if look.taken => self.ask_name("That name is taken.\n"),
            Phase::Stats { .. } => vec![
                say(words::login_result(Err("No hero has this name."))),
                v1_0_0::Do::Roll.into(),
            ],
            Phase::Playing { .. } if !look.kept => vec![say("Words are not kept here.\n")],
            Phase::Playing { hero } => {
                let (name, stats) = (hero.name.clone(), None);
                self.asks = Asks::Choice {
                    hero: Whose { name, stats },
                };
                self.ask("")
            }
            _ => Vec::new(),
        }
    }

    /// Says something, and asks the question about a word.
    fn ask(&self, first: &str) -> Vec<Do> {
        let question = match &self.asks {
            Asks::Word { name, .. } => {
                format!("If {name} is yours, what is its word? (An empty line: another name.)\n")
            }
            Asks::Choice { hero } => {
                let (name, none) = (&hero.name, hero.stats.map_or("as before", |_| "none"));
                format!(
                    "Choose a word, and you find {name} again from any client. (An empty line: {none}.)\n"
                )
            }
            Asks::Again { .. } => {
                "Type the word once more. (An empty line: another word.)\n".to_string()
            }
            _ => return Vec::new(),
        };
        vec![say(format!("{first}{question}{SEAL}"))]
    }

    fn check(&mut self, line: Line, name: Name, wrong: u8) -> Vec<Do> {
        let number = self.next_number();
        self.asks = Asks::Checking {
            name: name.clone(),
            wrong,
            number,
        };
        vec![Do::Check { line, name, number }]
    }

    fn next_number(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    /// The node has judged the word that was chosen.
    pub fn judged(&mut self, line: Line, judged: Judged) -> Vec<Do> {
        match judged {
            Judged::Fit => {
                if let Asks::Choice { hero } = self.asks.clone() {
                    self.asks = Asks::Again { hero, line };
                }
                self.ask("")
            }
            Judged::Short => self.ask("A word has at least 6 characters.\n"),
            Judged::Long => self.ask("A word has at most 128 bytes.\n"),
            Judged::Gone => self.ask("That word did not arrive.\n"),
        }
    }

    /// The node has compared the two lines with the word that was chosen.
    pub fn compared(&mut self, line: Line, are_same: bool) -> Vec<Do> {
        match are_same {
            true => self.chosen(Some(line)),
            false => self.ask_again("These were two words.\n"),
        }
    }

    /// Says something, and asks again for a word that is chosen.
    fn ask_again(&mut self, first: &str) -> Vec<Do> {
        if let Asks::Again { hero, .. } = self.asks.clone() {
            self.asks = Asks::Choice { hero };
        }
        self.ask(first)
    }

    /// The choice is over. A hero to be starts with the stats that were agreed to; one that plays gets the word.
    fn chosen(&mut self, line: Option<Line>) -> Vec<Do> {
        let asks = std::mem::replace(&mut self.asks, Asks::Nothing);
        let (Asks::Choice { hero } | Asks::Again { hero, .. }) = asks else {
            return Vec::new();
        };
        if let Some(line) = line {
            self.asks = Asks::Chosen { line };
        }
        let Whose { name, stats } = hero;
        match stats {
            Some(stats) => {
                self.book.phase = Phase::Starting { name: name.clone() };
                vec![v1_0_0::Do::Start { name, stats }.into()]
            }
            None => self.settle(Vec::new()),
        }
    }

    /// The node has answered a question about a word.
    pub fn said(&mut self, answer: Answer) -> Vec<Do> {
        match self.asks.clone() {
            Asks::Checking {
                name,
                wrong,
                number,
            } if number == answer.r#ref => self.checked(name, wrong, answer.said),
            Asks::Keeping { number } if number == answer.r#ref => self.has_kept(answer.said),
            _ => Vec::new(),
        }
    }

    fn checked(&mut self, name: Name, wrong: u8, said: Said) -> Vec<Do> {
        let failed = (!matches!(said, Said::Plays(_))).then(|| {
            let why = match said {
                Said::Wrong => "That is not its word.",
                Said::Aside => "It cannot be continued now.",
                _ => "Try again later.",
            };
            say(words::login_result(Err(why)))
        });
        // The result comes behind the next question: a program that has it may send another login at once.
        let todo = self.go_on(name, wrong, said).into_iter();
        todo.chain(failed).collect()
    }

    fn go_on(&mut self, name: Name, wrong: u8, said: Said) -> Vec<Do> {
        self.asks = Asks::Word {
            name: name.clone(),
            wrong,
        };
        match said {
            Said::Plays(sup) => self.comes_back(name, sup),
            Said::Wrong if wrong + 1 >= WRONG_MAX => {
                self.end("That is not its word either. Goodbye.\n")
            }
            Said::Wrong => {
                let wrong = wrong + 1;
                self.asks = Asks::Word { name, wrong };
                self.ask("That is not its word.\n")
            }
            Said::Later => self.end("Too many words were wrong. Come back in some minutes.\n"),
            Said::Aside => {
                let text =
                    format!("{name} cannot be continued now; it is kept for the operators.\n");
                self.ask_name(&text)
            }
            Said::Busy | Said::Kept | Said::NotKept => {
                self.ask("Words cannot be compared at the moment. Try again.\n")
            }
        }
    }

    /// The hero plays for this session, as if it had just been started.
    fn comes_back(&mut self, name: Name, sup: Pid) -> Vec<Do> {
        let result = words::login_result(Ok(()));
        let welcome = say(format!("{result}Welcome back, {name}.\n"));
        self.asks = Asks::Nothing;
        let hero = Hero {
            name: name.clone(),
            sup,
            watch: Watch::Looking { before: None },
        };
        self.book.phase = Phase::Playing { hero };
        let (monitor, find) = (v1_0_0::Do::Monitor(sup), v1_0_0::Do::Find { name });
        vec![welcome, monitor.into(), find.into()]
    }

    fn has_kept(&mut self, said: Said) -> Vec<Do> {
        self.asks = Asks::Nothing;
        let Some(hero) = self.hero() else {
            return Vec::new();
        };
        let (name, sup) = (hero.name.clone(), hero.sup);
        match said {
            _ if self.is_gone => vec![Do::LeaveHero(sup)],
            Said::Kept => vec![say(format!(
                "Your word is kept. {name} waits for you when you leave.\n"
            ))],
            _ => vec![Do::NotKept(name, sup)],
        }
    }

    /// The word could not be kept, and the hero has one from before or none.
    pub fn not_kept(&self, name: &Name, has_word: bool) -> Vec<Do> {
        vec![say(match has_word {
            true => format!("Your word could not be kept. {name} has the one from before.\n"),
            false => format!("Your word could not be kept. {name} ends when you leave.\n"),
        })]
    }

    /// Says something and ends the connection after a pause.
    fn end(&mut self, text: &str) -> Vec<Do> {
        self.asks = Asks::Ending;
        vec![say(text), Do::Pause]
    }

    /// The pause before the end is over.
    pub fn paused(&mut self) -> Vec<Do> {
        match self.asks {
            Asks::Ending => vec![v1_0_0::Do::Close.into()],
            _ => Vec::new(),
        }
    }

    /// Says something, and asks for a name.
    fn ask_name(&mut self, first: &str) -> Vec<Do> {
        self.book.phase = Phase::Name;
        self.asks = Asks::Nothing;
        vec![say(format!("{first}{PROMPT}"))]
    }

    /// The client has gone. A hero without a word ends with it, as in 1.0.1.
    pub fn closed(&mut self) -> Vec<Do> {
        self.is_gone = true;
        match (&self.asks, self.hero()) {
            // The node is giving it a word.
            (Asks::Keeping { .. }, Some(_)) => Vec::new(),
            (_, Some(hero)) => vec![Do::LeaveHero(hero.sup)],
            (_, None) => all(self.book.quit()),
        }
    }

    /// Stops the hero, whose client has gone.
    pub fn stop_hero(&mut self) -> Vec<Do> {
        all(self.book.quit())
    }

    /// The handler in the event manager, if there is one, passes the news to this session from now on.
    pub fn adopted(&mut self, id: RequestId, away: Result<Away, &Reason>) -> Vec<Do> {
        self.adopts = None;
        let Some(Hero {
            name,
            watch: Watch::Joining { events },
            ..
        }) = self.hero().cloned()
        else {
            return Vec::new();
        };
        match away {
            _ if self.book.asked != Some(id) => Vec::new(),
            Ok(away) => {
                let told = away.lines(&name);
                let joined = spec::encode(&ManagerReply::Ok);
                let mut todo = self.answered(id, Ok(&joined));
                todo.extend((!told.is_empty()).then(|| say(told)));
                todo
            }
            // It has no handler: the hero is new, or was played under a version that removes it.
            Err(Reason::Other(why)) if why.is_atom("bad_module") => vec![Do::AddHandler(events)],
            Err(why) => self.answered(id, Err(why)),
        }
    }

    /// A request was answered: with bytes, or not at all for this reason.
    pub fn answered(&mut self, id: RequestId, result: Result<&[u8], &Reason>) -> Vec<Do> {
        let todo = all(self.book.answered(id, result));
        self.settle(todo)
    }

    /// A monitored process ended.
    pub fn down(&mut self, pid: Pid) -> Vec<Do> {
        let todo = all(self.book.down(pid));
        self.settle(todo)
    }

    /// The event manager of the hero was looked up.
    pub fn found(&mut self, events: Option<Pid>) -> Vec<Do> {
        all(self.book.found(events))
    }

    /// A pause of the story is over.
    pub fn waited(&mut self, turn: u64) -> Vec<Do> {
        all(self.book.waited(turn))
    }

    /// The story goes on.
    pub fn tell(&mut self, pieces: Vec<Piece>) -> Vec<Do> {
        all(self.book.tell(pieces))
    }

    /// The dice have rolled stats, which the client is asked to agree to.
    pub fn rolled(&mut self, stats: Stats) -> Vec<Do> {
        all(self.book.rolled(stats))
    }

    /// Gives a hero that plays the word that was chosen for it, and gives the word up with the hero.
    fn settle(&mut self, mut todo: Vec<Do>) -> Vec<Do> {
        match (&self.asks, self.hero()) {
            (Asks::Chosen { line }, Some(hero)) => {
                let (line, hero) = (*line, hero.sup);
                let number = self.next_number();
                self.asks = Asks::Keeping { number };
                todo.push(Do::Keep { line, hero, number });
            }
            (Asks::Chosen { .. }, None) if !matches!(self.book.phase, Phase::Starting { .. }) => {
                self.asks = Asks::Nothing;
            }
            (Asks::Choice { hero } | Asks::Again { hero, .. }, None) if hero.stats.is_none() => {
                self.asks = Asks::Nothing;
            }
            (Asks::Keeping { .. }, None) => self.asks = Asks::Nothing,
            _ => {}
        }
        todo
    }
}

//! Somebody who carries out a relup by hand, one instruction after another, with nothing but `sys`, the code
//! server and patience. No transaction, no way back: those are the release handler's.

use std::collections::BTreeMap;

use pq_code::{Change, LibraryId};
use pq_otp::Pid;
use pq_otp::sys::SysMessage;
use pq_release::instruction::{Instruction, Mode};
use pq_release::relup::Way;
use pq_sdk::pq_abi::Direction;
use pq_tests::house::House;

use super::book;

pub(crate) const OLD: &str = "1.0.0";

/// How long heroes are held: long enough for events of some of them to come due and wait.
const HELD_MS: u64 = 700;

/// The hands.
pub(crate) struct Hands<'a> {
    house: &'a mut House,
    direction: Direction,
    /// In which library a module is found that the script loads.
    found: BTreeMap<&'static str, LibraryId>,
}

impl Hands<'_> {
    /// Hands for this house.
    pub(crate) fn new(house: &mut House) -> Hands<'_> {
        Hands {
            house,
            direction: Direction::Up,
            found: BTreeMap::new(),
        }
    }

    /// Carries out the way up; `look` is shown the house when all states are converted and none plays yet.
    pub(crate) fn up(&mut self, look: impl FnMut(&mut House)) {
        let relup = book::relup();
        self.direction = Direction::Up;
        self.go(relup.up_from(OLD).unwrap(), look);
    }

    /// Carries out the way down.
    pub(crate) fn down(&mut self, look: impl FnMut(&mut House)) {
        let relup = book::relup();
        self.direction = Direction::Down;
        self.go(relup.down_to(OLD).unwrap(), look);
    }

    fn go(&mut self, way: &Way, mut look: impl FnMut(&mut House)) {
        for instruction in &way.script {
            if matches!(instruction, Instruction::Resume(_)) {
                look(self.house);
            }
            self.step(instruction);
        }
        // What the book's appups ask to be purged after the load, once nothing runs it any more.
        for module in self.found.keys() {
            self.house.code.purge(module);
        }
    }

    fn step(&mut self, instruction: &Instruction) {
        match instruction {
            Instruction::LoadObjectCode { lib, vsn, modules } => {
                let library = self.library(lib.as_str(), vsn);
                let names = modules.iter().map(|module| module.as_str());
                self.found.extend(names.map(|name| (name, library)));
            }
            Instruction::PointOfNoReturn => {}
            Instruction::Suspend(modules) => {
                for suspend in modules {
                    self.tell(suspend.module.as_str(), || SysMessage::Suspend);
                }
                self.house.sim.run_ms(HELD_MS);
            }
            Instruction::CodeChange { mode, changes } => {
                assert_eq!(*mode == Some(Mode::Down), self.direction == Direction::Down);
                for (module, _) in changes {
                    self.convert(module.as_str());
                }
            }
            Instruction::Load { module, .. } => self.load(module.as_str()),
            Instruction::Remove { module, .. } => {
                self.house.code.delete(module.as_str());
            }
            Instruction::Purge(modules) => {
                for module in modules {
                    self.house.code.purge(module.as_str());
                }
            }
            Instruction::Resume(modules) => {
                for module in modules {
                    self.tell(module.as_str(), || SysMessage::Resume);
                }
            }
            other => panic!("the book has no {}", other.to_term()),
        }
    }

    fn library(&self, application: &str, vsn: &str) -> LibraryId {
        let table = match (application, vsn) {
            ("processquest", OLD) => &processquest_1_0_0::LIBRARY,
            ("processquest", _) => &processquest_1_1_0::LIBRARY,
            ("sockserv", OLD) => &sockserv_1_0_0::LIBRARY,
            _ => &sockserv_1_0_1::LIBRARY,
        };
        self.house.code.link_library(table).unwrap()
    }

    /// Converts the states of a module. The state is read by the version that is current then, so on the way
    /// down, where OTP loads the older code after the conversion, it becomes current before it.
    fn convert(&mut self, module: &str) {
        self.make_current(module);
        let direction = self.direction;
        self.tell(module, || change(module, direction, OLD));
    }

    /// Loads a module. In OTP its processes run the new code from their next callback on; here a state belongs to
    /// the library that made it, so those that nobody holds are moved from one to the other.
    fn load(&mut self, module: &str) {
        self.make_current(module);
        let direction = self.direction;
        for pid in self.playing(module) {
            for message in [
                SysMessage::Suspend,
                change(module, direction, OLD),
                SysMessage::Resume,
            ] {
                self.ask(pid, message);
            }
        }
    }

    fn make_current(&mut self, module: &str) {
        let code = &self.house.code;
        let library = self.found[module];
        let target = code.module(library, module).unwrap();
        if !code.is_current(target) {
            let changed = code.change(&[Change::MakeCurrent(library, module)]);
            assert_eq!(
                changed,
                Ok(vec![]),
                "the version before {module} was not purged"
            );
        }
    }

    /// Processes of a module that nobody holds and that have a state of their own.
    fn playing(&self, module: &str) -> Vec<Pid> {
        // An event manager holds its handlers and no state of its module.
        let of_module = |name: &str| name == module && name != "pq_events";
        let processes = self.house.sim.processes().into_iter();
        let playing = processes.filter(|process| of_module(&process.module) && !process.suspended);
        playing.map(|process| process.pid).collect()
    }

    /// Tells all processes of a module.
    fn tell(&mut self, module: &str, message: impl Fn() -> SysMessage) {
        let processes = self.house.sim.processes().into_iter();
        let of_module = processes.filter(|process| process.module == module);
        let pids: Vec<Pid> = of_module.map(|process| process.pid).collect();
        for pid in pids {
            self.ask(pid, message());
        }
    }

    fn ask(&mut self, pid: Pid, message: SysMessage) {
        let word = message.word();
        let answer = self.house.sim.sys(pid, message).unwrap();
        assert!(answer.is_atom("ok"), "{word} of {pid}: {answer}");
    }
}

fn change(module: &str, direction: Direction, vsn: &str) -> SysMessage {
    SysMessage::ChangeCode {
        module: module.to_string(),
        direction,
        vsn: vsn.to_string(),
        extra: vec![0xc0],
    }
}

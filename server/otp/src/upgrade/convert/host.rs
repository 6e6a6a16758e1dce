//! The host of conversions: a conversion may read the node's data, and has no effects.

use std::sync::atomic::AtomicU64;

use pq_abi::op::{Call, Op};
use pq_abi::{Answer, Failure, Host, Level, Modules, OpCode, Reason, text};
use pq_term::Pid;
use rand::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::answers::{self, Calls, Reads, Written};
use crate::code_change::Converts;
use crate::export::Export;
use crate::node::Node;
use crate::residue::Beside;

/// The host of the conversions of one process, in one step of the way.
pub(crate) struct ConversionHost<'a> {
    node: &'a Node,
    /// The modules that conversions may call.
    modules: &'a dyn Modules,
    me: Pid,
    parent: Pid,
    now_ms: u64,
    salt: Salt<'a>,
    /// Made when the conversion asks for the first random number, which most do not.
    dice: Option<Xoshiro256PlusPlus>,
    written: Written,
    result: Vec<u8>,
    beside: Option<Box<Beside>>,
    /// The first effect that the conversion asked for, which makes it fail.
    wanted: Option<OpCode>,
}

/// Makes the random numbers of different processes different.
#[derive(Clone, Copy)]
pub(crate) enum Salt<'a> {
    /// The name of a process in the registry, as its bytes.
    Name(&'a [u8]),
    /// The process; its name if it has one, because pids change when processes move.
    Process(Pid),
}

impl Salt<'_> {
    pub(crate) fn number(self, node: &Node) -> u64 {
        match self {
            Salt::Name(name) => hash(name),
            Salt::Process(pid) => {
                let registry = node.config().registry.as_ref();
                let names = registry.map(|registry| registry.names_of(pid));
                let first = names.and_then(|names| names.into_iter().next());
                first.map_or(pid.as_raw(), |name| hash(&name))
            }
        }
    }
}

/// FNV-1a. The hash of a name must be the same in all builds, because saves are older than the program that opens them.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

impl ConversionHost<'_> {
    /// The random numbers depend only on the seed for conversions and the name of the process, so repeated conversions of a
    /// state are equal.
    pub(super) fn new<'a>(
        node: &'a Node,
        modules: &'a dyn Modules,
        job: &Export,
    ) -> ConversionHost<'a> {
        ConversionHost {
            me: job.pid,
            parent: job.parent,
            now_ms: job.now_ms,
            ..ConversionHost::outside(node, modules, Salt::Process(job.pid))
        }
    }

    /// A host for a state without a process.
    pub(crate) fn outside<'a>(
        node: &'a Node,
        modules: &'a dyn Modules,
        salt: Salt<'a>,
    ) -> ConversionHost<'a> {
        ConversionHost {
            node,
            modules,
            me: Pid::from_raw(0),
            parent: Pid::from_raw(0),
            now_ms: 0,
            salt,
            dice: None,
            written: Written::default(),
            result: Vec::new(),
            beside: None,
            wanted: None,
        }
    }

    /// Whether the conversions since the last call have only read.
    ///
    /// # Errors
    /// `not_pure` with the first effect that was asked for.
    pub(crate) fn only_read(&mut self) -> Result<(), Reason> {
        match self.wanted.take() {
            None => Ok(()),
            Some(code) => Err(Reason::tagged(
                "not_pure",
                &format!("a conversion may only read, and this one wanted {code:?}"),
            )),
        }
    }

    /// A conversion may run many times for one process, so its lines of level info are logged as debug.
    fn log(&self, level: Level, text: &[u8]) -> u64 {
        let level = match level {
            Level::Info => Level::Debug,
            level => level,
        };
        answers::log(self.node, self.me, level, text)
    }
}

impl Calls for ConversionHost<'_> {
    fn written(&mut self) -> &mut Written {
        &mut self.written
    }

    fn result(&mut self) -> &mut Vec<u8> {
        &mut self.result
    }

    /// Calls a function of a module as it is after the upgrade, or after this step of it. The node's services have effects and are not called.
    fn call(&mut self, call: Call<'_>, answer: &mut Vec<u8>) -> Result<(), Failure> {
        let module = self.modules.current(&text(call.module));
        let module = module.ok_or_else(|| answers::undefined(call))?;
        *answer = answers::call_within(self, module, call)?;
        Ok(())
    }
}

impl Reads for ConversionHost<'_> {
    fn node(&self) -> &Node {
        self.node
    }

    fn modules(&self) -> &dyn Modules {
        self.modules
    }

    fn me(&self) -> Pid {
        self.me
    }

    fn parent(&self) -> Pid {
        self.parent
    }

    fn now_ms(&self) -> u64 {
        self.now_ms
    }

    fn dice(&mut self) -> &mut Xoshiro256PlusPlus {
        let (node, salt) = (self.node, self.salt);
        self.dice.get_or_insert_with(|| {
            let seed = node.conversion_seed() ^ salt.number(node);
            Xoshiro256PlusPlus::seed_from_u64(seed)
        })
    }

    fn listens(&self, _: Pid) -> bool {
        true
    }
}

impl Converts for ConversionHost<'_> {
    fn beside(&mut self) -> &mut Option<Box<Beside>> {
        &mut self.beside
    }
}

impl Host for ConversionHost<'_> {
    fn op(&mut self, code: OpCode, operands: (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        Answer::value(match Op::decode(code, operands, name, data) {
            Op::Out(out, bytes) => self.written.write(out, bytes),
            Op::Log(level, text) => self.log(level, text),
            Op::Read(read) => return answers::read(self, read),
            Op::Call(call) => return answers::call(self, call),
            Op::Residue(vsn, residue) => match &mut self.beside {
                Some(beside) => return beside.answer(vsn, residue),
                None => 0,
            },
            Op::Wish(_) => {
                self.wanted.get_or_insert(code);
                0
            }
        })
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.modules.epoch()
    }

    fn process(&self) -> Option<u64> {
        Some(self.me.as_raw())
    }

    fn take_out(&mut self) -> Vec<u8> {
        self.written.take()
    }
}

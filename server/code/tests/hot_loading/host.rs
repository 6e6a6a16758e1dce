//! A minimal node: it records the requests of a library, and knows the current versions.

use std::sync::atomic::AtomicU64;

use pq_abi::{Answer, Callback, Host, Module, OpCode, State, Verdict};
use pq_code::CodeServer;

/// One operation that a callback requested.
pub(crate) struct Recorded {
    pub(crate) code: OpCode,
    pub(crate) operands: (u64, u64),
    pub(crate) data: Vec<u8>,
}

/// A node that consists of a code server.
pub(crate) struct TestHost<'a> {
    code: &'a CodeServer,
    out: Vec<u8>,
    pub(crate) recorded: Vec<Recorded>,
}

impl<'a> TestHost<'a> {
    pub(crate) fn new(code: &'a CodeServer) -> TestHost<'a> {
        TestHost {
            code,
            out: Vec::new(),
            recorded: Vec::new(),
        }
    }
}

impl Host for TestHost<'_> {
    fn op(&mut self, code: OpCode, operands: (u64, u64), name: &[u8], data: &[u8]) -> Answer<'_> {
        match code {
            OpCode::Out if operands.0 == 0 => self.out.extend_from_slice(data),
            OpCode::Out => self.out = data.to_vec(),
            OpCode::Current => {
                let current = std::str::from_utf8(name)
                    .ok()
                    .and_then(|name| self.code.current(name));
                return Answer::value(current.map_or(0, Module::address));
            }
            _ => self.recorded.push(Recorded {
                code,
                operands,
                data: data.to_vec(),
            }),
        }
        Answer::value(0)
    }

    fn epoch(&self) -> *const AtomicU64 {
        self.code.epoch()
    }

    fn take_out(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }
}

/// The version of the running code, which `version/1` of this module returns.
pub(crate) fn version(code: &CodeServer, module: Module) -> String {
    let args = rmp_serde::to_vec(&("",)).expect("a tuple of a string is MessagePack");
    let said = module
        .call(&mut TestHost::new(code), "version", &args)
        .expect("every fixture has version/1");
    rmp_serde::from_slice(&said).expect("version/1 returns a string")
}

/// Starts the counter with a block of `bytes` bytes.
pub(crate) fn counter(code: &CodeServer, module: Module, bytes: usize) -> State {
    let args = rmp_serde::to_vec(&(bytes,)).expect("a tuple of a number is MessagePack");
    module
        .init(&mut TestHost::new(code), &args)
        .expect("the counter starts with any block")
}

/// Calls the counter; returns the outcome of the call, and the reply.
pub(crate) fn ask(
    code: &CodeServer,
    state: &mut State,
    request: &impl serde::Serialize,
) -> (Verdict, Option<u64>) {
    let mut host = TestHost::new(code);
    let request = rmp_serde::to_vec_named(request).expect("requests are MessagePack");
    let verdict = state.handle(&mut host, Callback::Call, (7, 9), &request);
    let reply = host
        .recorded
        .iter()
        .find(|op| op.code == OpCode::Reply && op.operands == (7, 9));
    (
        verdict,
        reply.map(|op| rmp_serde::from_slice(&op.data).expect("a count is a number")),
    )
}

//! Calls into a loaded library: their results, their panics, and the owner of their memory.

use pq_abi::{Failure, Reason, Verdict};
use serde::Serialize;

use super::fixture::SOURCE;
use super::host::{TestHost, ask, counter};
use super::support::{Node, V1};

#[derive(Serialize)]
pub(crate) enum Request {
    Add(u64),
    Panic,
    Stop,
}

#[test]
fn a_process_of_a_loaded_library_answers_and_keeps_its_state() {
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    let mut state = counter(&node.code, node.module(library, "fix_counter"), 10);
    assert_eq!(
        ask(&node.code, &mut state, &Request::Add(3)),
        (Verdict::Wait, Some(3))
    );
    assert_eq!(
        ask(&node.code, &mut state, &Request::Add(4)),
        (Verdict::Wait, Some(7))
    );
    assert_eq!(
        ask(&node.code, &mut state, &Request::Stop),
        (Verdict::Stop(Reason::Normal), None)
    );
}

#[test]
fn a_panic_in_a_callback_comes_back_with_its_place_and_leaves_the_state_usable() {
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    let mut state = counter(&node.code, node.module(library, "fix_counter"), 10);
    assert_eq!(ask(&node.code, &mut state, &Request::Add(3)).1, Some(3));
    let line = 1 + SOURCE
        .lines()
        .position(|line| line.contains("panic!"))
        .expect("the fixture can panic");
    for _ in 0..3 {
        let (verdict, reply) = ask(&node.code, &mut state, &Request::Panic);
        let Verdict::Fail(Failure::Panic(text)) = verdict else {
            panic!("{verdict:?}")
        };
        let place = format!("src/lib.rs:{line}:");
        assert!(
            text.starts_with("the count is 3 of 10, at ") && text.contains(&place),
            "{text}"
        );
        assert_eq!(reply, None);
    }
    assert_eq!(ask(&node.code, &mut state, &Request::Add(4)).1, Some(7));
}

#[test]
fn a_panic_on_another_thread_comes_back_there() {
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    let module = node.module(library, "fix_counter");
    let panicked = std::thread::scope(|threads| {
        let run = || {
            let mut state = counter(&node.code, module, 0);
            matches!(
                ask(&node.code, &mut state, &Request::Panic).0,
                Verdict::Fail(Failure::Panic(_))
            )
        };
        [threads.spawn(run), threads.spawn(run)]
            .map(|thread| thread.join().expect("the library catches its panic"))
    });
    assert_eq!(panicked, [true, true]);
}

#[test]
fn a_function_that_a_module_does_not_have_is_undefined() {
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    let module = node.module(library, "fix_words");
    let failure = module.call(&mut TestHost::new(&node.code), "fly", &[]);
    assert_eq!(failure, Err(Failure::Undefined("function fly".into())));
}

#[test]
fn memory_that_a_library_holds_is_counted_for_it_and_for_no_other() {
    const MIB: usize = 1 << 20;
    let node = Node::new();
    let library = node.load("a.so", V1.bytes());
    let other = node.load("b.so", super::support::V2.bytes());
    let held = |id| {
        node.code
            .library(id)
            .expect("the library is loaded")
            .allocated_bytes as usize
    };
    let (before, other_before) = (held(library), held(other));
    let state = counter(&node.code, node.module(library, "fix_counter"), MIB);
    assert!(
        (before + MIB..before + MIB + 4096).contains(&held(library)),
        "{before} {}",
        held(library)
    );
    assert_eq!(held(other), other_before);
    drop(state);
    assert_eq!(held(library), before);
    let mapped = node
        .code
        .library(library)
        .expect("the library is loaded")
        .mapped_bytes as usize;
    assert!(
        mapped.is_multiple_of(4096) && (100_000..2 * V1.bytes().len()).contains(&mapped),
        "{mapped}"
    );
}

#[test]
fn a_state_travels_from_one_version_to_the_next_as_bytes() {
    let node = Node::new();
    let (one, two) = (
        node.load("a.so", V1.bytes()),
        node.load("b.so", super::support::V2.bytes()),
    );
    let mut state = counter(&node.code, node.module(one, "fix_counter"), 1);
    ask(&node.code, &mut state, &Request::Add(5));
    let mut host = TestHost::new(&node.code);
    let bytes = state.export(&mut host).expect("a counter can be exported");
    let mut newer = node
        .module(two, "fix_counter")
        .import(&mut host, &bytes)
        .expect("the fields are the same");
    assert_eq!(ask(&node.code, &mut newer, &Request::Add(1)).1, Some(6));
    assert_eq!(newer.module().vsn(), "1.1.0");
}

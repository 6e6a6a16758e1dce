//! Subtrees as bytes: bytes from outside are decoded or refused with a sentence, and never cause a panic.

use pq_otp::moved::{BadSubtree, Moving, Subtree};
use proptest::prelude::*;

use super::stage::{Dice, PATIENCE_MS, node, plant, put};

/// The bytes of companies with everything that a subtree may have.
fn samples() -> Vec<Vec<u8>> {
    let sample = |seed| {
        let (mut rig, _) = node();
        let root = plant(&mut rig, &mut Dice(seed));
        rig.sim.run_ms(90);
        rig.sim
            .copy_out(root, PATIENCE_MS)
            .ok()
            .map(|it| it.to_bytes())
    };
    let samples: Vec<_> = (0..30).filter_map(sample).collect();
    assert!(samples.len() > 10);
    samples
}

#[test]
fn unknown_fields_are_skipped() {
    let bytes = &samples()[0];
    let [0x92, 1, head @ 0x80..=0x8e, content @ ..] = &bytes[..] else {
        panic!("a pair of 1 and a map: {:x?}", &bytes[..4]);
    };
    // A field `new` with an array of a pid, a binary and a map.
    let new = b"\xa3new\x93\xd7\x01\0\0\0\0\0\0\0\x07\xc4\x02ab\x81\xa1x\xc0";
    let newer = [&[0x92, 1, head + 1][..], content, new].concat();
    assert_eq!(Subtree::from_bytes(&newer), Subtree::from_bytes(bytes));
}

#[test]
fn other_formats_and_other_bytes_are_refused_with_a_sentence() {
    let sentence = |bytes: &[u8]| Subtree::from_bytes(bytes).unwrap_err().to_string();
    let format = "moved processes of format 7 cannot be read; this node reads format 1";
    assert_eq!(sentence(&[0x92, 7, 0x80]), format);
    assert_eq!(Subtree::from_bytes(b"hello"), Err(BadSubtree::NoSubtree));
    assert_eq!(Subtree::from_bytes(&[]), Err(BadSubtree::NoSubtree));
    let none = b"\x92\x01\x81\xa9processes\x90";
    assert_eq!(
        sentence(none),
        "the moved processes are inconsistent: there is no process"
    );
    let deep = [&b"\x92\x01\x81\xa1x"[..], &[0x91; 100_000]].concat();
    assert!(sentence(&deep).contains("depth"), "{}", sentence(&deep));
    let long = b"\x92\x01\x81\xa9processes\xdd\xff\xff\xff\xff";
    assert!(sentence(long).starts_with("the moved processes cannot be decoded"));
}

#[test]
fn every_beginning_of_a_subtree_is_refused() {
    let bytes = &samples()[1];
    for end in 0..bytes.len() {
        assert!(Subtree::from_bytes(&bytes[..end]).is_err(), "{end}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 20, ..ProptestConfig::default() })]

    /// Decoded bytes are put in, and the node plays on with what it got.
    #[test]
    fn changed_bytes_cause_no_panic(seed in any::<u64>()) {
        let mut dice = Dice(seed);
        for mut bytes in samples() {
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(bytes.len() as u64) as usize;
                bytes[at] = dice.below(256) as u8;
            }
            if let Ok(subtree) = Subtree::from_bytes(&bytes) {
                let (mut rig, _) = node();
                if rig.sim.put_in(put(subtree, None), PATIENCE_MS).is_err() {
                    prop_assert_eq!(rig.sim.processes().len(), 0);
                }
                rig.sim.run_ms(20);
            }
        }
    }
}

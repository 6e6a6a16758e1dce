//! Comparison with OTP's systools: a hundred cases with the relup or the error of OTP 25.2.3.
//!
//! Where OTP's order depends on chance, each order is right that the dependencies permit. `systools_oracle` makes new
//! cases at run time, and `author` tests the output of `pq relup`.

use expect_test::{Expect, expect};
use pq_tests::systools::comparison;
use pq_tests::systools::vectors::{Vector, vectors};

/// The number of cases in the file; a smaller number would mean that cases were lost.
const VECTORS: usize = 100;

#[test]
fn every_relup_and_every_error_is_that_of_otp() {
    let vectors = vectors();
    assert_eq!(vectors.len(), VECTORS);
    let faults: Vec<String> = vectors.iter().filter_map(fault).collect();
    assert!(
        faults.is_empty(),
        "{} differ:\n{}",
        faults.len(),
        faults.join("\n\n")
    );
}

/// The difference between our answer to a case and OTP's.
fn fault(vector: &Vector) -> Option<String> {
    let ours = vector.case.ours();
    let difference = vector.difference(&ours);
    difference.map(|difference| {
        format!(
            "{}: {difference}\n ours: {ours}\n OTP's: {}",
            vector.name, vector.expected
        )
    })
}

#[test]
fn the_comparison_sees_what_is_wrong() {
    for vector in vectors().iter().filter(|vector| !vector.order_is_partial) {
        let other = vector.expected.to_string().replacen("m1", "other", 1);
        if other != vector.expected.to_string() {
            let other = pq_term::read_term(&other).unwrap();
            assert!(
                comparison::difference(&vector.case.ours(), &other).is_some(),
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn the_judge_of_partial_orders_sees_what_is_turned() {
    for (name, piece, other) in [
        ("704", "[x,z,", "[z,x,"),
        ("704", "{suspend,[x,z,y", "{suspend,[x,y,z"),
        ("704", "{resume,[baz,bar", "{resume,[bar,baz"),
        ("801", "[pq_player,pq_quest", "[pq_quest,pq_player"),
        ("801", "{suspend,[pq_player]}", "{suspend,[pq_enemy]}"),
    ] {
        let vectors = vectors();
        let vector = vectors
            .iter()
            .find(|vector| vector.name.starts_with(name))
            .unwrap();
        let expected = vector.expected.to_string();
        assert_eq!(vector.difference(&vector.expected), None);
        assert!(expected.contains(piece), "{name}: {expected}");
        let turned = pq_term::read_term(&expected.replacen(piece, other, 1)).unwrap();
        assert!(vector.difference(&turned).is_some(), "{name}: {other}");
    }
}

#[test]
fn a_relup_made_twice_is_the_same_twice() {
    for vector in vectors() {
        assert_eq!(vector.case.ours(), vector.case.ours(), "{}", vector.name);
    }
}

#[test]
fn a_relup_reads_back_as_it_was_written() {
    for vector in vectors() {
        if let Ok((relup, _)) = vector.case.make() {
            let read = pq_release::relup::Relup::parse("relup".as_ref(), &relup.to_text());
            assert_eq!(read, Ok(relup), "{}", vector.name);
        }
    }
}

/// Where OTP's order depends on chance, ours is that of the appup.
#[test]
fn where_otp_rolls_dice_the_appup_decides() {
    let check = |name: &str, expected: Expect| {
        let vectors = vectors();
        let vector = vectors
            .iter()
            .find(|vector| vector.name.starts_with(name))
            .unwrap();
        expected.assert_eq(&vector.case.make().unwrap().0.to_text());
    };
    check(
        "704",
        expect![[r#"
        %% coding: utf-8
        {"B",
         [{"A",[],
           [{load_object_code,{a,"2",[foo,x,z,y,bar,baz]}},
            point_of_no_return,
            {suspend,[foo,x,z,y,bar,baz]},
            {load,{baz,soft_purge,soft_purge}},
            {load,{bar,soft_purge,soft_purge}},
            {load,{y,soft_purge,soft_purge}},
            {load,{z,soft_purge,soft_purge}},
            {load,{x,soft_purge,soft_purge}},
            {load,{foo,soft_purge,soft_purge}},
            {resume,[baz,bar,y,z,x,foo]}]}],
         [{"A",[],[point_of_no_return]}]}.
    "#]],
    );
    check(
        "801",
        expect![[r#"
        %% coding: utf-8
        {"1.1.0",
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.1.0",
                                            [pq_player,pq_quest,pq_events,pq_enemy]}},
            {load_object_code,{sockserv,"1.0.1",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{pq_quest,brutal_purge,brutal_purge}},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {code_change,up,[{pq_player,[]}]},
            {resume,[pq_player]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}],
         [{"1.0.0",[],
           [{load_object_code,{processquest,"1.0.0",[pq_player,pq_enemy,pq_events]}},
            {load_object_code,{sockserv,"1.0.0",[sockserv_serv]}},
            point_of_no_return,
            {suspend,[pq_player]},
            {code_change,down,[{pq_player,[]}]},
            {load,{pq_player,brutal_purge,brutal_purge}},
            {resume,[pq_player]},
            {remove,{pq_quest,brutal_purge,brutal_purge}},
            {purge,[pq_quest]},
            {load,{pq_enemy,brutal_purge,brutal_purge}},
            {load,{pq_events,brutal_purge,brutal_purge}},
            {load,{sockserv_serv,brutal_purge,brutal_purge}}]}]}.
    "#]],
    );
}

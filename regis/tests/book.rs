//! The book's check-list for the registry, one test per line, and the additions of this crate.

use std::cell::Cell;
use std::sync::Arc;

use regis::{Regis, RegisterError, SHARDS_MAX};

const JIM: u64 = 1;
const SAM: u64 = 2;

fn registry() -> Regis<&'static str, u64> {
    Regis::new()
}

#[test]
fn a_registered_process_is_reached_by_its_name() {
    let regis = registry();
    assert_eq!(regis.register("jim", JIM), Ok(()));
    assert_eq!(regis.whereis("jim"), Some(JIM));
    assert_eq!(regis.name_of(JIM), Some("jim"));
}

#[test]
fn the_names_can_be_listed() {
    let regis = registry();
    assert_eq!(regis.get_names(), Vec::<&str>::new());
    assert!(regis.is_empty());
    regis.register("jim", JIM).unwrap();
    regis.register("sam", SAM).unwrap();
    let mut names = regis.get_names();
    names.sort_unstable();
    assert_eq!(names, ["jim", "sam"]);
    assert_eq!(regis.len(), 2);
}

#[test]
fn an_unknown_name_is_undefined() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    assert_eq!(regis.whereis("sam"), None);
    assert_eq!(regis.name_of(SAM), None);
}

#[test]
fn a_process_cannot_have_two_names() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    let second = regis.register("james", JIM);
    assert_eq!(second, Err(RegisterError::AlreadyNamed { name: "jim" }));
    assert_eq!(regis.whereis("james"), None);
    let again = regis.register("jim", JIM);
    assert_eq!(again, Err(RegisterError::AlreadyNamed { name: "jim" }));
}

#[test]
fn two_processes_cannot_share_a_name() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    let second = regis.register("jim", SAM);
    assert_eq!(second, Err(RegisterError::NameTaken { holder: JIM }));
    assert_eq!(regis.name_of(SAM), None);
    assert_eq!(regis.register("sam", SAM), Ok(()));
}

#[test]
fn a_second_name_is_refused_before_a_taken_one() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    regis.register("sam", SAM).unwrap();
    let both = regis.register("jim", SAM);
    assert_eq!(both, Err(RegisterError::AlreadyNamed { name: "sam" }));
}

#[test]
fn a_name_can_be_registered_again_only_after_it_was_given_up() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    assert!(regis.register("jim", SAM).is_err());
    assert!(regis.unregister("jim"));
    assert_eq!(regis.register("jim", SAM), Ok(()));
    assert_eq!(regis.register("james", JIM), Ok(()));
}

#[test]
fn unregistering_never_fails() {
    let regis = registry();
    assert!(!regis.unregister("jim"));
    regis.register("jim", JIM).unwrap();
    assert!(regis.unregister("jim"));
    assert!(!regis.unregister("jim"));
    assert_eq!(regis.name_of(JIM), None);
}

#[test]
fn a_crash_frees_the_name() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    assert_eq!(regis.exited(JIM), Some("jim"));
    assert_eq!(regis.whereis("jim"), None);
    assert_eq!(regis.name_of(JIM), None);
    assert_eq!(regis.register("jim", SAM), Ok(()));
}

#[test]
fn an_old_death_does_not_touch_the_new_holder() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    regis.unregister("jim");
    regis.register("jim", SAM).unwrap();
    assert_eq!(regis.exited(JIM), None);
    assert_eq!(regis.whereis("jim"), Some(SAM));
}

#[test]
fn a_process_gives_up_only_its_own_name() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    regis.register("sam", SAM).unwrap();
    assert!(!regis.unregister_if("jim", SAM));
    assert!(!regis.unregister_if("james", JIM));
    assert_eq!(regis.len(), 2);
    assert!(regis.unregister_if("jim", JIM));
    assert_eq!((regis.len(), regis.name_of(JIM)), (1, None));
}

#[test]
fn a_dead_process_is_given_no_name() {
    let regis = registry();
    let refused = regis.register_alive("jim", JIM, |_| false);
    assert_eq!(refused, Err(RegisterError::Dead));
    assert_eq!((regis.whereis("jim"), regis.name_of(JIM)), (None, None));
}

#[test]
fn a_dead_holder_loses_its_name_to_the_next() {
    let regis = registry();
    regis.register("jim", JIM).unwrap();
    let taken = regis.register_alive("jim", SAM, |_| true);
    assert_eq!(taken, Err(RegisterError::NameTaken { holder: JIM }));
    assert_eq!(
        regis.register_alive("jim", SAM, |owner| owner != JIM),
        Ok(())
    );
    assert_eq!(
        (regis.whereis("jim"), regis.name_of(JIM)),
        (Some(SAM), None)
    );
    assert_eq!(regis.exited(JIM), None);
    assert_eq!(regis.name_of(SAM), Some("jim"));
}

/// Each time a dead holder has been removed, the next one registers before the caller.
#[test]
fn a_crowd_of_dying_holders_ends_in_a_refusal() {
    const CROWD: u64 = 1_000;
    let regis = Arc::new(registry());
    let next = Cell::new(2);
    regis.register("jim", 1).unwrap();
    let refused = regis.register_alive("jim", CROWD, |owner| {
        if owner != CROWD {
            regis.exited(owner);
            regis.register("jim", next.replace(next.get() + 1)).unwrap();
        }
        owner == CROWD
    });
    assert_eq!(refused, Err(RegisterError::NameTaken { holder: 17 }));
    assert_eq!((regis.len(), regis.name_of(CROWD)), (1, None));
}

#[test]
fn any_number_of_shards_will_do() {
    for shards in [0, 1, 2, 3, 255, SHARDS_MAX, usize::MAX] {
        let regis = Regis::<u64, u64>::with_shards(shards);
        for owner in 0..1_000 {
            regis.register(owner * 7, owner).unwrap();
        }
        assert_eq!(
            (regis.len(), regis.whereis(&7)),
            (1_000, Some(1)),
            "{shards} shards"
        );
    }
}

#[test]
fn the_hash_may_be_the_callers() {
    let hasher = std::hash::RandomState::new();
    let regis = Regis::<String, u64, _>::with_shards_and_hasher(4, hasher);
    regis.register("jim".to_owned(), JIM).unwrap();
    assert_eq!(regis.whereis("jim"), Some(JIM));
    assert_eq!(format!("{regis:?}"), "Regis { names: 1, .. }");
}

#[test]
fn the_errors_finish_a_sentence() {
    let sentence = |error: RegisterError<&str, u64>| format!("failed to register: {error}");
    assert_eq!(
        sentence(RegisterError::NameTaken { holder: 1 }),
        "failed to register: the name is held by 1"
    );
    assert_eq!(
        sentence(RegisterError::AlreadyNamed { name: "jim" }),
        "failed to register: the owner is already named \"jim\""
    );
    assert_eq!(
        sentence(RegisterError::Dead),
        "failed to register: the owner is dead"
    );
}

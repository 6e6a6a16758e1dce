//! The rows of the race table in `lib.rs` whose order a test can enforce: the death happens inside `is_alive`, at a
//! point where the registry cannot prevent it. (For a *holder*, `is_alive` runs without a lock; so it may call the
//! registry here, and only here.)

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use regis::{Regis, RegisterError};

const JIM: u64 = 1;
const SAM: u64 = 2;

/// Longer than any scheduling delay of a busy machine; only a failing test waits this long.
const DEADLINE: Duration = Duration::from_secs(20);

/// `is_alive` reports a living owner, which dies before the name is written. `exited` waits for the registration and
/// removes the name.
#[test]
fn a_death_after_the_check_frees_the_name() {
    let regis = Regis::<&str, u64>::new();
    let dead = AtomicBool::new(false);
    let (die, must_die) = mpsc::sync_channel(1);
    let (died, has_died) = mpsc::sync_channel(1);
    thread::scope(|scope| {
        let (regis, dead) = (&regis, &dead);
        scope.spawn(move || {
            must_die.recv_timeout(DEADLINE).unwrap();
            dead.store(true, Ordering::Relaxed);
            died.send(()).unwrap();
            regis.exited(JIM)
        });
        let given = regis.register_alive("jim", JIM, |_| {
            let alive = !dead.load(Ordering::Relaxed);
            die.send(()).unwrap();
            has_died.recv_timeout(DEADLINE).unwrap();
            alive
        });
        assert_eq!(given, Ok(()));
    });
    assert_eq!((regis.whereis("jim"), regis.name_of(JIM)), (None, None));
}

/// The holder is dead, but `exited` has not been called: another owner may take the name over, and the late `exited`
/// does not affect the new holder.
#[test]
fn a_name_taken_over_before_exited_stays_with_the_new_holder() {
    let regis = Regis::<&str, u64>::new();
    regis.register("jim", JIM).unwrap();
    assert_eq!(regis.whereis("jim"), Some(JIM));
    let plain = regis.register("jim", SAM);
    assert_eq!(plain, Err(RegisterError::NameTaken { holder: JIM }));
    regis
        .register_alive("jim", SAM, |owner| owner != JIM)
        .unwrap();
    assert_eq!(regis.exited(JIM), None);
    assert_eq!(regis.whereis("jim"), Some(SAM));
}

/// The holder dies between the conflict and the takeover, and `exited` is called before the takeover.
#[test]
fn a_holder_that_dies_during_the_conflict_is_replaced() {
    let regis = Regis::<&str, u64>::new();
    regis.register("jim", JIM).unwrap();
    let given = regis.register_alive("jim", SAM, |owner| {
        if owner == JIM {
            regis.exited(JIM);
        }
        owner != JIM
    });
    assert_eq!(given, Ok(()));
    assert_eq!(
        (regis.whereis("jim"), regis.name_of(JIM)),
        (Some(SAM), None)
    );
}

/// A third owner has got the name of the dead holder before it is to be removed.
#[test]
fn a_takeover_does_not_rob_a_living_third_owner() {
    const EVE: u64 = 3;
    let regis = Regis::<&str, u64>::new();
    regis.register("jim", JIM).unwrap();
    let refused = regis.register_alive("jim", SAM, |owner| {
        if owner == JIM {
            regis.exited(JIM);
            regis.register("jim", EVE).unwrap();
        }
        owner != JIM
    });
    assert_eq!(refused, Err(RegisterError::NameTaken { holder: EVE }));
    assert_eq!(
        (regis.whereis("jim"), regis.name_of(SAM)),
        (Some(EVE), None)
    );
}

//! The rules of the game and of supervision, on the virtual clock.

use pq_tests::house::House;
use pq_words::Opts;

#[test]
fn a_hero_plays_by_itself() {
    let mut house = House::boot(1);
    let opts = Opts {
        time: Some(800),
        lvlexp: Some(50),
        ..Opts::default()
    };
    house.start_hero("hakvroot", &opts).unwrap();
    house.sim.run_ms(3_600_000);
    let state = house.state_of("hakvroot").unwrap();
    println!("{state}");
    println!("{:?}", house.sim.counters());
    assert!(house.events_of("hakvroot").is_some());
}

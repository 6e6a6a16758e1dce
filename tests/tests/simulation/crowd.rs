//! Ten thousand heroes at the same time, of which a hundred have clients.

use pq_tests::house::client::Client;
use pq_tests::house::{House, socket_opts};

const SEED: u64 = 99;
const HEROES: usize = 10_000;
const CLIENTS: usize = 100;

#[test]
fn a_hundred_clients_among_ten_thousand_heroes_hear_of_their_own_and_nothing_else() {
    let mut house = House::boot(SEED);
    for number in 0..HEROES - CLIENTS {
        let hero = house.start_hero(&format!("hero {number}"), &socket_opts());
        assert!(hero.is_ok(), "{hero:?}");
    }
    let enter = |number| {
        house.sim.run_ms(5);
        (
            house.sim.now_ms(),
            house.enter_as(&format!("guest-{number}")),
        )
    };
    let guests: Vec<(u64, Client)> = (0..CLIENTS).map(enter).collect();
    for (number, (born_ms, _)) in guests.iter().enumerate() {
        house.watch_hero_of(&format!("guest-{number}"), *born_ms);
    }
    assert_eq!(house.count_children("pq_supersup"), HEROES as u64);
    assert_eq!(house.count_children("sockserv_sup"), CLIENTS as u64);

    house.sim.run_ms(60_000);
    for (number, (_, client)) in guests.iter().enumerate() {
        let name = format!("guest-{number}");
        let sup = house.sup_of(&name).unwrap();
        let news = house.check_hero(&name, sup).unwrap().model.news;
        let story = client.read();
        let begun = ["Executing", "Heading", "Selling", "Negotiating", "Leveled"];
        let told = story
            .lines()
            .filter(|line| begun.iter().any(|word| line.starts_with(word)));
        assert_eq!(told.count() as u64, news, "{name}: {story}");
    }

    guests
        .iter()
        .for_each(|(_, client)| drop(house.types(client, "quit")));
    assert!(guests.iter().all(|(_, client)| client.is_closed()));
    assert_eq!(
        house.count_children("pq_supersup"),
        (HEROES - CLIENTS) as u64
    );
    assert_eq!(house.names.get_names().len(), 2 * (HEROES - CLIENTS));
    assert_eq!(house.sim.counters().dropped, 0);
}

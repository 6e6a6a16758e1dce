//! Version 1.0.0 of the application `counter`: one server that adds.

pub mod counter;
pub mod counter_server;
pub mod counter_sup;

pq_sdk::library! {
    application: "counter", vsn: "1.0.0",
    application counter::Counter,
    supervisor counter_sup::CounterSup,
    gen_server counter_server::CounterServer,
}

//! Version 1.1.0 of the application `counter`: the server also counts the additions.
//!
//! Two modules have changed. The supervisor is the module of 1.0.0, with its version.

pub mod counter;
pub mod counter_server;

use counter_1_0_0 as v1_0_0;

pq_sdk::library! {
    application: "counter", vsn: "1.1.0",
    application counter::Counter,
    supervisor v1_0_0::counter_sup::CounterSup,
    gen_server counter_server::CounterServer,
}

//! The conversation over a socket, 1.1.0: a player may choose a word for a hero, and comes back to the hero by it.
//!
//! `sockserv_serv` and `sockserv_pq_events` have changed. The rest is imported from 1.0.0 with its version; older versions do
//! not know this one.

pub mod sockserv_serv;

pub mod sockserv_pq_events;

pub mod away;

pub mod shown;

pub mod migrate;

use sockserv_1_0_0 as v1_0_0;
use sockserv_1_0_1 as v1_0_1;

pq_sdk::library! {
    application: "sockserv", vsn: "1.1.0",
    application v1_0_0::sockserv::Sockserv,
    supervisor v1_0_0::sockserv_sup::SockservSup,
    gen_server sockserv_serv::Session,
    gen_event sockserv_pq_events::SockservPqEvents,
    functions v1_0_0::sockserv_trans::SockservTrans,
}

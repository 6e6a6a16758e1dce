//! The conversation over a socket, 1.0.1: a client that goes takes its hero along.
//!
//! Only `sockserv_serv` has changed. The rest is taken from 1.0.0, with its version; that knows nothing of
//! this one.

pub mod sockserv_serv;

pub mod migrate;

use sockserv_1_0_0 as v1_0_0;

pq_sdk::library! {
    application: "sockserv", vsn: "1.0.1",
    application v1_0_0::sockserv::Sockserv,
    supervisor v1_0_0::sockserv_sup::SockservSup,
    gen_server sockserv_serv::Session,
    gen_event v1_0_0::sockserv_pq_events::SockservPqEvents,
    functions v1_0_0::sockserv_trans::SockservTrans,
}

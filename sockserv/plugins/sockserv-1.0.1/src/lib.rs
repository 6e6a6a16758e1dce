//! The conversation over a socket, 1.0.1: when a client disconnects, its hero is stopped.
//!
//! Only `sockserv_serv` has changed. The rest is imported from 1.0.0 with its version; 1.0.0 does not know this
//! version.

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

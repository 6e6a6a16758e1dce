//! The conversation over a socket, 1.3.0: articles before names, and titles of heroes.
//!
//! Only `sockserv_trans` has changed. The rest is imported from 1.0.0 and 1.1.0 with its version; older versions do not know this
//! one.

pub mod sockserv_trans;

use sockserv_1_0_0 as v1_0_0;
use sockserv_1_1_0 as v1_1_0;

pq_sdk::library! {
    application: "sockserv", vsn: "1.3.0",
    application v1_0_0::sockserv::Sockserv,
    supervisor v1_0_0::sockserv_sup::SockservSup,
    gen_server v1_1_0::sockserv_serv::Session,
    gen_event v1_1_0::sockserv_pq_events::SockservPqEvents,
    functions sockserv_trans::SockservTrans,
}

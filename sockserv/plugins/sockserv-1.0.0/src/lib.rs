//! The conversation over a socket, 1.0.0: the application `sockserv` of the book.
//!
//! ```text
//! sockserv_sup                 one for all connections
//!   sockserv_serv              one per connection: asks for a name, rolls stats, tells the story
//!     sockserv_pq_events       its ear inside the event manager of its hero
//!     sockserv_trans           news of a hero to lines and pauses
//! ```
//!
//! Not here: the sockets themselves (the node's door, `sockserv/`), which hands over lines and takes
//! texts; and any rule of the game (`processquest`).

pub mod sockserv;

pub mod sockserv_sup;

pub mod sockserv_serv;

pub mod sockserv_pq_events;

pub mod sockserv_trans;

pq_sdk::library! {
    application: "sockserv", vsn: "1.0.0",
    application sockserv::Sockserv,
    supervisor sockserv_sup::SockservSup,
    gen_server sockserv_serv::Session,
    gen_event sockserv_pq_events::SockservPqEvents,
    functions sockserv_trans::SockservTrans,
}

//! Version 1.0.0 of the application `chat`.
//!
//! ```text
//! chat_sup (rest_for_one)
//!   chat_topic                          knows the members, and passes their lines on
//!   chat_sessions (simple_one_for_one)
//!     chat_session                      one for each client: asks for a name, then reads lines
//! ```
//! The node listens, speaks telnet, and starts a `chat_session` for each client, because `sys.config` names `chat_sessions`.

pub mod chat;
pub mod chat_session;
pub mod chat_sessions;
pub mod chat_sup;
pub mod chat_topic;

pq_sdk::library! {
    application: "chat", vsn: "1.0.0",
    application chat::Chat,
    supervisor chat_sup::ChatSup,
    gen_server chat_topic::Topic,
    supervisor chat_sessions::ChatSessions,
    gen_server chat_session::Session,
}

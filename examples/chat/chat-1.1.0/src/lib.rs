//! Version 1.1.0 of the application `chat`: a newcomer reads the last lines, and `/who` lists the members.
//!
//! Two modules have changed. The other modules are those of 1.0.0, with their version.

pub mod chat_session;
pub mod chat_topic;

use chat_1_0_0 as v1_0_0;

pq_sdk::library! {
    application: "chat", vsn: "1.1.0",
    application v1_0_0::chat::Chat,
    supervisor v1_0_0::chat_sup::ChatSup,
    gen_server chat_topic::Topic,
    supervisor v1_0_0::chat_sessions::ChatSessions,
    gen_server chat_session::Session,
}

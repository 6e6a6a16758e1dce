//! The telnet options the door knows, by number (IANA registry "Telnet Options"; the last three by custom of MUDs).

/// Echo (RFC 857): the end that performs it shows what is typed. The node does for a client that asks for it; and it says
/// so, and does not, while nobody is to see what is typed.
pub const ECHO: u8 = 1;
/// Suppress Go Ahead (RFC 858).
pub const SGA: u8 = 3;
/// Timing Mark (RFC 860): a question without a state.
pub const TIMING_MARK: u8 = 6;
/// Terminal Type (RFC 1091), with MTTS as its third answer.
pub const TTYPE: u8 = 24;
/// End Of Record (RFC 885): marks prompts.
pub const EOR: u8 = 25;
/// Negotiate About Window Size (RFC 1073).
pub const NAWS: u8 = 31;
/// Charset (RFC 2066).
pub const CHARSET: u8 = 42;
/// MUD Server Status Protocol.
pub const MSSP: u8 = 70;
/// MUD Client Compression Protocol, version 2.
pub const COMPRESS2: u8 = 86;
/// Generic MUD Communication Protocol.
pub const GMCP: u8 = 201;

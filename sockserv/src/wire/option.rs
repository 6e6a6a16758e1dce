//! The numbers of the telnet options that the server knows (IANA registry "Telnet Options"; the last three are a MUD custom).

/// Echo (RFC 857): the end that performs the option shows the typed text. The node performs it for a client that requests
/// it. While a password is typed, the node only claims to perform it, so that no end shows the text.
pub const ECHO: u8 = 1;
/// Suppress Go Ahead (RFC 858).
pub const SGA: u8 = 3;
/// Timing Mark (RFC 860): a request without a state.
pub const TIMING_MARK: u8 = 6;
/// Terminal Type (RFC 1091), with MTTS as its third answer.
pub const TTYPE: u8 = 24;
/// End Of Record (RFC 885): marks prompts.
pub const EOR: u8 = 25;
/// Negotiate About Window Size (RFC 1073).
pub const NAWS: u8 = 31;
/// Charset (RFC 2066): the character set of text in both directions.
pub const CHARSET: u8 = 42;
/// MUD Server Status Protocol.
pub const MSSP: u8 = 70;
/// MUD Client Compression Protocol, version 2.
pub const COMPRESS2: u8 = 86;
/// Generic MUD Communication Protocol.
pub const GMCP: u8 = 201;

//! The address of a node: `HOST:PORT`, `HOST` or `PORT`.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

/// The port of the book's game, and the default of `pq start`.
const PORT: u16 = 8082;

/// The address of a node for players.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    /// A host name or an IP address without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// The reason why a text is not an address.
#[derive(thiserror::Error, PartialEq, Eq, Debug)]
pub(crate) enum AddressError {
    #[error("the address is empty; `localhost:{PORT}` would be right")]
    Empty,
    #[error("an IPv6 address needs brackets, as in `[::1]:{PORT}`")]
    Brackets,
    #[error("`{0}` is not a port: 1 to 65535 would be right")]
    Port(String),
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let (host, port) = split(text)?;
        let host = match host {
            "" => "localhost",
            host => host,
        };
        Ok(Address {
            host: host.to_string(),
            port: port.map_or(Ok(PORT), number)?,
        })
    }
}

/// Splits a text into host and port. A number alone is a port.
fn split(text: &str) -> Result<(&str, Option<&str>), AddressError> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or(AddressError::Brackets)?;
        return match (host, rest.strip_prefix(':')) {
            ("", _) => Err(AddressError::Brackets),
            (host, None) if rest.is_empty() => Ok((host, None)),
            (_, None) => Err(AddressError::Brackets),
            (host, port) => Ok((host, port)),
        };
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    match text.split_once(':') {
        None if text.is_empty() => Err(AddressError::Empty),
        None if is_number => Ok(("", Some(text))),
        None => Ok((text, None)),
        Some((_, rest)) if rest.contains(':') => Err(AddressError::Brackets),
        Some((host, port)) => Ok((host, Some(port))),
    }
}

fn number(port: &str) -> Result<u16, AddressError> {
    let number: Result<NonZeroU16, _> = port.parse();
    number.map_or_else(
        |_| Err(AddressError::Port(port.to_string())),
        |n| Ok(n.get()),
    )
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { host, port } = self;
        match host.contains(':') {
            true => write!(f, "[{host}]:{port}"),
            false => write!(f, "{host}:{port}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, AddressError>) {
        let found = text.parse::<Address>().map(|address| address.to_string());
        assert_eq!(found, expected.map(str::to_string), "{text:?}");
    }

    #[test]
    fn either_half_of_an_address_may_be_missing() {
        check("quest.example:4000", Ok("quest.example:4000"));
        check("quest.example", Ok("quest.example:8082"));
        check("192.0.2.7", Ok("192.0.2.7:8082"));
        check(":4000", Ok("localhost:4000"));
        check("4000", Ok("localhost:4000"));
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets() {
        check("[::1]:4000", Ok("[::1]:4000"));
        check("[fe80::1%eth0]", Ok("[fe80::1%eth0]:8082"));
        for odd in ["::1", "::1:4000", "[::1", "[::1]4000", "[]:4000"] {
            check(odd, Err(AddressError::Brackets));
        }
    }

    #[test]
    fn what_is_no_address_is_said() {
        check("", Err(AddressError::Empty));
        for port in ["0", "65536", "x", "", "-1"] {
            let expected = AddressError::Port(port.to_string());
            check(&format!("localhost:{port}"), Err(expected));
        }
    }
}

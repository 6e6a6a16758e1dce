//! `pq token`: gives the operator a token for orders from the live page (`crate::live`).

use std::time::{Duration, SystemTime};

use clap::Args;
use pq_protocol::{Exit, Failure, Named, Request};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::command::{Typed, Words, request};
use super::kinds::{AtDoor, Said};
use crate::client::{At, Show, lines};
use crate::clock::rfc3339;
use crate::live::tokens::{LIFE, LIFE_MAX};
use crate::running::RunningNode;

#[derive(Args, Debug)]
pub(crate) struct TokenArgs {
    /// The life of the token, 12h at most: 30m, 2h [default: 1h]
    #[arg(long = "for", value_name = "TIME", value_parser = life)]
    span: Option<Duration>,
    #[command(flatten)]
    at: At,
}

#[derive(Serialize, Deserialize, Debug)]
pub(crate) struct Token {
    /// The life of the token in milliseconds.
    for_ms: u64,
}

/// The answer to `token`.
#[derive(Serialize, Deserialize, Debug, JsonSchema)]
#[serde(tag = "operation", rename = "token")]
pub(crate) struct Issued {
    /// The token; only its hash stays with the node.
    token: String,
    /// The end of its life (RFC 3339).
    until: String,
    /// The live page with the token.
    address: String,
}

fn life(text: &str) -> Result<Duration, String> {
    let span = humantime::parse_duration(text).map_err(|error| error.to_string())?;
    match span <= LIFE_MAX {
        true => Ok(span),
        false => Err("a token lives for 12h at most".to_string()),
    }
}

impl Typed for TokenArgs {
    fn at(&self) -> &At {
        &self.at
    }

    fn run(&self) -> Result<(), Failure> {
        let token = Token {
            for_ms: self.span.unwrap_or(LIFE).as_millis() as u64,
        };
        self.at.show::<Issued>(&token.typed(), &request(&token)?)
    }
}

impl Words for Token {
    const NAME: &'static str = "token";
    const KIND: fn(Named) -> Request = Request::Door;
    type Answer = Issued;
}

impl AtDoor for Token {
    fn carry_out(self, node: &RunningNode, said: Said<'_>) -> Result<Issued, Failure> {
        let life = Duration::from_millis(self.for_ms).min(LIFE_MAX);
        let Some(page) = node.live_page() else {
            let sentence = "failed to give a token: the node has no web port for operators; --metrics-port N opens it";
            return Err(Failure::new(Exit::Refused, sentence));
        };
        let token = node.tokens().issue(said.who, life).map_err(|error| {
            Failure::new(Exit::Internal, format!("failed to give a token: {error}"))
        })?;
        Ok(Issued {
            address: format!("{page}#token={token}"),
            token,
            until: rfc3339(SystemTime::now() + life),
        })
    }
}

impl Show for Issued {
    fn show(&self) -> String {
        lines(&[
            ("token", self.token.clone()),
            ("until", self.until.clone()),
            ("page", self.address.clone()),
        ])
    }
}
